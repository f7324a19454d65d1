// Small makers that the tests of core share: readable ids, times, tasks and histories.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/decider.h"
#include "core/event.h"
#include "core/ids.h"
#include "core/task.h"
#include "core/time_zone.h"

namespace taskledger::testing {

inline Uuid uuid(std::uint8_t last) {
  Uuid uuid;
  uuid.bytes[15] = last;
  return uuid;
}
inline UserId user(std::uint8_t last) { return {uuid(last)}; }
inline Link link(std::uint8_t last, EntityType type) { return {{uuid(last)}, type}; }
inline Timestamp at(std::string_view text) { return parse_time(text, TimeZone{})->at; }

inline TaskFields titled(std::string title) {
  TaskFields fields;
  fields.title = std::move(title);
  return fields;
}

// A task and its events, as a command handler would keep them: time advances by a second an event.
struct Stream {
  Task state;
  std::vector<RecordedEvent> history;
  Timestamp now{1'000'000'000'000};

  static inline const TaskId kId{uuid(0x77)};

  void record(const TaskEvent& event, const UserId& actor = user(1)) {
    now.ms += 1000;
    const Version version = state.version.next();
    EventId id{uuid(0)};
    id.value.bytes[0] = static_cast<std::uint8_t>(version.value >> 8);
    id.value.bytes[1] = static_cast<std::uint8_t>(version.value);
    history.push_back({version, now, actor, id, event});
    evolve(state, kId, version, now, actor, event);
  }
  // Decides, records what was decided, and returns the events' types, or the refusal, as text.
  std::string perform(const TaskCommand& command, const UserId& actor = user(1)) {
    const auto* undo = std::get_if<UndoEvent>(&command);
    const auto decided = undo ? decide_undo(state, history, *undo) : decide(state, command);
    if (!decided) return name(decided.error());
    std::string types;
    for (const TaskEvent& event : *decided) {
      types += (types.empty() ? "" : " ") + std::string(name_of(type_of(event)));
      record(event, actor);
    }
    return types.empty() ? "nothing" : types;
  }
  std::string undo() { return perform(UndoEvent{}); }
  std::string undo(std::uint32_t version) { return perform(UndoEvent{history.at(version - 1).id}); }

  static std::string name(Refusal refusal) {
    switch (refusal) {
      case Refusal::not_found:
        return "not_found";
      case Refusal::already_exists:
        return "already_exists";
      case Refusal::not_deleted:
        return "not_deleted";
      case Refusal::erased:
        return "erased";
      case Refusal::event_not_found:
        return "event_not_found";
      case Refusal::superseded:
        return "superseded";
      case Refusal::nothing_to_undo:
        return "nothing_to_undo";
    }
    return "?";
  }
};

}  // namespace taskledger::testing
