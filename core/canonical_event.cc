#include "core/canonical_event.h"

#include <algorithm>
#include <utility>

#include "core/task_reader.h"
#include "core/timestamp.h"

namespace taskledger {
namespace {

class Text {
 public:
  explicit Text(std::string_view text) : left_(text) {}
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  bool take(std::string_view expected) {
    if (!left_.starts_with(expected)) return false;
    left_.remove_prefix(expected.size());
    return true;
  }
  // What stands between quotes, the second of which may be an escaped one: whoever takes it refuses a backslash.
  std::optional<std::string_view> quoted() {
    if (left_.empty() || left_.front() != '"') return std::nullopt;
    const auto end = left_.find('"', 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inner = left_.substr(1, end - 1);
    left_.remove_prefix(end + 1);
    return inner;
  }

 private:
  std::string_view left_;
};

// Of an event's object, one after the other.
class Fields {
 public:
  Fields(Text& text, json::Nulls nulls) : text_(text), nulls_(nulls) {}

  // `key`: with its quotes and colon. False: it is there, but its value is not one that `read` takes.
  template <class Value, class Read>
  bool take(std::string_view key, std::optional<Value>& out, const Read& read) {
    Text ahead = text_;
    if ((!first_ && !ahead.take(",")) || !ahead.take(key)) return true;
    text_ = ahead;
    first_ = false;
    return read(text_, out.emplace());
  }
  // The same of a value between quotes, or null where it may be cleared.
  template <class Value, class Parse>
  bool take_nullable(std::string_view key, std::optional<std::optional<Value>>& out, const Parse& parse) {
    return take(key, out, [&](Text& text, std::optional<Value>& value) {
      if (nulls_ == json::Nulls::clear && text.take("null")) return true;
      const auto inner = text.quoted();
      if (!inner) return false;
      const auto parsed = parse(*inner);
      if (parsed) value = *parsed;
      return parsed.has_value();
    });
  }

 private:
  Text& text_;
  const json::Nulls nulls_;
  bool first_ = true;
};

bool read_title(Text& text, std::string& title) {
  const auto inner = text.quoted();
  if (!inner || !json::is_plain_title(*inner) || inner->find('\\') != std::string_view::npos) return false;
  title = *inner;
  return true;
}

std::optional<UserId> read_user(std::string_view text) {
  const auto id = parse_uuid(text);
  return id ? std::optional(UserId{*id}) : std::nullopt;
}

bool read_links(Text& text, std::vector<Link>& links) {
  if (!text.take("[")) return false;
  while (!text.take("]")) {
    if (links.size() == kMaxLinks || (!links.empty() && !text.take(",")) || !text.take(R"({"id":)")) return false;
    const auto id = text.quoted();
    if (!id || !text.take(R"(,"type":)")) return false;
    const auto type = text.quoted();
    if (!type || !text.take("}")) return false;
    const auto uuid = parse_uuid(*id);
    const auto entity = parse_entity_type(*type);
    if (!uuid || !entity) return false;
    const Link link{{*uuid}, *entity};
    if (std::find(links.begin(), links.end(), link) != links.end()) return false;
    links.push_back(link);
  }
  return true;
}

std::optional<TaskPatch> read_patch(std::string_view whole, json::Nulls nulls) {
  Text text(whole);
  TaskPatch patch;
  if (!text.take("{")) return std::nullopt;
  Fields fields(text, nulls);
  const bool read = fields.take(R"("title":)", patch.title, read_title) &&
                    fields.take_nullable(R"("due_date":)", patch.due_date, read_rfc3339) &&
                    fields.take_nullable(R"("priority":)", patch.priority, parse_priority) &&
                    fields.take_nullable(R"("action_type":)", patch.action_type, parse_action_type) &&
                    fields.take_nullable(R"("assigned_to_id":)", patch.assigned_to, read_user) &&
                    fields.take(R"("linked_entities":)", patch.links, read_links);
  if (!read || !text.take("}") || !text.at_end()) return std::nullopt;
  return patch;
}

}  // namespace

std::optional<TaskEvent> read_canonical_event(EventType type, std::string_view text) {
  switch (type) {
    case EventType::task_created: {
      auto patch = read_patch(text, json::Nulls::absent);
      if (!patch || !patch->title) return std::nullopt;
      return TaskEvent{TaskCreated{json::fields_of(*std::move(patch))}};
    }
    case EventType::task_updated: {
      auto patch = read_patch(text, json::Nulls::clear);
      if (!patch || patch->empty()) return std::nullopt;
      return TaskEvent{TaskUpdated{*std::move(patch)}};
    }
    case EventType::task_completed:
    case EventType::task_reopened:
    case EventType::task_deleted:
    case EventType::task_restored:
    case EventType::task_erased:
      return text == "{}" ? std::optional(event_without_data(type)) : std::nullopt;
  }
  return std::nullopt;  // a type that is not known
}

}  // namespace taskledger
