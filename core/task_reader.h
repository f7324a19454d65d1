// The settable fields of a task, read from JSON: one place that says what a valid title, date, link … is, for request
// bodies, batch records, stored events and imported ones alike. Internal to core.
#pragma once

#include <array>
#include <string_view>

#include "core/json_reader.h"
#include "core/result.h"
#include "core/task.h"
#include "core/time_zone.h"

namespace taskledger::json {

// The keys of the settable fields, in the canonical order of an event's `data`.
inline constexpr std::array<std::string_view, 6> kTaskFieldNames = {"title",       "due_date",       "priority",
                                                                    "action_type", "assigned_to_id", "linked_entities"};
inline constexpr std::size_t kTitleField = 0;

// Creations take null for an absent field; updates take it for clearing one (which a title refuses).
enum class Nulls { absent, clear };

// Whether `text` is a valid title as it stands and plain ASCII: the common case of stored and sent titles, decided
// without the Unicode functions.
[[nodiscard]] bool is_plain_title(std::string_view text);

// Reads the field kTaskFieldNames[index] into `patch`.
[[nodiscard]] Result<void> read_task_field(std::size_t index, const Path& path, const Element& value, Nulls nulls,
                                           const TimeZone& zone, TaskPatch& patch);

// The fields of a creation: those of `patch`, with `Field 'title' is required` when it has none. `path` is that of the
// object they were read from.
[[nodiscard]] Result<TaskFields> to_fields(const Path& path, TaskPatch&& patch);
// Of one that has a title.
[[nodiscard]] TaskFields fields_of(TaskPatch&& patch);

// An instant (a date alone is refused); without an offset it is UTC.
[[nodiscard]] Result<Timestamp> read_instant(const Path& path, const Element& value);

}  // namespace taskledger::json
