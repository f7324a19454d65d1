// GET /docs: a page that shows /openapi.json. It is whole in itself: its policy lets it run its own script and style,
// known by their hashes, and ask nobody but this server.
#include "core/base64.h"
#include "http/embedded.h"
#include "http/handlers.h"
#include "http/static_document.h"
#include "storage/sha256.h"

namespace taskledger::http {
namespace {

// `'sha256-…'` of what stands between the two tags.
std::string source_of(std::string_view page, std::string_view open, std::string_view close) {
  const auto start = page.find(open) + open.size();
  const auto hash = storage::Sha256().add(page.substr(start, page.find(close, start) - start)).finish();
  return "'sha256-" + to_base64(storage::as_bytes(hash)) + "'";
}

std::string policy_of(std::string_view page) {
  return "Content-Security-Policy: default-src 'none'; script-src " + source_of(page, "<script>", "</script>") +
         "; style-src " + source_of(page, "<style>", "</style>") +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";
}

}  // namespace

std::optional<Handled> get_docs_page(const Request& request) {
  static const StaticDocument document(embedded::docs_html, "text/html; charset=utf-8", policy_of(embedded::docs_html));
  return document.reply(request.head);
}

}  // namespace taskledger::http
