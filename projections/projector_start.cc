// How the projector comes up: directory, generations and their checkpoints, what is missing built from the log, the
// rest caught up; and how it writes rows.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "projections/fold.h"
#include "projections/persist.h"
#include "projections/projector.h"

namespace taskledger::projections {

namespace {
constexpr std::size_t kPersistInCatchUp = 100'000;  // changed tasks
constexpr std::size_t kFlushRows = 400'000;         // written rows that a crash may cost
constexpr std::chrono::seconds kFlushInterval{30};
}  // namespace

Result<void, storage::ReadError> Projector::start() {
  if (auto folded = fold_directory(); !folded) return folded;
  if (auto opened = open_generations(); !opened) return opened;
  for (const Workspace& workspace : directory_.workspaces()) {
    if (auto read = workspaces_.read_position(workspaces_.at(workspace.number)); !read) return read;
  }
  if (auto caught_up = catch_up(log_.head().position); !caught_up) return caught_up;
  state_ = State::live;
  thread_ = std::thread([this] { run(); });
  started_ = true;
  return {};
}

Result<void, storage::ReadError> Projector::fold_directory() {
  return log_.read_workspace(kSystemWorkspace, {0}, [this](const storage::Record& record) {
    directory_.apply(record);
    directory_position_ = record.position;
    return true;
  });
}

Result<void, storage::ReadError> Projector::open_generations() {
  // Projections advance together: they share a checkpoint, which the log must confirm.
  std::optional<storage::Checkpoint> common;
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < kProjections; ++i) {
    generations_[i] = views_.generation(kNames[i]);
    const auto checkpoint = views_.checkpoint(kNames[i], generations_[i]);
    if (!checkpoint) return checkpoint.error();
    bool valid = checkpoint->has_value();
    if (valid) {
      const auto hash = log_.hash_at((*checkpoint)->position);
      if (!hash) return hash.error();
      valid = *hash && **hash == (*checkpoint)->hash;
      if (!valid)
        spdlog::warn("read model {} is discarded: the log does not confirm its checkpoint at position {}", kNames[i],
                     (*checkpoint)->position.value);
    }
    if (valid && common && common->position != (*checkpoint)->position) valid = false;
    if (!valid) {
      missing.push_back(i);
    } else {
      common = **checkpoint;
    }
  }
  if (!missing.empty()) {
    if (auto built = build(missing, common ? common->position : log_.head().position); !built) return built;
  } else {
    passed_ = checkpoint_ = common->position.value;
  }
  return {};
}

Result<void, storage::ReadError> Projector::build(const std::vector<std::size_t>& missing, Position to) {
  state_ = State::rebuilding;
  target_ = to.value;
  started_at_ = 0;
  const auto started = std::chrono::steady_clock::now();
  const auto progress = [&](Position position) {
    passed_ = position.value;
    if (position.value % 16384 != 0) return;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    rate_ = static_cast<double>(position.value) / took.count();
  };
  FoldedLog folded;
  if (auto read = folded.fold(log_, to, progress); !read) return read;
  const auto hash = log_.hash_at(to);
  if (!hash) return hash.error();
  if (!*hash) return storage::ReadError{"the log ends before its own head"};
  std::vector<std::pair<std::string, std::uint64_t>> activated;
  std::vector<storage::ViewStore::TableWrite> none;
  std::vector<std::uint64_t> old;
  for (const std::size_t i : missing) {
    const auto fresh = views_.begin_generation(kNames[i]);
    if (!fresh) return fresh.error();
    old.push_back(generations_[i]);
    generations_[i] = *fresh;
    if (auto loaded = views_.bulk_load(kNames[i], *fresh, folded.rows(kNames[i])); !loaded) return loaded;
    none.push_back({kNames[i], *fresh, {}});
    activated.emplace_back(kNames[i], *fresh);
  }
  if (auto written = views_.write(none, {to, **hash}); !written) return written;
  if (auto swapped = views_.activate(activated); !swapped) return swapped;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (old[i] != generations_[missing[i]]) views_.drop(kNames[missing[i]], old[i]);
  }
  passed_ = checkpoint_ = to.value;
  return {};
}

Result<void, storage::ReadError> Projector::catch_up(Position head) {
  state_ = State::catching_up;
  target_ = head.value;
  started_at_ = passed_.load();
  const auto started = std::chrono::steady_clock::now();
  Result<void, storage::ReadError> result{};
  const auto visit = [&](const storage::Record& record) {
    {
      const std::lock_guard lock(applying_);
      apply(std::span(&record, 1));
    }
    if (has_failed_) result = storage::ReadError{*failure()};
    if (result && changed_ >= kPersistInCatchUp) result = persist();
    if (record.position.value % 16384 == 0) {
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
      rate_ = static_cast<double>(record.position.value - started_at_) / took.count();
    }
    return result.has_value();
  };
  if (auto read = log_.read_all({passed_}, head, visit); !read) return read;
  return result;
}

Result<void, storage::ReadError> Projector::persist() {
  const std::lock_guard lock(persisting_);
  persisted_at_ = std::chrono::steady_clock::now();
  if (persist_failed_) return storage::ReadError{"an earlier write failed"};
  ChangedRows rows;
  storage::Checkpoint checkpoint;
  std::vector<storage::RowChange> told;
  std::vector<std::pair<WorkspaceImage*, std::uint64_t>> written;
  {
    const std::lock_guard applying(applying_);  // one position for all
    checkpoint.position = {passed_};
    if (passed_ == checkpoint_) return {};
    for (WorkspaceImage* workspace : workspaces_.all()) {
      if (!workspace->loaded) continue;
      const std::shared_lock reading(workspace->lock);
      if (workspace->image == nullptr ||
          (workspace->image->dirty.empty() && workspace->persisted == workspace->position))
        continue;
      take_changed_rows(*workspace->image, workspace->number, {workspace->position}, rows);
      written.emplace_back(workspace, workspace->position);
    }
    told = notifications_.take_changed_rows();
    changed_ = 0;
  }
  const auto hash = log_.hash_at(checkpoint.position);
  persist_failed_ = true;  // until it has succeeded: the changes are forgotten in memory, rows must not miss them
  if (!hash) return hash.error();
  if (!*hash) return storage::ReadError{"the log does not reach what the read models have passed"};
  checkpoint.hash = **hash;
  rows_since_flush_ += rows.list.size() + rows.mode.size() + rows.stats.size() + told.size();
  std::vector<storage::ViewStore::TableWrite> tables;
  tables.push_back({kNames[0], generations_[0], std::move(rows.list)});
  tables.push_back({kNames[1], generations_[1], std::move(rows.mode)});
  tables.push_back({kNames[2], generations_[2], std::move(rows.stats)});
  tables.push_back({kNames[3], generations_[3], std::move(told)});
  if (auto stored = views_.write(tables, checkpoint); !stored) return stored;
  persist_failed_ = false;
  notifications_.written();
  checkpoint_ = checkpoint.position.value;
  for (const auto& [workspace, position] : written) {
    workspace->persisted = position;
    workspaces_.measure(*workspace);
  }
  const auto now = std::chrono::steady_clock::now();
  if (rows_since_flush_ >= kFlushRows || now - flushed_at_ >= kFlushInterval) {
    flushed_at_ = now;
    rows_since_flush_ = 0;
    return views_.flush();
  }
  return {};
}

}  // namespace taskledger::projections
