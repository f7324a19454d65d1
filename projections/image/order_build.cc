#include "projections/image/order_build.h"

#include <algorithm>
#include <cstring>

#include "projections/image/keys.h"

namespace taskledger::projections {

void OrderBuild::begin(const Image& image) {
  image.note_changes();
  keys_.reserve(image.rows());
}

bool OrderBuild::copy(const Image& image) {
  const Row from = static_cast<Row>(keys_.size()), to = std::min(image.rows(), from + kPiece);
  if (from >= to) return false;
  keys_.resize(to);
  with_key(image, field_, [&](const auto& key) {
    for (Row row = from; row < to; ++row) {
      if (!image.is_live(row)) continue;
      Key& copied = keys_[row];
      copied.live = true;
      copied.id = image.id[row];
      copied.null = key.null(row);
      copied.first = key.prefix(row);
      if (copied.null) continue;
      if (field_ == Field::assigned_to_id) copied.second = words_of(image.users[image.assignee[row]].id).low;
      if (field_ != Field::title) continue;
      const auto folded = image.folded[row], title = image.title[row];
      copied.text = texts_.size();
      copied.folded = static_cast<std::uint32_t>(folded.size());
      copied.title = static_cast<std::uint32_t>(title.size());
      texts_.append(folded.data(), folded.size()).append(title.data(), title.size());
      if (folded.size() > 9)  // its NUL left out
        copied.second = title_key_of(std::string_view(folded.data() + 8, folded.size() - 9));
    }
  });
  return true;
}

bool OrderBuild::less(Row a, Row b) const {
  const Key &x = keys_[a], &y = keys_[b];
  if (x.null != y.null) return y.null;
  if (x.first != y.first) return x.first < y.first;
  if (x.second != y.second) return x.second < y.second;
  if (field_ == Field::title) {
    const std::string_view all(texts_);
    if (const int order = all.substr(x.text, x.folded).compare(all.substr(y.text, y.folded)); order != 0)
      return order < 0;
    const int order = all.substr(x.text + x.folded, x.title).compare(all.substr(y.text + y.folded, y.title));
    if (order != 0) return order < 0;
  }
  return uuid_less(x.id, y.id);
}

void OrderBuild::sort() {
  struct Sorted {
    std::uint64_t first, second;
    Row row;
  };
  std::vector<Sorted> with_value;
  std::vector<Row> nulls;
  with_value.reserve(keys_.size());
  for (Row row = 0; row < keys_.size(); ++row) {
    const Key& key = keys_[row];
    if (key.live && key.null) nulls.push_back(row);
    if (key.live && !key.null) with_value.push_back({key.first, key.second, row});
  }
  std::sort(with_value.begin(), with_value.end(), [this](const Sorted& a, const Sorted& b) {
    if (a.first != b.first) return a.first < b.first;
    return a.second != b.second ? a.second < b.second : less(a.row, b.row);
  });
  std::sort(nulls.begin(), nulls.end(), [this](Row a, Row b) { return less(a, b); });
  std::vector<OrderTree::Item> items;
  items.reserve(with_value.size() + nulls.size());
  for (const Sorted& one : with_value) items.push_back({one.first, one.row});
  for (const Row row : nulls) items.push_back({keys_[row].first, row});
  tree_.build(items, nullptr);
}

void OrderBuild::publish(Image& image) {
  const std::vector<Row> changed = image.take_noted_changes();
  for (const Row row : changed) {
    if (row < keys_.size() && keys_[row].live)
      tree_.erase(tree_.partition(keys_[row].first, [&](Row other) { return less(other, row); }), nullptr);
  }
  image.adopt_order(field_, std::move(tree_), changed);
}

}  // namespace taskledger::projections
