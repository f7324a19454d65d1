// What an exception says, whatever its type: for the places where one must end neither a thread nor the process.
#pragma once

#include <exception>
#include <string>

namespace taskledger::reactors {

[[nodiscard]] inline std::string exception_text(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace taskledger::reactors
