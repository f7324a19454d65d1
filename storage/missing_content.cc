#include "storage/missing_content.h"

#include <fmt/format.h>

namespace taskledger::storage {

ReadError content_is_gone(Position position) {
  return {fmt::format("position {}: its content is gone, and no erasure says so", position.value)};
}

}  // namespace taskledger::storage
