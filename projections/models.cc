#include "projections/models.h"

#include <utility>

#include "projections/applier.h"
#include "projections/list/list_row.h"
#include "projections/persist.h"

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
  const std::unique_lock lock(workspace.lock);
  const std::size_t before = workspace.image->dirty.size(), told_before = notifications.changed();
  for (const storage::Record& record : records) {
    const auto event = read_event(record);
    if (!event) return event.error();
    if (auto applied = apply_record(*workspace.image, record, *event, log_); !applied) return applied;
    if (static_cast<EventType>(record.type) == EventType::task_erased)
      erased_.push_back(list_key(record.workspace, {record.stream}));
    if (!notifies()) continue;
    if (auto told = notify(*workspace.image, record, *event); !told) return told;
  }
  changed += workspace.image->dirty.size() - before + (notifications.changed() - told_before);
  workspace.position = records.back().in_workspace.value;
  return {};
}

Result<void, storage::ReadError> Models::notify(const Image& image, const storage::Record& record,
                                                const std::optional<TaskEvent>& event) {
  static const taskledger::Task kNotLookedAt;
  switch (static_cast<EventType>(record.type)) {
    case EventType::task_created:
    case EventType::task_updated:
      if (event && !record.imported) notifications.apply(record, *event, kNotLookedAt);
      return {};
    case EventType::task_completed:
      if (!event || record.imported) return {};
      if (const auto row = image.find(record.stream)) notifications.apply(record, *event, image.task(*row));
      return {};
    case EventType::task_erased:
      return forget(record);
    default:
      return {};
  }
}

Result<void, storage::ReadError> Models::forget(const storage::Record& erased) {
  std::vector<WorkspacePosition> events;
  const auto visit = [&](const storage::Record& one) {
    if (one.position >= erased.position) return false;
    events.push_back(one.in_workspace);
    return true;
  };
  if (auto read = log_.read_stream(erased.workspace, erased.stream, {1}, visit); !read) return read;
  return notifications.forget(erased.workspace, events);
}

Models::Frozen Models::freeze(Position position) {
  Frozen frozen{position, {}, std::exchange(erased_, {})};
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
  return frozen;
}

void Models::take_erased(Models& from) {
  erased_.insert(erased_.end(), from.erased_.begin(), from.erased_.end());
  from.erased_.clear();
}

Result<std::size_t, storage::ReadError> Models::write(const Frozen& frozen) {
  ChangedRows rows;
  for (const Frozen::Workspace& one : frozen.workspaces) {
    for (bool more = true; more;) {
      const std::shared_lock lock(one.image->lock);  // a writer that waits goes before the next few
      more = rows.add_some(*one.image->image, one.image->number, kTasksAtOnce);
    }
    rows.add_summary(one.image->number, one.position, one.tasks);
  }
  const auto hash = log_.hash_at(frozen.position);
  if (!hash) return hash.error();
  if (!*hash) return storage::ReadError{"the log does not reach what the read models have passed"};
  storage::RowChanges stats;
  if (generations_[2] != 0) {
    auto counted = written_stats_.add(rows.stats, views_, generations_[2]);
    if (!counted) return counted.error();
    stats = *std::move(counted);
  }
  auto told = notifications.frozen_rows();
  if (!told) return told.error();
  std::vector<storage::ViewStore::TableWrite> tables;
  std::size_t count = 0;
  std::array<storage::RowChanges, kProjections> of{std::move(rows.list), std::move(rows.mode), std::move(stats),
                                                   *std::move(told)};
  for (std::size_t i = 0; i < kProjections; ++i) {
    if (generations_[i] == 0) continue;
    count += of[i].size();
    tables.push_back({kProjectionNames[i], generations_[i], std::move(of[i]), {}});
    if (kProjectionNames[i] == kListProjection) tables.back().erased = frozen.erased;
  }
  if (auto stored = views_.write(tables, {frozen.position, **hash}); !stored) {
    written_stats_.forget();
    return stored.error();
  }
  notifications.written();
  for (const Frozen::Workspace& one : frozen.workspaces) {
    one.image->persisted = one.position.value;
    workspaces.measure(*one.image);
  }
  return count;
}

}  // namespace taskledger::projections
