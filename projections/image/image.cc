#include "projections/image/image.h"

#include <utility>

#include "projections/image/image_change.h"
#include "projections/image/keys.h"
#include "projections/image/title_text.h"

namespace taskledger::projections {

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
  append_folded_title(fold_buffer_, text);
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
  return dirty.add(task, baseline) && frozen.changed.contains(task);
}

void Image::freeze() {
  frozen.changed = std::exchange(dirty, {});
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
  return bytes + dirty.bytes() + frozen.changed.bytes();
}

}  // namespace taskledger::projections
