// From the storage layer's errors as values to a command's one way to fail.
#pragma once

#include <type_traits>
#include <utility>

#include "app/command.h"
#include "storage/event_log.h"

namespace taskledger::app {

// What `result` holds; throws Failed with storage's own line when that is an error.
template <class T>
T need(Result<T, storage::ReadError> result) {
  if (!result) throw Failed(result.error().what);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace taskledger::app
