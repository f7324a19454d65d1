#include "projections/list/top_rows.h"

#include <algorithm>
#include <bit>
#include <numeric>

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

RowOrder::Exact RowOrder::exact_keys() const {
  constexpr unsigned kCodeBits = 4, kMostUsers = 1u << 16;
  Exact exact;
  if (order_.size() == 1 && order_[0].field != Field::assigned_to_id) return exact;  // its own prefix says as much
  for (const auto& [field, descending] : order_) {
    if (field == Field::priority || field == Field::action_type || field == Field::is_completed) {
      exact.bits += kCodeBits;
      for (std::uint16_t cell = 0; cell < kCells; ++cell) {
        const Facets facets = facets_of(cell);
        const std::uint64_t code = field == Field::is_completed ? facets.completed + 1u
                                   : field == Field::priority   ? facets.priority
                                                                : facets.action_type;
        const std::uint64_t rank = code == 0 ? 15 : descending ? 14 - code : code;
        exact.by_cell[cell] |= rank << (64 - exact.bits);
      }
    } else if (field == Field::assigned_to_id && image_.users.size() < kMostUsers) {
      std::vector<std::uint32_t> sorted(image_.users.size() - 1);  // without nobody
      std::iota(sorted.begin(), sorted.end(), 1u);
      std::sort(sorted.begin(), sorted.end(),
                [&](auto a, auto b) { return uuid_less(image_.users[a].id, image_.users[b].id); });
      const auto bits = static_cast<unsigned>(std::bit_width(sorted.size() | 1));  // the greatest is nobody's
      exact.bits += bits;
      exact.by_user.assign(image_.users.size(), ((std::uint64_t{1} << bits) - 1) << (64 - exact.bits));
      for (std::size_t i = 0; i < sorted.size(); ++i) {
        const std::uint64_t rank = descending ? sorted.size() - 1 - i : i;
        exact.by_user[sorted[i]] = rank << (64 - exact.bits);
      }
    } else {
      break;
    }
    ++exact.keys;
  }
  return exact;
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
