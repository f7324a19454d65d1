#include "projections/image/image.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "core/text.h"
#include "projections/image/keys.h"

namespace taskledger::projections {

UuidIndex::UuidIndex() {
  std::random_device device;
  seed_ = std::uint64_t{device()} << 32 | device();
}

namespace {

bool is_plain_json(std::string_view text) {
  bool plain = true;
  for (const char c : text) plain &= static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  return plain;
}

// Appends the folded text and a NUL.
void fold_onto(std::string& out, std::string_view text) {
  bool ascii = true;
  for (const char c : text) ascii &= static_cast<unsigned char>(c) < 0x80;
  if (!ascii) {
    append_folded(out, text);
  } else {
    const std::size_t from = out.size();
    out.resize(from + text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      out[from + i] = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
    }
  }
  out.push_back('\0');
}

std::int64_t ms_or_none(const std::optional<Timestamp>& time) { return time ? time->ms : kNoTime; }

// The distinct entities of a row's links: those not named by an earlier link.
template <class Fn>
void each_entity(std::span<const PackedLink> links, const Fn& fn) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    bool seen = false;
    for (std::size_t j = 0; j < i && !seen; ++j) seen = entity_of(links[j]) == entity_of(links[i]);
    if (!seen) fn(entity_of(links[i]));
  }
}

constexpr Field kOrders[] = {Field::title,          Field::priority,   Field::action_type, Field::is_completed,
                             Field::assigned_to_id, Field::created_at, Field::updated_at,  Field::completed_at};

}  // namespace

// What of a row changes, and so which sequences it leaves and joins.
struct Image::Change {
  bool fresh = false;  // it joins all (or, removed, leaves all)
  bool due = false, assignee = false, completed = false, links = false, title = false, cell = false, updated = false,
       created = false;
  std::uint32_t new_assignee = kNoUser;
  std::uint16_t new_cell = 0;

  [[nodiscard]] bool touches(Field field) const {
    if (fresh) return true;
    switch (field) {
      case Field::title:
        return title;
      case Field::assigned_to_id:
        return assignee;
      case Field::created_at:
        return created;
      case Field::updated_at:
        return updated;
      case Field::completed_at:
        return completed;
      default:
        return cell;  // priority, action type, completion
    }
  }
};

namespace {
std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}
}  // namespace

Image::Image() : serial_(next_serial()) {
  users.emplace_back();
  of_user.emplace_back();
}
Image::~Image() {
  for (auto& order : orders_) delete order.load();
}

std::optional<Row> Image::find(const Uuid& task) const {
  return row_index_.find(task, [this](Row row) -> const Uuid& { return id[row]; });
}
std::optional<std::uint32_t> Image::user_number(const Uuid& user) const {
  return user_index_.find(user, [this](std::uint32_t number) -> const Uuid& { return users[number].id; });
}
std::optional<std::uint32_t> Image::entity_number(const Uuid& entity) const {
  return entity_index_.find(entity, [this](std::uint32_t number) -> const Uuid& { return entities[number].id; });
}
const Entity* Image::entity(const Uuid& entity) const {
  const auto number = entity_number(entity);
  return number ? &entities[*number] : nullptr;
}

std::uint32_t Image::intern_user(const Uuid& user) {
  if (const auto number = user_number(user)) return *number;
  User& added = users.emplace_back();
  added.id = user;
  write_uuid(added.text, user);
  of_user.emplace_back();
  const auto number = static_cast<std::uint32_t>(users.size() - 1);
  user_index_.insert(number, [this](std::uint32_t at) -> const Uuid& { return users[at].id; });
  return number;
}

std::uint32_t Image::intern_entity(const Uuid& entity) {
  if (const auto number = entity_number(entity)) return *number;
  entities.emplace_back().id = entity;
  const auto number = static_cast<std::uint32_t>(entities.size() - 1);
  entity_index_.insert(number, [this](std::uint32_t at) -> const Uuid& { return entities[at].id; });
  return number;
}

Task Image::task(Row row) const {
  Task task;
  read_task(row, task);
  return task;
}

void Image::read_task(Row row, Task& task) const {
  task.id = {id[row]};
  task.lifecycle = Lifecycle::live;
  task.version = {version[row]};
  const auto text = title[row];
  task.fields.title.assign(text.data(), text.size());
  const Facets facets = projections::facets_of(cell[row]);
  const auto time = [](std::int64_t ms) { return ms == kNoTime ? std::nullopt : std::optional(Timestamp{ms}); };
  const auto code = [](auto number, auto none) {
    return number == 0 ? std::nullopt : std::optional(static_cast<decltype(none)>(number));
  };
  const auto user = [this](std::uint32_t number) {
    return number == kNoUser ? std::nullopt : std::optional(UserId{users[number].id});
  };
  task.fields.due_date = time(due[row]);
  task.fields.priority = code(facets.priority, Priority{});
  task.fields.action_type = code(facets.action_type, ActionType{});
  task.fields.assigned_to = user(assignee[row]);
  task.fields.links.clear();
  for (const PackedLink link : links[row]) task.fields.links.push_back({{entities[entity_of(link)].id}, type_of(link)});
  task.completed_at = time(completed[row]);
  task.completed_by = user(completed_by[row]);
  task.created_by = user(created_by[row]).value_or(UserId{});
  task.created_at = {created[row]};
  task.updated_at = {updated[row]};
}

Row Image::allocate() {
  if (!free_.empty()) {
    const Row row = free_.back();
    free_.pop_back();
    return row;
  }
  const std::size_t count = id.size() + 1;
  id.resize(count), due.resize(count), created.resize(count), updated.resize(count), completed.resize(count);
  version.resize(count), assignee.resize(count), created_by.resize(count), completed_by.resize(count);
  cell.resize(count), plain.resize(count), title_key.resize(count), title_pairs.resize(count);
  if (live.size() * 64 < count) live.push_back(0);
  const Row row = static_cast<Row>(count - 1);
  title.set(row, {}), folded.set(row, {}), links.set(row, {});
  return row;
}

void Image::reserve(std::size_t tasks) {
  id.reserve(tasks), due.reserve(tasks), created.reserve(tasks), updated.reserve(tasks), completed.reserve(tasks);
  version.reserve(tasks), assignee.reserve(tasks), created_by.reserve(tasks), completed_by.reserve(tasks);
  cell.reserve(tasks), plain.reserve(tasks), title_key.reserve(tasks), title_pairs.reserve(tasks);
  live.reserve(tasks / 64 + 1);
  row_index_.reserve(tasks, [this](Row row) -> const Uuid& { return id[row]; });
}

void Image::describe_title(Row row, std::string_view text, std::string_view folded_text) {
  title_key[row] = title_key_of(folded_text);
  title_pairs[row] = PairSet::of(folded_text);
  plain[row] = is_plain_json(text);
}

void Image::write_title(Row row, std::string_view text) {
  title.set(row, {text.data(), text.size()});
  fold_buffer_.clear();
  fold_onto(fold_buffer_, text);
  folded.set(row, {fold_buffer_.data(), fold_buffer_.size()});
  describe_title(row, text, std::string_view(fold_buffer_).substr(0, fold_buffer_.size() - 1));
}

// All that is neither text nor has a number in a dictionary.
void Image::write_values(Row row, const Task& task, std::uint16_t new_cell) {
  version[row] = task.version.value;
  created[row] = task.created_at.ms;
  updated[row] = task.updated_at.ms;
  due[row] = ms_or_none(task.fields.due_date);
  completed[row] = ms_or_none(task.completed_at);
  cell[row] = new_cell;
}

void Image::write(Row row, const Task& task, const Change& change) {
  write_values(row, task, change.new_cell);
  completed_by[row] = task.completed_by ? intern_user(task.completed_by->value) : kNoUser;
  assignee[row] = change.new_assignee;
  if (change.fresh || change.created) created_by[row] = intern_user(task.created_by.value);
  if (change.fresh || change.title) write_title(row, task.fields.title);
  if (change.fresh || change.links) {
    link_buffer_.clear();
    for (const Link& link : task.fields.links) link_buffer_.push_back(pack(link));
    links.set(row, link_buffer_);
  }
}

PackedLink Image::pack(const Link& link) {
  return intern_entity(link.id.value) << 2 | static_cast<PackedLink>(link.type);
}

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
    fold_onto(all_folded, text);
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

namespace {

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

// Says of the sequences that the row is in that one of their tasks changes.
void Image::touch(Row row) {
  of_user[assignee[row]].changed = changed_;
  for (const PackedLink link : links[row]) entities[entity_of(link)].changed = changed_;
}

void Image::remember(Row row) {
  if (noting_) noted_.push_back(row);
  if (note_change(id[row], {true, assignee[row], due[row], completed[row]})) frozen.then.emplace(id[row], task(row));
}

// Whether what the task is now must be remembered, as it was so when the image was frozen.
bool Image::note_change(const Uuid& task, const Baseline& baseline) {
  if (!dirty.try_emplace(task, baseline).second) return false;
  dirty_in_turn.push_back(task);
  return frozen.changed.contains(task);
}

void Image::freeze() {
  frozen.changed = std::exchange(dirty, {});
  frozen.in_turn = std::exchange(dirty_in_turn, {});
  std::reverse(frozen.in_turn.begin(), frozen.in_turn.end());
  frozen.then.clear();
}

// What differs between the row and the task, beside what `change` says already.
void Image::compare(Row row, const Task& task, Change& change) const {
  change.due = due[row] != ms_or_none(task.fields.due_date);
  change.assignee = assignee[row] != change.new_assignee;
  change.completed = completed[row] != ms_or_none(task.completed_at);
  change.cell = cell[row] != change.new_cell;
  change.updated = updated[row] != task.updated_at.ms;
  change.created = created[row] != task.created_at.ms || users[created_by[row]].id != task.created_by.value;
  change.title = TitleKey::text(title[row]) != task.fields.title;
  const auto held = links[row];
  change.links = held.size() != task.fields.links.size();
  for (std::size_t i = 0; i < held.size() && !change.links; ++i) {
    change.links = type_of(held[i]) != task.fields.links[i].type ||
                   entities[entity_of(held[i])].id != task.fields.links[i].id.value;
  }
}

Row Image::store(const Task& task, std::optional<Row> row) {
  columns_only_ = true;
  const std::uint64_t bit = task.lifecycle == Lifecycle::live ? 1 : 0;
  Change change;
  change.new_assignee = task.fields.assigned_to ? intern_user(task.fields.assigned_to->value) : kNoUser;
  change.new_cell = cell_of(facets_of(task));
  if (row) {
    compare(*row, task, change);
  } else {
    change.fresh = true;
    row = allocate();
    id[*row] = task.id.value;
    index_row(*row);
  }
  live[*row / 64] = (live[*row / 64] & ~(std::uint64_t{1} << (*row % 64))) | bit << (*row % 64);
  write(*row, task, change);
  return *row;
}

void Image::append_rows(const Image& from, std::span<const Row> copied) {
  columns_only_ = true;
  const Row first = rows();
  id.append(from.id, copied), due.append(from.due, copied), created.append(from.created, copied);
  updated.append(from.updated, copied), completed.append(from.completed, copied);
  version.append(from.version, copied), assignee.append(from.assignee, copied);
  created_by.append(from.created_by, copied), completed_by.append(from.completed_by, copied);
  cell.append(from.cell, copied), plain.append(from.plain, copied), title_key.append(from.title_key, copied);
  title_pairs.append(from.title_pairs, copied);
  title.append(first, from.title, copied), folded.append(first, from.folded, copied);
  links.append(first, from.links, copied);
  live.resize((rows() + 63) / 64);
  for (std::size_t i = 0; i < copied.size(); ++i) {
    const Row row = first + static_cast<Row>(i);
    live[row / 64] |= std::uint64_t{from.is_live(copied[i])} << (row % 64);
  }
}

bool Image::append_names(const Image& from, std::size_t limit) {
  entity_index_.reserve(from.entities.size(), [this](std::uint32_t at) -> const Uuid& { return entities[at].id; });
  for (; limit > 0 && users.size() < from.users.size(); --limit) intern_user(from.users[users.size()].id);
  for (; limit > 0 && entities.size() < from.entities.size(); --limit) intern_entity(from.entities[entities.size()].id);
  return users.size() == from.users.size() && entities.size() == from.entities.size();
}

void Image::index_row(Row row) {
  row_index_.insert(row, [this](Row at) -> const Uuid& { return id[at]; });
}

Row Image::append_unknown(const Uuid& task) {
  columns_only_ = true;
  const Row row = allocate();
  id[row] = task;
  index_row(row);
  return row;
}

void Image::put(const Task& task) {
  const std::uint32_t new_assignee = task.fields.assigned_to ? intern_user(task.fields.assigned_to->value) : kNoUser;
  Change change;
  change.new_assignee = new_assignee;
  change.new_cell = cell_of(facets_of(task));
  const auto found = find(task.id.value);
  ++changed_;
  if (!found) {
    change.fresh = true;
    const Row row = allocate();
    id[row] = task.id.value;
    live[row / 64] |= std::uint64_t{1} << (row % 64);
    row_index_.insert(row, [this](Row at) -> const Uuid& { return id[at]; });
    if (note_change(task.id.value, {})) frozen.then.emplace(task.id.value, std::nullopt);
    if (noting_) noted_.push_back(row);
    write(row, task, change);
    touch(row);
    return attach(row, change);
  }
  const Row row = *found;
  remember(row);
  touch(row);
  compare(row, task, change);
  const std::uint16_t old_cell = cell[row];
  detach(row, change);
  write(row, task, change);
  if (change.assignee || change.links) touch(row);
  change_cells(row, old_cell, change);
  attach(row, change);
}

bool Image::remove(const TaskId& task) {
  const auto found = find(task.value);
  if (!found) return false;
  const Row row = *found;
  remember(row);
  ++changed_;
  touch(row);
  Change change;
  change.fresh = true;
  detach(row, change);
  row_index_.erase(row, [this](Row at) -> const Uuid& { return id[at]; });
  live[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  id[row] = {};
  due[row] = created[row] = updated[row] = completed[row] = 0;
  version[row] = assignee[row] = created_by[row] = completed_by[row] = 0;
  cell[row] = 0;
  title_pairs[row] = {};
  title.set(row, {}), folded.set(row, {}), links.set(row, {});
  free_.push_back(row);
  return true;
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

std::size_t Image::bytes() const {
  // A deque has a block of elements and its index of blocks from the beginning.
  constexpr std::size_t kEmptyDeque = 640;
  std::size_t bytes = sizeof *this + 3 * kEmptyDeque;
  bytes += id.bytes() + due.bytes() + created.bytes() + updated.bytes() + completed.bytes() + version.bytes() +
           assignee.bytes() + created_by.bytes() + completed_by.bytes() + cell.bytes() + plain.bytes() +
           title_key.bytes() + title_pairs.bytes() + title.bytes() + folded.bytes() + links.bytes() + live.bytes();
  bytes += row_index_.bytes() + user_index_.bytes() + entity_index_.bytes() + free_.capacity() * sizeof(Row);
  bytes += by_due.bytes() + by_completed.bytes() + users.size() * (sizeof(User) + sizeof(OfUser)) +
           entities.size() * sizeof(Entity);
  for (const OfUser& one : of_user) bytes += one.by_due.bytes() + one.by_completed.bytes();
  for (const Entity& one : entities) bytes += one.by_due.bytes();
  for (std::size_t field = 0; field < orders_.size(); ++field) bytes += bytes_of_order(static_cast<Field>(field));
  return bytes + (dirty.size() + frozen.changed.size()) * 96;
}

}  // namespace taskledger::projections
