#include "http/static_document.h"

#include "http/entity_tags.h"
#include "storage/sha256.h"

namespace taskledger::http {
namespace {

constexpr std::size_t kTagDigits = 32;

}  // namespace

StaticDocument::StaticDocument(std::string_view bytes, std::string_view content_type, std::string_view headers)
    : bytes_(bytes),
      content_type_(content_type),
      tag_(storage::to_hex(storage::Sha256().add(bytes).finish()), 0, kTagDigits) {
  // Kept by browsers, but asked for each time: the next version of the binary has another one.
  headers_ = "ETag: \"" + tag_ + "\"\r\nCache-Control: no-cache\r\n";
  headers_ += headers;
}

Reply StaticDocument::reply(const RequestHead& head) const {
  Reply reply;
  reply.content_type = content_type_;
  reply.headers = headers_;
  if (none_match_holds(head.if_none_match, std::string_view(tag_))) {
    reply.status = 304;
  } else {
    reply.body = bytes_;
  }
  return reply;
}

}  // namespace taskledger::http
