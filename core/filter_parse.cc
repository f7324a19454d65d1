// parse_filters: the tree of groups; its conditions are read in filter_condition.cc.
#include <algorithm>
#include <array>
#include <utility>

#include "core/filter.h"
#include "core/filter_reader.h"
#include "core/json_reader.h"

namespace taskledger {
namespace {

using namespace json;

// Spellings of the two keys of a group.
constexpr std::array<std::string_view, 6> kGroupKeys = {"type", "operator", "logic", "conditions", "filters", "rules"};
constexpr std::size_t kFirstChildrenKey = 3;

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  return out;
}

class GroupReader {
 public:
  GroupReader(const Path& top, const TimeZone& zone) : top_(top), zone_(zone) {}

  // `level` counts from 1, the outermost group.
  Result<FilterGroup> read(const Path& path, const Object& object, std::size_t level) {
    if (level > kMaxGroupLevels) return fault(top_, "must not have more than 8 levels of groups");
    FilterGroup group;
    bool has_type = false, has_children = false;
    std::uint64_t seen = 0;
    const Result<void> done = read_object(
        path, object, kGroupKeys, seen, [&](std::size_t index, const Path& at, const Element& value) -> Result<void> {
          bool& has = index < kFirstChildrenKey ? has_type : has_children;
          if (std::exchange(has, true)) return fault(at, "is given twice, under another name");
          return &has == &has_type ? read_type(at, value, group) : read_children(at, value, level, group);
        });
    if (!done) return done.error();
    return group;
  }

 private:
  static Result<void> read_type(const Path& path, const Element& value, FilterGroup& group) {
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) {
      const std::string type = upper(text);
      group.any = type == "OR";
      if (type == "AND" || type == "OR") return {};
    }
    return not_one_of(path, "AND, OR");
  }

  Result<void> read_children(const Path& path, const Element& value, std::size_t level, FilterGroup& group) {
    Array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return fault(path, "must be an array");
    std::size_t index = 0;
    for (const Element& item : array) {
      const Path at = path[index++];
      Object object;
      if (item.get_object().get(object) != simdjson::SUCCESS) return fault(at, "must be a condition or a group");
      if (Result<void> child = read_child(at, object, level, group); !child) return child;
    }
    return {};
  }

  Result<void> read_child(const Path& path, const Object& object, std::size_t level, FilterGroup& group) {
    if (object.at_key("field").error() == simdjson::SUCCESS) {
      if (++conditions_ > kMaxConditions) return fault(top_, "must not have more than 100 conditions");
      Result<Condition> condition = read_condition(path, object, zone_);
      if (!condition) return condition.error();
      group.children.emplace_back(std::move(*condition));
      return {};
    }
    Result<FilterGroup> child = read(path, object, level + 1);
    if (!child) return child.error();
    group.children.emplace_back(std::make_unique<FilterGroup>(std::move(*child)));
    return {};
  }

  const Path& top_;
  const TimeZone& zone_;
  std::size_t conditions_ = 0;
};

}  // namespace

Result<FilterGroup> parse_filters(std::string_view json, const TimeZone& zone) {
  const Path top = kParameters / "filters";
  if (json.size() > kMaxFiltersBytes) return fault(top, "must be at most 16384 bytes long");
  const Document document(json);
  if (!document.root()) return fault(top, document.requirement());
  Object object;
  if (document.root()->get_object().get(object) != simdjson::SUCCESS) {
    return fault(top, "must be a group of conditions, as a JSON object");
  }
  if (object.at_key("field").error() == simdjson::SUCCESS) {
    return fault(top, "must be a group: a condition stands in the 'conditions' of one");
  }
  return GroupReader(top, zone).read(top, object, 1);
}

}  // namespace taskledger
