// Applies events of a workspace's past, in the log's order, to an image of columns without sequences.
// Threads: one at a time.
#pragma once

#include <optional>

#include "core/event.h"
#include "projections/image/image.h"
#include "storage/event_log.h"

namespace taskledger::projections {

class PastApplier {
 public:
  explicit PastApplier(Image& image) : image_(image) {}

  struct Event {
    Uuid stream;
    Version version;
    Timestamp time;
    UserId actor;
    TaskEvent event;
  };

  // `row` is what the image says of the task: one whose version is 0 is of a task that is not known beyond its id.
  // A task begins with its creation: what follows one that was erased is left out. The event's fields are used up.
  void apply(Event& one, std::optional<Row> row);

 private:
  Image& image_;
  Task task_;
};

// nullopt: the record does not count, since its payload was erased. ReadError: this version cannot read it.
[[nodiscard]] Result<std::optional<TaskEvent>, storage::ReadError> event_of(Position position, std::uint8_t type,
                                                                            std::optional<std::string_view> payload);

}  // namespace taskledger::projections
