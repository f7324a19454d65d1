#include "projections/models.h"

#include "projections/applier.h"
#include "projections/persist.h"

namespace taskledger::projections {

namespace {
constexpr std::size_t kTasksAtOnce = 64;  // that are encoded while a writer of their workspace may wait
}

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
    if (auto applied = apply_record(*workspace.image, record, log_); !applied) return applied;
    if (!notifies()) continue;
    if (auto told = notify(*workspace.image, record); !told) return told;
  }
  changed += workspace.image->dirty.size() - before + (notifications.changed() - told_before);
  workspace.position = records.back().in_workspace.value;
  return {};
}

Result<void, storage::ReadError> Models::notify(const Image& image, const storage::Record& record) {
  static const taskledger::Task kNotLookedAt;
  if (static_cast<EventType>(record.type) != EventType::task_completed)
    return notifications.apply(record, &kNotLookedAt);
  const auto row = image.find(record.stream);
  if (!row) return {};
  const taskledger::Task task = image.task(*row);
  return notifications.apply(record, &task);
}

Models::Frozen Models::freeze(Position position) {
  Frozen frozen{position, {}};
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
  if (generations_[2] != 0) {
    if (auto counted = rows.add_stats(views_, generations_[2]); !counted) return counted.error();
  }
  std::vector<storage::ViewStore::TableWrite> tables;
  std::size_t count = 0;
  std::array<std::vector<storage::RowChange>, kProjections> of{std::move(rows.list), std::move(rows.mode),
                                                               std::move(rows.stats), notifications.frozen_rows()};
  for (std::size_t i = 0; i < kProjections; ++i) {
    if (generations_[i] == 0) continue;
    count += of[i].size();
    tables.push_back({kProjectionNames[i], generations_[i], std::move(of[i])});
  }
  if (auto stored = views_.write(tables, {frozen.position, **hash}); !stored) return stored.error();
  notifications.written();
  for (const Frozen::Workspace& one : frozen.workspaces) {
    one.image->persisted = one.position.value;
    workspaces.measure(*one.image);
  }
  return count;
}

}  // namespace taskledger::projections
