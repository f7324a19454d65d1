// Expected failures are values: Result<T, E> holds one or the other; check it, then dereference.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace taskledger {

// Something a caller sent that the contract does not allow. `message` names the field, parameter or line at fault and
// is shown as it is.
struct Invalid {
  std::string message;
};

template <class T, class E = Invalid>
using Result = boost::system::result<T, E>;

// boost::system::result::value() on an error is a bug of the caller.
[[noreturn]] inline void throw_exception_from_error(const Invalid& error, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + error.message);
}

}  // namespace taskledger
