// The task: its validated fields, the state that its events fold to, and the names of its enumerations.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/timestamp.h"

namespace taskledger {

// Values are stored: never renumber. Their order is the sort order (priority low < medium < high; action types and
// entity types alphabetically by name).
enum class Priority : std::uint8_t { low = 1, medium = 2, high = 3 };
enum class ActionType : std::uint8_t { call = 1, email = 2, linkedin_message = 3, meeting = 4, whatsapp_message = 5 };
enum class EntityType : std::uint8_t { companies = 1, contacts = 2, opportunities = 3 };

[[nodiscard]] std::string_view name_of(Priority) noexcept;
[[nodiscard]] std::string_view name_of(ActionType) noexcept;
[[nodiscard]] std::string_view name_of(EntityType) noexcept;
[[nodiscard]] std::optional<Priority> parse_priority(std::string_view) noexcept;
[[nodiscard]] std::optional<ActionType> parse_action_type(std::string_view) noexcept;
[[nodiscard]] std::optional<EntityType> parse_entity_type(std::string_view) noexcept;
// The members in the order in which error messages list them: "low, medium, high",
// "call, email, meeting, linkedin_message, whatsapp_message", "contacts, companies, opportunities".
inline constexpr std::string_view kPriorityNames = "low, medium, high";
inline constexpr std::string_view kActionTypeNames = "call, email, meeting, linkedin_message, whatsapp_message";
inline constexpr std::string_view kEntityTypeNames = "contacts, companies, opportunities";

inline constexpr std::size_t kMaxTitleCharacters = 500;
inline constexpr std::size_t kMaxLinks = 100;

struct Link {
  EntityId id;
  EntityType type;
  friend auto operator<=>(const Link&, const Link&) = default;
};
// Whether two lists hold the same links, whatever their order. Neither holds one twice.
[[nodiscard]] bool same_links(const std::vector<Link>& a, const std::vector<Link>& b);

// What a caller may set. `title` is trimmed, 1 to 500 characters, without control characters; `links` is a set in the
// order given.
struct TaskFields {
  std::string title;
  std::optional<Timestamp> due_date;
  std::optional<Priority> priority;
  std::optional<ActionType> action_type;
  std::optional<UserId> assigned_to;
  std::vector<Link> links;
  friend bool operator==(const TaskFields&, const TaskFields&) = default;
};

// A change of some fields: the outer optional says whether the field is given, the inner one is its new value.
struct TaskPatch {
  std::optional<std::string> title;
  std::optional<std::optional<Timestamp>> due_date;
  std::optional<std::optional<Priority>> priority;
  std::optional<std::optional<ActionType>> action_type;
  std::optional<std::optional<UserId>> assigned_to;
  std::optional<std::vector<Link>> links;
  [[nodiscard]] bool empty() const {
    return !title && !due_date && !priority && !action_type && !assigned_to && !links;
  }
  friend bool operator==(const TaskPatch&, const TaskPatch&) = default;
};

enum class Lifecycle : std::uint8_t { absent = 0, live = 1, deleted = 2, erased = 3 };

// The state of one task: the fold of its events (see decider.h). `absent` is the state before the first one.
struct Task {
  TaskId id;
  Lifecycle lifecycle = Lifecycle::absent;
  Version version;
  TaskFields fields;
  std::optional<Timestamp> completed_at;  // given exactly when the task is completed
  std::optional<UserId> completed_by;
  UserId created_by;
  Timestamp created_at, updated_at;
  [[nodiscard]] bool is_completed() const { return completed_at.has_value(); }
  friend bool operator==(const Task&, const Task&) = default;
};
// Bytes of memory.
[[nodiscard]] inline std::size_t size_of(const Task& task) {
  return sizeof task + task.fields.title.capacity() + task.fields.links.capacity() * sizeof(Link);
}

// Appends the task as the API returns it: the twelve fields of the contract, in its order.
void append_task_json(std::string& out, const Task& task);
// Appends `[{"id": …, "type": …}, …]`.
void append_links_json(std::string& out, const std::vector<Link>& links);

}  // namespace taskledger
