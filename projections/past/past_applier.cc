#include "projections/past/past_applier.h"

#include <fmt/core.h>

#include <utility>

#include "core/decider.h"

namespace taskledger::projections {

void PastApplier::apply(Event& one, std::optional<Row> row) {
  const bool known = row && image_.version[*row] != 0;
  if (auto* created = std::get_if<TaskCreated>(&one.event)) {
    if (known) return;
    // As evolve() does, but the fields are swapped: most events are creations, and what a thread allocated is best
    // freed there too.
    std::swap(task_.fields, created->fields);
    task_.id = {one.stream};
    task_.lifecycle = Lifecycle::live;
    task_.version = one.version;
    task_.completed_at.reset();
    task_.completed_by.reset();
    task_.created_by = one.actor;
    task_.created_at = task_.updated_at = one.time;
    image_.store(task_, row);
    return;
  }
  if (!known) return;
  if (std::holds_alternative<TaskDeleted>(one.event) || std::holds_alternative<TaskErased>(one.event)) {
    image_.live[*row / 64] &= ~(std::uint64_t{1} << (*row % 64));
    return;
  }
  task_ = image_.task(*row);
  if (!image_.is_live(*row)) task_.lifecycle = Lifecycle::deleted;
  evolve(task_, {one.stream}, one.version, one.time, one.actor, one.event);
  image_.store(task_, row);
}

Result<std::optional<TaskEvent>, storage::ReadError> event_of(Position position, std::uint8_t type,
                                                              std::optional<std::string_view> payload) {
  const auto kind = static_cast<EventType>(type);
  if (!payload && kind != EventType::task_deleted && kind != EventType::task_erased) return std::optional<TaskEvent>();
  auto event = parse_event_data(kind, payload.value_or("{}"));
  if (!event) {
    return storage::ReadError{
        fmt::format("position {}: event of type {} cannot be read: {}", position.value, type, event.error().message)};
  }
  return std::optional<TaskEvent>(*std::move(event));
}

}  // namespace taskledger::projections
