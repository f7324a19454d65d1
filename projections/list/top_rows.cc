#include "projections/list/top_rows.h"

namespace taskledger::projections {

namespace {

// `order` of two values of which at most one side is null, turned round as the key wants.
std::strong_ordering turned(std::strong_ordering order, bool descending, bool null_a, bool null_b) {
  return descending && !null_a && !null_b ? 0 <=> order : order;
}

}  // namespace

RowOrder::RowOrder(const Image& image, const SortOrder& order, const std::optional<SortPosition>& after)
    : image_(image), order_(order), has_cursor_(after.has_value()) {
  if (!after) return;
  for (std::size_t i = 0; i < order.size(); ++i) values_.push_back(key_value(after->values.at(i), order[i].field));
  id_ = after->id.value;
  if (const auto row = image.find(id_); row && position_of(*row) == *after) cursor_row_ = row;
}

bool RowOrder::before(Row a, Row b) const {
  for (const SortKey& sort : order_) {
    const auto order = with_key(image_, sort.field, [&](const auto& key) {
      return turned(key.compare(a, b), sort.descending, key.null(a), key.null(b));
    });
    if (order != 0) return order < 0;
  }
  return uuid_less(image_.id[a], image_.id[b]);
}

bool RowOrder::past_cursor(Row row) const {
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const SortKey& sort = order_[i];
    const auto order = with_key(image_, sort.field, [&](const auto& key) {
      return turned(key.compare(row, values_[i]), sort.descending, key.null(row), values_[i].null);
    });
    if (order != 0) return order > 0;
  }
  return uuid_less(id_, image_.id[row]);
}

SortPosition RowOrder::position_of(Row row) const {
  SortPosition position;
  position.id = {image_.id[row]};
  for (const SortKey& sort : order_) {
    position.values.push_back(with_key(image_, sort.field, [&](const auto& key) -> SortValue {
      using Key = std::decay_t<decltype(key)>;
      if (key.null(row)) return {};
      if constexpr (std::is_same_v<Key, TimeKey>) {
        return key.times[row];
      } else if constexpr (std::is_same_v<Key, UserKey>) {
        const Uuid& user = image_.users[key.numbers[row]].id;
        return std::string(user.bytes.begin(), user.bytes.end());
      } else if constexpr (std::is_same_v<Key, TitleKey>) {
        return std::string(TitleKey::text(image_.title[row]));
      } else {
        return std::int64_t{key.code(row)};
      }
    }));
  }
  return position;
}

}  // namespace taskledger::projections
