// The sort fields over an image's columns: comparing rows with each other and with the values of a cursor. Ascending
// order, nulls last; what `descending` turns round is the caller's business.
#pragma once

#include <compare>
#include <cstdint>
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

struct TimeKey {
  const std::int64_t* times;
  [[nodiscard]] bool null(Row row) const { return times[row] == kNoTime; }
  [[nodiscard]] std::strong_ordering compare(Row a, Row b) const { return times[a] <=> times[b]; }
  [[nodiscard]] std::strong_ordering compare(Row a, const KeyValue& b) const {
    return times[a] <=> (b.null ? kNoTime : b.number);
  }
  // A number that sorts as the key does, or at least never the other way round; nulls aside.
  [[nodiscard]] std::uint64_t prefix(Row row) const {
    return static_cast<std::uint64_t>(times[row]) ^ (std::uint64_t{1} << 63);
  }
};

// Priority, action type, completion: 0 is null where there is a null.
template <unsigned modulo, unsigned divisor, bool zero_is_null>
struct CodeKey {
  const std::uint16_t* cells;
  [[nodiscard]] unsigned code(Row row) const { return cells[row] % modulo / divisor; }
  [[nodiscard]] unsigned rank(Row row) const { return zero_is_null && code(row) == 0 ? 0xFF : code(row); }
  [[nodiscard]] bool null(Row row) const { return zero_is_null && code(row) == 0; }
  [[nodiscard]] std::strong_ordering compare(Row a, Row b) const { return rank(a) <=> rank(b); }
  [[nodiscard]] std::strong_ordering compare(Row a, const KeyValue& b) const {
    return rank(a) <=> (b.null ? 0xFFu : static_cast<unsigned>(b.number));
  }
  [[nodiscard]] std::uint64_t prefix(Row row) const { return code(row); }
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
  [[nodiscard]] std::uint64_t prefix(Row row) const { return words_of((*users)[numbers[row]].id).high; }
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
    if (const auto order = image->title_key[a] <=> b.title_key; order != 0) return order;
    std::string_view folded = text(image->folded[a]);
    folded.remove_suffix(1);
    if (const int order = folded.compare(b.folded); order != 0) return order_of(order);
    return order_of(text(image->title[a]).compare(b.title));
  }
  [[nodiscard]] std::uint64_t prefix(Row row) const { return image->title_key[row]; }
};

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
