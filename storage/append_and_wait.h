// Appends a commit and waits for the log's answer. Not from the appender's thread (callbacks, observers).
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "storage/event_log.h"

namespace taskledger::storage {

[[nodiscard]] inline EventLog::Appending append_and_wait(EventLog& log, Commit commit) {
  // Shared: the appender may still be inside set_value when get() has returned.
  auto promise = std::make_shared<std::promise<EventLog::Appending>>();
  auto answer = promise->get_future();
  log.append(std::move(commit), [promise](const EventLog::Appending& result) { promise->set_value(result); });
  return answer.get();
}

}  // namespace taskledger::storage
