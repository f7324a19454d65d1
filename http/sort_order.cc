// `sort`: a JSON array of {"field", "direction"}; where it is absent, empty or no JSON, `sort_by` and `sort_dir`.
#include <algorithm>
#include <array>

#include "core/json_reader.h"
#include "http/list_parameters.h"

namespace taskledger::http {
namespace {

constexpr std::string_view kSortableNames =
    "due_date, title, priority, action_type, is_completed, assigned_to_id, created_at, updated_at, completed_at";
constexpr std::string_view kDirections = "asc, desc";

std::optional<Field> parse_sortable(std::string_view name) {
  const auto field = parse_field(name);
  return field && is_sortable(*field) ? field : std::nullopt;
}

std::optional<bool> parse_descending(std::string_view name) {
  std::string lower(name.substr(0, 8));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "asc") return false;
  if (lower == "desc") return true;
  return std::nullopt;
}

Result<SortKey> read_key(const json::Path& path, const json::Element& item) {
  static constexpr std::array<std::string_view, 4> kNames{"field", "direction", "dir", "order"};
  json::Object object;
  if (item.get_object().get(object) != simdjson::SUCCESS) return json::fault(path, "must be an object");
  std::optional<Field> field;
  std::optional<bool> descending;
  std::uint64_t seen = 0;
  auto read =
      json::read_object(path, object, kNames, seen,
                        [&](std::size_t name, const json::Path& at, const json::Element& value) -> Result<void> {
                          if (name == 0) {
                            auto member = json::read_member(at, value, parse_sortable, kSortableNames);
                            if (!member) return member.error();
                            field = *member;
                            return {};
                          }
                          if (descending) return json::fault(at, "is given twice, under another name");
                          auto member = json::read_member(at, value, parse_descending, kDirections);
                          if (!member) return member.error();
                          descending = *member;
                          return {};
                        });
  if (!read) return read.error();
  if (!field) return json::fault(path / "field", "is required");
  return SortKey{*field, descending.value_or(false)};
}

Result<SortOrder> read_array(const json::Path& path, const json::Array& array) {
  SortOrder order;
  std::size_t index = 0;
  for (const json::Element item : array) {
    if (index >= kMaxSortKeys) return json::fault(path, "must not have more than 5 fields");
    const auto at = path[index++];
    auto key = read_key(at, item);
    if (!key) return key.error();
    const bool twice =
        std::any_of(order.begin(), order.end(), [&](const SortKey& other) { return other.field == key->field; });
    if (twice) return json::fault(at / "field", "is given twice");
    order.push_back(*key);
  }
  return order;
}

}  // namespace

Result<SortOrder> parse_sort(std::string_view sort, std::string_view sort_by, std::string_view sort_dir) {
  SortKey key;
  if (!sort_by.empty()) {
    const auto field = parse_sortable(sort_by);
    if (!field) return not_one_of("sort_by", kSortableNames);
    key.field = *field;
  }
  if (!sort_dir.empty()) {
    const auto descending = parse_descending(sort_dir);
    if (!descending) return not_one_of("sort_dir", kDirections);
    key.descending = *descending;
  }
  if (!sort.empty()) {
    const json::Document document(sort);
    const auto path = json::kParameters / "sort";
    if (document.beyond_limits()) return json::fault(path, "must be a JSON array of {\"field\", \"direction\"}");
    if (document.root()) {
      json::Array array;
      if (document.root()->get_array().get(array) != simdjson::SUCCESS) {
        return json::fault(path, "must be a JSON array of {\"field\", \"direction\"}");
      }
      auto order = read_array(path, array);
      if (!order) return order.error();
      if (!order->empty()) return order;
    }
  }
  return SortOrder{key};
}

}  // namespace taskledger::http
