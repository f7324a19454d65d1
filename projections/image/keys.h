// The sort fields over an image's columns: comparing rows with each other and with the values of a cursor. Ascending
// order, nulls last; what `descending` turns round is the caller's business.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "core/query.h"
#include "core/text.h"
#include "projections/image/image.h"

namespace taskledger::projections {

// A cursor's value of one field, ready to compare with rows.
struct KeyValue {
  bool null = false;
  std::int64_t number = 0;
  Uuid user;
  std::string title, folded;
  std::uint64_t title_key = 0;
};
[[nodiscard]] std::uint64_t title_key_of(std::string_view folded);
// nullopt-like: a value of a wrong kind compares as null; cursors are checked where they are read.
[[nodiscard]] KeyValue key_value(const SortValue& value, Field field);

[[nodiscard]] inline std::strong_ordering order_of(int sign) { return sign <=> 0; }

// Each key gives prefixes, of rows and of values: numbers that sort as the key does, or at least never the other way
// round; of nulls one that is no less than any other.
inline constexpr std::uint64_t kNullPrefix = std::numeric_limits<std::uint64_t>::max();

struct TimeKey {
  const std::int64_t* times;
  [[nodiscard]] bool null(Row row) const { return times[row] == kNoTime; }
  [[nodiscard]] std::strong_ordering compare(Row a, Row b) const { return times[a] <=> times[b]; }
  [[nodiscard]] std::strong_ordering compare(Row a, const KeyValue& b) const {
    return times[a] <=> (b.null ? kNoTime : b.number);
  }
  [[nodiscard]] static std::uint64_t prefix_of(std::int64_t time) {
    return static_cast<std::uint64_t>(time) ^ (std::uint64_t{1} << 63);
  }
  [[nodiscard]] std::uint64_t prefix(Row row) const { return prefix_of(times[row]); }
  [[nodiscard]] static std::uint64_t prefix(const KeyValue& value) {
    return prefix_of(value.null ? kNoTime : value.number);
  }
};

// Priority, action type, completion: 0 is null where there is a null.
template <unsigned modulo, unsigned divisor, bool zero_is_null>
struct CodeKey {
  const std::uint16_t* cells;
  [[nodiscard]] unsigned code(Row row) const { return cells[row] % modulo / divisor; }
  [[nodiscard]] unsigned rank(Row row) const { return zero_is_null && code(row) == 0 ? 0xFF : code(row); }
  [[nodiscard]] static unsigned rank(const KeyValue& value) {
    return value.null ? 0xFF : static_cast<unsigned>(value.number);
  }
  [[nodiscard]] bool null(Row row) const { return zero_is_null && code(row) == 0; }
  [[nodiscard]] std::strong_ordering compare(Row a, Row b) const { return rank(a) <=> rank(b); }
  [[nodiscard]] std::strong_ordering compare(Row a, const KeyValue& b) const { return rank(a) <=> rank(b); }
  [[nodiscard]] std::uint64_t prefix(Row row) const { return null(row) ? kNullPrefix : code(row); }
  [[nodiscard]] static std::uint64_t prefix(const KeyValue& value) { return value.null ? kNullPrefix : rank(value); }
};

struct UserKey {
  const std::uint32_t* numbers;
  const std::deque<User>* users;
  [[nodiscard]] bool null(Row row) const { return numbers[row] == kNoUser; }
  [[nodiscard]] std::strong_ordering compare(Row a, Row b) const {
    if (numbers[a] == numbers[b]) return std::strong_ordering::equal;
    if (null(a) || null(b)) return null(a) <=> null(b);
    return words_of((*users)[numbers[a]].id) <=> words_of((*users)[numbers[b]].id);
  }
  [[nodiscard]] std::strong_ordering compare(Row a, const KeyValue& b) const {
    if (null(a) || b.null) return null(a) <=> b.null;
    return words_of((*users)[numbers[a]].id) <=> words_of(b.user);
  }
  [[nodiscard]] std::uint64_t prefix(Row row) const {
    return null(row) ? kNullPrefix : words_of((*users)[numbers[row]].id).high;
  }
  [[nodiscard]] static std::uint64_t prefix(const KeyValue& value) {
    return value.null ? kNullPrefix : words_of(value.user).high;
  }
};

struct TitleKey {
  const Image* image;
  [[nodiscard]] static std::string_view text(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }
  [[nodiscard]] bool null(Row) const { return false; }
  [[nodiscard]] std::strong_ordering compare(Row a, Row b) const {
    if (const auto order = image->title_key[a] <=> image->title_key[b]; order != 0) return order;
    if (const int order = text(image->folded[a]).compare(text(image->folded[b])); order != 0) return order_of(order);
    return order_of(text(image->title[a]).compare(text(image->title[b])));
  }
  [[nodiscard]] std::strong_ordering compare(Row a, const KeyValue& b) const {
    if (b.null) return std::strong_ordering::less;
    if (const auto order = image->title_key[a] <=> b.title_key; order != 0) return order;
    std::string_view folded = text(image->folded[a]);
    folded.remove_suffix(1);
    if (const int order = folded.compare(b.folded); order != 0) return order_of(order);
    return order_of(text(image->title[a]).compare(b.title));
  }
  [[nodiscard]] std::uint64_t prefix(Row row) const { return image->title_key[row]; }
  [[nodiscard]] static std::uint64_t prefix(const KeyValue& value) {
    return value.null ? kNullPrefix : value.title_key;
  }
};

// Where a row is, or would be, in a sequence by `key` (equal ones by id).
template <class Key>
[[nodiscard]] OrderTree::Place place_of(const OrderTree& tree, const Image& image, const Key& key, Row row) {
  return tree.partition(key.prefix(row), [&](Row other) {
    const auto order = key.compare(other, row);
    return order < 0 || (order == 0 && uuid_less(image.id[other], image.id[row]));
  });
}
// Where the rows begin whose value is not less, or greater, than `value`; a null is greater than all others.
template <class Key>
[[nodiscard]] OrderTree::Place not_less(const OrderTree& tree, const Key& key, const KeyValue& value) {
  return tree.partition(Key::prefix(value), [&](Row row) { return key.compare(row, value) < 0; });
}
template <class Key>
[[nodiscard]] OrderTree::Place greater(const OrderTree& tree, const Key& key, const KeyValue& value) {
  return tree.partition(Key::prefix(value), [&](Row row) { return key.compare(row, value) <= 0; });
}
template <class Key>
[[nodiscard]] OrderTree::Place first_null(const OrderTree& tree, const Key& key) {
  return tree.partition(kNullPrefix, [&](Row row) { return !key.null(row); });
}
[[nodiscard]] inline OrderTree::Place not_before(const OrderTree& tree, std::int64_t time) {
  return tree.partition(TimeKey::prefix_of(time), [](Row) { return false; });
}

// Calls fn with the key of a sortable field.
template <class Fn>
decltype(auto) with_key(const Image& image, Field field, Fn&& fn) {
  switch (field) {
    case Field::title:
      return fn(TitleKey{&image});
    case Field::priority:
      return fn(CodeKey<kCompletedCells, 48, true>{image.cell.data()});
    case Field::action_type:
      return fn(CodeKey<48, 8, true>{image.cell.data()});
    case Field::is_completed:
      return fn(CodeKey<2 * kCompletedCells, kCompletedCells, false>{image.cell.data()});
    case Field::assigned_to_id:
      return fn(UserKey{image.assignee.data(), &image.users});
    case Field::created_at:
      return fn(TimeKey{image.created.data()});
    case Field::updated_at:
      return fn(TimeKey{image.updated.data()});
    case Field::completed_at:
      return fn(TimeKey{image.completed.data()});
    default:
      return fn(TimeKey{image.due.data()});
  }
}

}  // namespace taskledger::projections
