// Image: which sorted sequences a row is in, and the orders by any sort field.
#include <algorithm>
#include <utility>

#include "projections/image/image_change.h"
#include "projections/image/keys.h"

namespace taskledger::projections {

namespace {

constexpr Field kOrders[] = {Field::title,          Field::priority,   Field::action_type, Field::is_completed,
                             Field::assigned_to_id, Field::created_at, Field::updated_at,  Field::completed_at};

template <class Key>
void erase_from(OrderTree& tree, const Image& image, const Key& key, Row row, const std::uint16_t* cells) {
  tree.erase(place_of(tree, image, key, row), cells);
}
template <class Key>
void insert_into(OrderTree& tree, const Image& image, const Key& key, Row row, const std::uint16_t* cells) {
  tree.insert(place_of(tree, image, key, row), {key.prefix(row), row}, cells);
}

}  // namespace

void Image::detach_links(Row row) {
  const TimeKey by_time{due.data()};
  each_entity(links[row],
              [&](std::uint32_t entity) { erase_from(entities[entity].by_due, *this, by_time, row, cell.data()); });
  for (const PackedLink link : links[row]) --entities[entity_of(link)].links[link & 3];
}

void Image::attach_links(Row row) {
  const TimeKey by_time{due.data()};
  each_entity(links[row],
              [&](std::uint32_t entity) { insert_into(entities[entity].by_due, *this, by_time, row, cell.data()); });
  for (const PackedLink link : links[row]) ++entities[entity_of(link)].links[link & 3];
}

void Image::detach(Row row, const Change& change) {
  const TimeKey due_key{due.data()}, completed_key{completed.data()};
  OfUser& mine = of_user[assignee[row]];
  if (change.fresh || change.due) erase_from(by_due, *this, due_key, row, cell.data());
  if (change.fresh || change.due || change.assignee) erase_from(mine.by_due, *this, due_key, row, cell.data());
  if (change.fresh || change.due || change.links) detach_links(row);
  if (completed[row] != kNoTime) {
    if (change.fresh || change.completed) erase_from(by_completed, *this, completed_key, row, nullptr);
    if (change.fresh || change.completed || change.assignee)
      erase_from(mine.by_completed, *this, completed_key, row, nullptr);
  }
  for (const Field field : kOrders) {
    OrderTree* order = orders_[static_cast<std::size_t>(field)].load(std::memory_order_relaxed);
    if (order == nullptr || !change.touches(field)) continue;
    with_key(*this, field, [&](const auto& key) { erase_from(*order, *this, key, row, nullptr); });
  }
}

void Image::attach(Row row, const Change& change) {
  const TimeKey due_key{due.data()}, completed_key{completed.data()};
  OfUser& mine = of_user[assignee[row]];
  if (change.fresh || change.due) insert_into(by_due, *this, due_key, row, cell.data());
  if (change.fresh || change.due || change.assignee) insert_into(mine.by_due, *this, due_key, row, cell.data());
  if (change.fresh || change.due || change.links) attach_links(row);
  if (completed[row] != kNoTime) {
    if (change.fresh || change.completed) insert_into(by_completed, *this, completed_key, row, nullptr);
    if (change.fresh || change.completed || change.assignee)
      insert_into(mine.by_completed, *this, completed_key, row, nullptr);
  }
  for (const Field field : kOrders) {
    OrderTree* order = orders_[static_cast<std::size_t>(field)].load(std::memory_order_relaxed);
    if (order == nullptr || !change.touches(field)) continue;
    with_key(*this, field, [&](const auto& key) { insert_into(*order, *this, key, row, nullptr); });
  }
}

// In the sequences that the row stays in at its place.
void Image::change_cells(Row row, std::uint16_t old_cell, const Change& change) {
  if (change.fresh || !change.cell || change.due) return;
  const auto change_in = [&](OrderTree& tree) {
    tree.change_cell(place_of(tree, *this, TimeKey{due.data()}, row), old_cell, cell.data());
  };
  change_in(by_due);
  if (!change.assignee) change_in(of_user[assignee[row]].by_due);
  if (!change.links) each_entity(links[row], [&](std::uint32_t entity) { change_in(entities[entity].by_due); });
}

bool Image::has_order(Field field) const {
  return field == Field::due_date ||
         orders_[static_cast<std::size_t>(field)].load(std::memory_order_acquire) != nullptr;
}

const OrderTree& Image::ensure_order(Field field) const {
  if (field == Field::due_date) return by_due;
  std::atomic<OrderTree*>& order = orders_[static_cast<std::size_t>(field)];
  if (const OrderTree* built = order.load(std::memory_order_acquire)) return *built;
  const std::lock_guard lock(building_);
  if (const OrderTree* built = order.load(std::memory_order_acquire)) return *built;
  std::vector<OrderTree::Item> sorted, nulls;
  sorted.reserve(tasks());
  with_key(*this, field, [&](const auto& key) {
    for (Row row = 0; row < rows(); ++row) {
      if (is_live(row)) (key.null(row) ? nulls : sorted).push_back({key.prefix(row), row});
    }
    const auto less = [&](const OrderTree::Item& a, const OrderTree::Item& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const auto order = key.compare(a.row, b.row);
      return order < 0 || (order == 0 && uuid_less(id[a.row], id[b.row]));
    };
    std::sort(sorted.begin(), sorted.end(), less);
    std::sort(nulls.begin(), nulls.end(), less);
  });
  sorted.insert(sorted.end(), nulls.begin(), nulls.end());
  auto tree = std::make_unique<OrderTree>();
  tree->build(sorted, nullptr);
  const OrderTree& built = *tree;
  order.store(tree.release(), std::memory_order_release);
  return built;
}

std::optional<Field> Image::wanted_order() const {
  for (const Field field : kOrders) {
    const std::uint32_t bit = 1u << static_cast<unsigned>(field);
    if ((wanted_ & bit) == 0) continue;
    if (!has_order(field)) return field;
    wanted_ &= ~bit;
  }
  return std::nullopt;
}

std::vector<Row> Image::take_noted_changes() {
  noting_ = false;
  std::vector<Row> noted = std::exchange(noted_, {});
  std::sort(noted.begin(), noted.end());
  noted.erase(std::unique(noted.begin(), noted.end()), noted.end());
  return noted;
}

void Image::adopt_order(Field field, OrderTree&& order, std::span<const Row> joining) {
  wanted_ &= ~(1u << static_cast<unsigned>(field));
  if (has_order(field)) return;
  auto tree = std::make_unique<OrderTree>(std::move(order));
  with_key(*this, field, [&](const auto& key) {
    for (const Row row : joining) {
      if (is_live(row)) insert_into(*tree, *this, key, row, nullptr);
    }
  });
  orders_[static_cast<std::size_t>(field)].store(tree.release(), std::memory_order_release);
}

std::size_t Image::bytes_of_order(Field field) const {
  const OrderTree* built = orders_[static_cast<std::size_t>(field)].load(std::memory_order_acquire);
  return built == nullptr ? 0 : sizeof *built + built->bytes();
}

}  // namespace taskledger::projections
