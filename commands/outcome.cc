// The names of actions, and what an unchecked result does: declared in commands/command_handler.h.
#include <stdexcept>

#include "commands/command_handler.h"

namespace taskledger::commands {

std::string_view name_of(Action action) noexcept {
  switch (action) {
    case Action::created:
      return "created";
    case Action::updated:
      return "updated";
    case Action::completed:
      return "completed";
    case Action::reopened:
      return "reopened";
    case Action::deleted:
      return "deleted";
    case Action::restored:
      return "restored";
    case Action::undone:
      return "undone";
    case Action::erased:
      return "erased";
  }
  return "";
}

void throw_exception_from_error(const Failure&, const boost::source_location&) {
  throw std::logic_error("unchecked result of a command");
}

}  // namespace taskledger::commands
