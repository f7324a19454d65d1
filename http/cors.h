// Cross-origin requests from browsers: off unless origins are set. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace taskledger::http {

class Cors {
 public:
  explicit Cors(std::string_view origins);  // "" (off), "*", or a comma-separated list
  // Of such a list, the first that no browser would send: what is neither `scheme://host[:port]` in lower case, nor
  // `null`, nor `*`. Empty: there is none.
  [[nodiscard]] static std::string_view first_wrong(std::string_view origins);
  [[nodiscard]] bool on() const { return any_ || !origins_.empty(); }
  // The lines that let the origin read the answer; nothing for one that may not.
  void append_headers(std::string& headers, std::string_view origin) const;
  // The answer to OPTIONS on an address with these methods.
  [[nodiscard]] Reply preflight(const RequestHead& head, std::string_view allow) const;

 private:
  [[nodiscard]] bool allows(std::string_view origin) const;
  bool any_ = false;
  std::vector<std::string> origins_;
};

}  // namespace taskledger::http
