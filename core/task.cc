#include "core/task.h"

#include <algorithm>

#include "core/json_writer.h"
#include "core/text.h"

namespace taskledger {
namespace {

// The names of an enumeration, at the index of each value; there is no value 0.
constexpr std::array<std::string_view, 4> kPriorities{"", "low", "medium", "high"};
constexpr std::array<std::string_view, 6> kActionTypes{
    "", "call", "email", "linkedin_message", "meeting", "whatsapp_message"};
constexpr std::array<std::string_view, 4> kEntityTypes{"", "companies", "contacts", "opportunities"};

template <class Enum, std::size_t N>
std::string_view name_in(const std::array<std::string_view, N>& names, Enum value) noexcept {
  const auto code = static_cast<std::size_t>(value);
  return code < N ? names[code] : std::string_view();
}

template <class Enum, std::size_t N>
std::optional<Enum> parse_in(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  for (std::size_t code = 1; code < N; ++code) {
    if (names[code] == name) return static_cast<Enum>(code);
  }
  return std::nullopt;
}

// The JSON of a task without its title, at most.
constexpr std::size_t kMaxFixedJson = 600;

}  // namespace

std::string_view name_of(Priority value) noexcept { return name_in(kPriorities, value); }
std::string_view name_of(ActionType value) noexcept { return name_in(kActionTypes, value); }
std::string_view name_of(EntityType value) noexcept { return name_in(kEntityTypes, value); }

std::optional<Priority> parse_priority(std::string_view name) noexcept { return parse_in<Priority>(kPriorities, name); }
std::optional<ActionType> parse_action_type(std::string_view name) noexcept {
  return parse_in<ActionType>(kActionTypes, name);
}
std::optional<EntityType> parse_entity_type(std::string_view name) noexcept {
  return parse_in<EntityType>(kEntityTypes, name);
}

bool same_links(const std::vector<Link>& a, const std::vector<Link>& b) {
  if (a.size() != b.size()) return false;
  if (a == b) return true;
  std::vector<Link> sorted_a = a, sorted_b = b;
  std::sort(sorted_a.begin(), sorted_a.end());
  std::sort(sorted_b.begin(), sorted_b.end());
  return sorted_a == sorted_b;
}

void append_task_json(std::string& out, const Task& task) {
  using json::append_value;
  const std::size_t needed = out.size() + kMaxFixedJson + task.fields.title.size();
  if (out.capacity() < needed) out.reserve(std::max(needed, 2 * out.capacity()));  // a page stays linear
  out += R"({"id":)";
  append_value(out, task.id);
  out += R"(,"title":)";
  append_json_string(out, task.fields.title);
  out += R"(,"due_date":)";
  append_value(out, task.fields.due_date);
  out += R"(,"priority":)";
  append_value(out, task.fields.priority);
  out += R"(,"action_type":)";
  append_value(out, task.fields.action_type);
  out += task.is_completed() ? R"(,"is_completed":true,"completed_at":)" : R"(,"is_completed":false,"completed_at":)";
  append_value(out, task.completed_at);
  out += R"(,"completed_by":)";
  append_value(out, task.completed_by);
  out += R"(,"assigned_to_id":)";
  append_value(out, task.fields.assigned_to);
  out += R"(,"created_by":)";
  append_value(out, task.created_by);
  out += R"(,"created_at":)";
  append_value(out, task.created_at);
  out += R"(,"updated_at":)";
  append_value(out, task.updated_at);
  out += '}';
}

void append_links_json(std::string& out, const std::vector<Link>& links) {
  out += '[';
  bool first = true;
  for (const Link& link : links) {
    out += first ? R"({"id":)" : R"(,{"id":)";
    first = false;
    json::append_value(out, link.id);
    out += R"(,"type":)";
    json::append_value(out, link.type);
    out += '}';
  }
  out += ']';
}

}  // namespace taskledger
