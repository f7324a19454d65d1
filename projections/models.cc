#include "projections/models.h"

#include <utility>

#include "projections/applier.h"
#include "projections/list/list_row.h"

namespace taskledger::projections {

namespace {
constexpr std::size_t kTasksAtOnce = 64;  // that are encoded while a writer of their workspace may wait
}  // namespace

Result<void, storage::ReadError> Models::apply(std::span<const storage::Record> records) {
  if (records.front().workspace == kSystemWorkspace) {
    for (const storage::Record& record : records) {
      if (!notifies()) break;
      if (auto marked = notifications.apply_system(record); !marked) return marked;
    }
    return {};
  }
  WorkspaceImage& workspace = workspaces.at(records.front().workspace);
  if (auto loaded = workspaces.load(workspace); !loaded) return loaded;
  const auto erased = erased_by(records);  // reads for long, and nobody waits yet
  if (!erased) return erased.error();
  const std::unique_lock lock(workspace.lock);
  const std::size_t before = workspace.image->dirty.size(), told_before = notifications.changed();
  TaskEvent room;
  for (const storage::Record& record : records) {
    const auto event = read_event(record, room);
    if (!event) return event.error();
    if (auto applied = apply_record(*workspace.image, record, *event, log_); !applied) return applied;
    if (static_cast<EventType>(record.type) == EventType::task_erased)
      erased_.push_back(list_key(record.workspace, {record.stream}));
    if (!notifies()) continue;
    if (auto told = notify(*workspace.image, record, *event, *erased); !told) return told;
  }
  const std::size_t told = notifications.changed();  // less, where a reader counts some in just now
  changed += workspace.image->dirty.size() - before + (told > told_before ? told - told_before : 0);
  workspace.position = records.back().in_workspace.value;
  return {};
}

Result<void, storage::ReadError> Models::notify(const Image& image, const storage::Record& record,
                                                const TaskEvent* event, const Erased& erased) {
  static const taskledger::Task kNotLookedAt;
  switch (static_cast<EventType>(record.type)) {
    case EventType::task_created:
    case EventType::task_updated:
      if (event != nullptr && !record.imported) notifications.apply(record, *event, kNotLookedAt);
      return {};
    case EventType::task_completed:
      if (event == nullptr || record.imported) return {};
      if (const auto row = image.find(record.stream)) notifications.apply(record, *event, image.task(*row));
      return {};
    case EventType::task_erased:
      return notifications.forget(record.workspace, erased.at(record.position));
    default:
      return {};
  }
}

Result<Models::Erased, storage::ReadError> Models::erased_by(std::span<const storage::Record> records) const {
  Erased erased;
  for (const storage::Record& record : records) {
    if (static_cast<EventType>(record.type) != EventType::task_erased || !notifies()) continue;
    auto& events = erased[record.position];
    const auto visit = [&](const storage::Record& one) {
      if (one.position >= record.position) return false;
      events.push_back(one.in_workspace);
      return true;
    };
    if (auto read = log_.read_stream(record.workspace, record.stream, {1}, visit); !read) return read.error();
  }
  return erased;
}

void Models::freeze(Position position) {
  Frozen& frozen = frozen_.emplace();
  frozen.position = position;
  frozen.erased = std::exchange(erased_, {});
  for (WorkspaceImage* workspace : workspaces.all()) {
    if (!workspace->loaded) continue;
    const std::shared_lock lock(workspace->lock);  // of the pointer; what changes is changed by those who apply
    if (workspace->image == nullptr) continue;
    Image& image = *workspace->image;
    if (image.dirty.empty() && workspace->persisted == workspace->position) continue;
    image.freeze();
    frozen.workspaces.push_back({workspace, {workspace->position}, image.tasks()});
  }
  notifications.freeze();
  changed = 0;
}

void Models::take_erased(Models& from) {
  erased_.insert(erased_.end(), from.erased_.begin(), from.erased_.end());
  from.erased_.clear();
}

void Models::make_rows(Frozen& frozen) {
  ChangedRows& rows = frozen.rows.emplace();
  for (const Frozen::Workspace& one : frozen.workspaces) {
    for (bool more = true; more;) {
      const std::shared_lock lock(one.image->lock);  // a writer that waits goes before the next few
      more = rows.add_some(*one.image->image, one.image->number, kTasksAtOnce);
    }
    rows.add_summary(one.image->number, one.position, one.tasks);
  }
}

Result<void, storage::ReadError> Models::make_tables(Frozen& frozen) {
  const auto hash = log_.hash_at(frozen.position);
  if (!hash) return hash.error();
  if (!*hash) return storage::ReadError{"the log does not reach what the read models have passed"};
  auto told = notifications.frozen_rows();
  if (!told) return told.error();
  storage::RowChanges stats;
  if (generations_[kStatsAt] != 0) {
    auto counted = written_stats_.add(frozen.rows->stats, views_, generations_[kStatsAt]);
    if (!counted) {
      written_stats_.forget();
      return counted.error();
    }
    stats = *std::move(counted);
  }
  std::array<storage::RowChanges, kProjections> of{std::move(frozen.rows->list), std::move(frozen.rows->mode),
                                                   std::move(stats), *std::move(told)};
  for (std::size_t i = 0; i < kProjections; ++i) {
    if (generations_[i] == 0) continue;
    frozen.tables.push_back({kProjectionNames[i], generations_[i], std::move(of[i]), {}});
    if (i == kListAt) frozen.tables.back().erased = frozen.erased;
  }
  frozen.checkpoint = {frozen.position, **hash};
  return {};
}

Result<std::size_t, storage::ReadError> Models::write() {
  Frozen& frozen = *frozen_;
  if (!frozen.rows) make_rows(frozen);
  if (frozen.tables.empty()) {
    if (auto made = make_tables(frozen); !made) return made.error();
  }
  if (auto stored = views_.write(frozen.tables, frozen.checkpoint); !stored) return stored.error();
  notifications.written();
  std::size_t count = 0;
  for (const auto& table : frozen.tables) count += table.rows.size();
  for (const Frozen::Workspace& one : frozen.workspaces) {
    one.image->persisted = one.position.value;
    workspaces.measure(*one.image);
  }
  frozen_.reset();
  return count;
}

}  // namespace taskledger::projections
