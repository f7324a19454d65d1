// HMAC-SHA256 (RFC 2104) with a key prepared once: each code then costs the message and one block more.
// Values; operator() from any thread.
#pragma once

#include <string_view>

#include "storage/sha256.h"

namespace taskledger::http {

class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  [[nodiscard]] storage::Hash operator()(std::string_view message) const;

 private:
  storage::Sha256 inner_, outer_;
};

}  // namespace taskledger::http
