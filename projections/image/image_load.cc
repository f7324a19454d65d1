// Image: filled with all its tasks at once.
#include <algorithm>
#include <thread>

#include "projections/image/image_change.h"
#include "projections/image/keys.h"
#include "projections/image/title_text.h"

namespace taskledger::projections {

void Image::begin_load(Row tasks) {
  const std::size_t size = tasks;
  id.resize_unset(size), due.resize_unset(size), created.resize_unset(size), updated.resize_unset(size);
  completed.resize_unset(size), version.resize_unset(size), assignee.resize_unset(size);
  created_by.resize_unset(size), completed_by.resize_unset(size), cell.resize_unset(size), plain.resize_unset(size);
  title_key.resize_unset(size), title_pairs.resize_unset(size);
  title.resize(tasks), folded.resize(tasks), links.resize(tasks);
  live.resize((size + 63) / 64);
  for (std::size_t i = 0; i < size / 64; ++i) live[i] = ~std::uint64_t{0};
  if (size % 64 != 0) live[size / 64] = (std::uint64_t{1} << (size % 64)) - 1;
  row_index_.reserve(size, [this](Row row) -> const Uuid& { return id[row]; });
}

void Image::load_titles(Row first, std::span<const Task> tasks) {
  std::string texts, all_folded;
  std::array<std::uint32_t, kLoadedTogether + 1> text_ends{}, folded_ends{};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const std::string& text = tasks[i].fields.title;
    const std::size_t from = all_folded.size();
    texts += text;
    append_folded_title(all_folded, text);
    describe_title(first + static_cast<Row>(i), text,
                   std::string_view(all_folded).substr(from, all_folded.size() - from - 1));
    text_ends[i + 1] = static_cast<std::uint32_t>(texts.size());
    folded_ends[i + 1] = static_cast<std::uint32_t>(all_folded.size());
  }
  title.fill(first, texts, std::span(text_ends).first(tasks.size() + 1));
  folded.fill(first, all_folded, std::span(folded_ends).first(tasks.size() + 1));
}

void Image::load(Row first, std::span<const Task> tasks) {
  while (tasks.size() > kLoadedTogether) {
    load(first, tasks.first(kLoadedTogether));
    first += kLoadedTogether;
    tasks = tasks.subspan(kLoadedTogether);
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Row row = first + static_cast<Row>(i);
    id[row] = tasks[i].id.value;
    write_values(row, tasks[i], cell_of(facets_of(tasks[i])));
  }
  load_titles(first, tasks);
  std::vector<PackedLink> packed;
  std::array<std::uint32_t, kLoadedTogether + 1> ends{};
  const std::lock_guard lock(naming_);
  constexpr std::size_t kAhead = 6;  // tasks between the steps of asking memory for what is looked for
  for (std::size_t i = 0; i < tasks.size() + 2 * kAhead; ++i) {
    if (i < tasks.size()) prefetch(tasks[i].id.value, tasks[i].fields.links);
    if (i >= kAhead && i - kAhead < tasks.size()) {
      for (const Link& link : tasks[i - kAhead].fields.links) prefetch_entity(link.id.value);
    }
    if (i < 2 * kAhead) continue;
    const std::size_t at = i - 2 * kAhead;
    const Task& task = tasks[at];
    const Row row = first + static_cast<Row>(at);
    row_index_.insert(row, [this](Row other) -> const Uuid& { return id[other]; });
    assignee[row] = task.fields.assigned_to ? intern_user(task.fields.assigned_to->value) : kNoUser;
    completed_by[row] = task.completed_by ? intern_user(task.completed_by->value) : kNoUser;
    created_by[row] = intern_user(task.created_by.value);
    for (const Link& link : task.fields.links) packed.push_back(pack(link));
    ends[at + 1] = static_cast<std::uint32_t>(packed.size());
  }
  links.fill(first, packed, std::span(ends).first(tasks.size() + 1));
}

void Image::finish() {
  title.count_bytes(), folded.count_bytes(), links.count_bytes();
  using Item = OrderTree::Item;
  const auto less = [this](const Item& a, const Item& b) {
    return a.prefix < b.prefix || (a.prefix == b.prefix && uuid_less(id[a.row], id[b.row]));
  };
  const auto build_by = [&](const Column<std::int64_t>& times, bool nulls, OrderTree& whole, OrderTree OfUser::*part,
                            const std::uint16_t* cells) {
    std::vector<Item> sorted;
    sorted.reserve(rows());
    for (Row row = 0; row < rows(); ++row) {
      if (nulls || times[row] != kNoTime) sorted.push_back({TimeKey::prefix_of(times[row]), row});
    }
    std::sort(sorted.begin(), sorted.end(), less);
    std::vector<std::vector<Item>> per(users.size());
    for (const Item& one : sorted) per[assignee[one.row]].push_back(one);
    whole.build(sorted, cells);
    for (std::size_t user = 0; user < per.size(); ++user) (of_user[user].*part).build(per[user], cells);
    return sorted;
  };
  // Sequences of different columns do not meet: a start waits for them, so a large workspace takes a second thread.
  std::thread beside;
  const auto by_completion = [&] { build_by(completed, false, by_completed, &OfUser::by_completed, nullptr); };
  rows() < kWorthAThread ? by_completion() : static_cast<void>(beside = std::thread(by_completion));
  const std::vector<Item> all = build_by(due, true, by_due, &OfUser::by_due, cell.data());
  if (beside.joinable()) beside.join();
  // Entities: rows grouped by counting, in due order.
  std::vector<std::uint32_t> start(entities.size() + 1);
  for (Row row = 0; row < rows(); ++row) {
    each_entity(links[row], [&](std::uint32_t entity) { ++start[entity + 1]; });
    for (const PackedLink link : links[row]) ++entities[entity_of(link)].links[link & 3];
  }
  for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
  std::vector<Item> grouped(start.back());
  std::vector<std::uint32_t> at(start.begin(), start.end());
  constexpr std::size_t kAhead = 8;  // rows between the steps of asking memory for their links
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + 3 * kAhead < all.size()) links.prefetch(all[i + 3 * kAhead].row);
    if (i + 2 * kAhead < all.size()) links.prefetch_values(all[i + 2 * kAhead].row);
    if (i + kAhead < all.size()) {
      for (const PackedLink link : links[all[i + kAhead].row]) prefetch_line(&at[entity_of(link)]);
    }
    each_entity(links[all[i].row], [&](std::uint32_t entity) { grouped[at[entity]++] = all[i]; });
  }
  for (std::size_t i = 0; i < entities.size(); ++i) {
    entities[i].by_due.build(std::span(grouped).subspan(start[i], start[i + 1] - start[i]), cell.data());
  }
}

}  // namespace taskledger::projections
