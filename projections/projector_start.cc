// How the projector comes up: directory, generations and their checkpoints, what is missing built from the log, the
// rest caught up; and how it writes rows.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "core/named_thread.h"
#include "projections/projector.h"
#include "projections/rebuild/fresh_generations.h"

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
  if (auto purged = views_.purge(stopping_); !purged)  // what a crash came before
    spdlog::error("read models still hold what was erased: {}", purged.error().what);
  state_ = State::live;
  thread_ = named_thread("projector", [this] { run(); });
  writer_ = named_thread("row-writer", [this] { write_rows_now_and_then(); });
  maintenance_.start();
  started_ = true;
  return {};
}

Result<void, storage::ReadError> Projector::fold_directory() {
  Result<void, storage::ReadError> applied{};
  const auto visit = [&](const storage::Record& record) {
    applied = directory_.apply(record);
    directory_position_ = record.position;
    return applied.has_value();
  };
  if (auto read = log_.read_workspace(kSystemWorkspace, {0}, visit); !read) return read;
  return applied;
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
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    rate_ = static_cast<double>(position.value) / took.count();
    return true;
  };
  std::vector<std::string> names;
  for (const std::size_t i : missing) names.emplace_back(kNames[i]);
  Team team(options_.rebuild_threads);
  if (auto built = build_generations(log_, views_, names, to, team, progress); !built) return built;
  for (const std::size_t i : missing) generations_[i] = views_.generation(kNames[i]);
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
    if (result && models_.changed >= kPersistInCatchUp) result = persist();
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
  return persist_locked();
}

Result<void, storage::ReadError> Projector::persist_locked() {
  persisted_at_ = std::chrono::steady_clock::now();
  if (rows_end_) return storage::ReadError{"stopping"};
  // What could not be written the last time comes first, by itself: its rows are those of its position.
  while (passed_ != checkpoint_) {
    const bool again = models_.frozen_at().has_value();
    if (!again) {
      const std::lock_guard applying(applying_);  // one position for all
      models_.freeze({passed_});
    }
    const Position position = *models_.frozen_at();
    const auto rows = models_.write();
    unwritten_ = !rows;
    if (!rows) return rows.error();
    checkpoint_ = position.value;
    rows_since_flush_ += *rows;
    if (!again) break;
  }
  const auto now = std::chrono::steady_clock::now();
  if (rows_since_flush_ >= kFlushRows || now - flushed_at_ >= kFlushInterval) {
    auto flushed = views_.flush();
    unwritten_ = !flushed;
    if (!flushed) return flushed;
    flushed_at_ = now;
    rows_since_flush_ = 0;
  }
  return {};
}

}  // namespace taskledger::projections
