// A document that never changes while the process runs: its bytes, its entity tag, its further headers.
// Immutable once built; any thread.
#pragma once

#include <string>
#include <string_view>

#include "http/handlers.h"

namespace taskledger::http {

class StaticDocument {
 public:
  // `bytes`, `content_type` live as long as the document; `headers` are ready lines.
  StaticDocument(std::string_view bytes, std::string_view content_type, std::string_view headers = {});

  // The document, or 304 for who has it. The query is not looked at.
  [[nodiscard]] Reply reply(const RequestHead& head) const;

 private:
  std::string_view bytes_, content_type_;
  std::string tag_, headers_;
};

}  // namespace taskledger::http
