// How a projector rebuilds and checks while it serves.
//
// A rebuild folds the log into rows of new generations, loads models from them beside the serving ones (the images that
// are in use, so that whatever was wrong in memory goes as well), and lets them follow the log. Then, with no other
// rows being written, it brings the rows of both to one position and makes the new generations the serving ones on
// disk; and at last, between two records, puts the new models in the place of the old. Until the marker on disk is
// flushed a crash leaves the old generations, afterwards the new ones, each with a checkpoint that the log confirms.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "projections/projector.h"
#include "projections/rebuild/fresh_generations.h"

namespace taskledger::projections {

namespace {
constexpr std::uint64_t kNear = 20'000;  // records: so few are folded or applied at once with what they hold up
constexpr std::uint64_t kVeryNear = 200;
constexpr int kRounds = 8;                            // of coming nearer, while writes come in as fast
constexpr double kFoldShare = 0.6, kLoadShare = 0.9;  // of the progress, when they are done
constexpr int kChecksAgain = 3;                       // of what differs
constexpr int kRest = 9;                              // times the work that a slow check rests for

std::vector<std::string> with_list(std::vector<std::string> names) {
  const std::string list(kProjectionNames[kListAt]);
  if (std::find(names.begin(), names.end(), list) == names.end()) names.insert(names.begin(), list);
  return names;
}
}  // namespace

// The models that are to serve, and the position they reflect.
struct Projector::Beside {
  Beside(storage::EventLog& log, storage::ViewStore& views) : fresh(views), models(log, views, generations) {}
  FreshGenerations fresh;
  Generations generations{};
  Models models;
  std::uint64_t passed = 0;
};

Result<void, storage::ReadError> Projector::fold_beside(FoldedLog& folded) {
  const auto started = std::chrono::steady_clock::now();
  for (int round = 0; round < kRounds && (round == 0 || passed_ - folded.position().value > kNear); ++round) {
    const std::uint64_t to = passed_;
    const auto progress = [&](Position position) {
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
      const auto done = static_cast<double>(position.value);
      maintenance_.progress(kFoldShare * done / static_cast<double>(to), done / took.count());
      return !maintenance_.stopping();
    };
    if (auto read = folded.fold(log_, {to}, progress); !read) return read;
  }
  return {};
}

// Applies the log to the models beside, from where they are up to `to`.
Result<void, storage::ReadError> Projector::follow(Beside& beside, std::uint64_t to) {
  Result<void, storage::ReadError> applied{};
  const auto visit = [&](const storage::Record& record) {
    applied = beside.models.apply(std::span(&record, 1));
    beside.passed = record.position.value;
    return applied.has_value() && !maintenance_.stopping();
  };
  if (auto read = log_.read_all({beside.passed}, {to}, visit); !read) return read;
  if (applied && beside.passed < to) return storage::ReadError{"stopped"};
  return applied;
}

Result<void, storage::ReadError> Projector::rebuild(const std::vector<std::string>& names) {
  // Nothing would follow the log: a restart reads it anew, and builds what is damaged.
  if (has_failed_) return storage::ReadError{"the read models have stopped: restart the server"};
  // Images are loaded from rows of `list`: those are made in any case, and dropped again where nobody asked for them.
  Beside beside(log_, views_);
  {
    Team team(options_.rebuild_threads, true);
    FoldedLog folded(team);
    if (auto read = fold_beside(folded); !read) return read;
    folded.sort();
    if (auto loaded = beside.fresh.load(with_list(names), folded, log_, team); !loaded) return loaded;
    beside.passed = folded.position().value;
  }
  for (std::size_t i = 0; i < kProjections; ++i) beside.generations[i] = beside.fresh.generation(kNames[i]);
  maintenance_.progress(kLoadShare, 0);
  for (WorkspaceImage* workspace : workspaces_.all()) {
    if (maintenance_.stopping()) return storage::ReadError{"stopped"};
    WorkspaceImage& theirs = beside.models.workspaces.at(workspace->number);
    if (auto read = beside.models.workspaces.read_position(theirs); !read) return read;
    if (!workspace->loaded) continue;
    if (auto loaded = beside.models.workspaces.load(theirs); !loaded) return loaded;
  }
  for (int round = 0; round < kRounds && passed_ - beside.passed > kNear; ++round) {
    if (auto followed = follow(beside, passed_); !followed) return followed;
  }
  return swap(beside, names);
}

Result<void, storage::ReadError> Projector::swap(Beside& beside, const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::uint64_t>> replaced;
  std::vector<std::unique_ptr<Image>> old_images;
  {
    const std::lock_guard persisting(persisting_);
    // The rows of both at one position.
    if (auto persisted = persist_locked(); !persisted) return persisted;
    if (auto followed = follow(beside, checkpoint_); !followed) return followed;
    beside.models.freeze({beside.passed});
    if (const auto written = beside.models.write(); !written) return written.error();
    auto activated = beside.fresh.activate(names);
    if (!activated) return activated.error();
    replaced = *std::move(activated);
    // From here on the disk says that the new ones serve: not to go through with it would be a failure of the models.
    Result<void, storage::ReadError> followed{};
    for (int round = 0; followed && round < kRounds && passed_ - beside.passed > kVeryNear; ++round)
      followed = follow(beside, passed_);
    const std::lock_guard applying(applying_);
    if (followed) followed = follow(beside, passed_);
    if (!followed) {
      if (!maintenance_.stopping()) {
        fail(followed.error().what);
      } else {
        rows_end_ = true;  // what serves in these last moments must not be written over the new rows
      }
      return followed;
    }
    const auto switch_generations = [&] {
      for (const auto& [name, generation] : replaced) {
        const auto at = std::find(kNames.begin(), kNames.end(), name) - kNames.begin();
        generations_[static_cast<std::size_t>(at)] = views_.generation(name);
      }
    };
    if (beside.generations[kNotificationsAt] != 0) {
      notifications_.take_over(beside.models.notifications, switch_generations);
    } else {
      switch_generations();
    }
    old_images = workspaces_.take_over(beside.models.workspaces);
    models_.changed = beside.models.changed.load();
    models_.take_erased(beside.models);
  }
  for (const auto& [name, generation] : replaced) views_.drop(name, generation);
  // What was erased while the rows of the new generation were made.
  if (auto purged = purge_now(); !purged) return purged;
  spdlog::info("read models rebuilt: position {}", beside.passed);
  return {};
}

// For a while: records that are in the log may still be on their way.
void Projector::await_passed(Position position) const {
  constexpr std::chrono::milliseconds kLook{2}, kAtMost{5'000};
  for (auto waited = kLook; passed_ < position.value && waited < kAtMost && !maintenance_.stopping(); waited += kLook)
    std::this_thread::sleep_for(kLook);
}

Result<Maintenance::Checked, storage::ReadError> Projector::check(const std::vector<std::string>& names, bool slow) {
  Team team(slow ? 1 : options_.rebuild_threads, true);
  FoldedLog folded(team);
  auto last = std::chrono::steady_clock::now();
  const auto progress = [&](Position) {
    if (slow) {
      maintenance_.wait((std::chrono::steady_clock::now() - last) * kRest);
      last = std::chrono::steady_clock::now();
    }
    return !maintenance_.stopping();
  };
  for (int round = 0; round < kRounds && (round == 0 || checkpoint_ - folded.position().value > kNear); ++round) {
    if (auto read = folded.fold(log_, {checkpoint_}, progress); !read) return read.error();
  }
  // While the rows are looked at none are written: they and what is not yet written of the images stay of one state.
  const std::lock_guard persisting(persisting_);
  if (models_.frozen_at() || rows_end_) return storage::ReadError{"rows could not be written before"};
  auto compared = compare_with(names, folded);
  // A task that is erased just now is gone from the log, and not yet from the rows: what differs is what still differs
  // with both at a later position. (Erasures wait for the rows to be written, so few can come between.)
  for (int again = 0; compared && compared->differs() && again < kChecksAgain; ++again) {
    await_passed(log_.head().position);
    if (auto persisted = persist_locked(); !persisted) return persisted.error();
    compared = compare_with(names, folded);
  }
  return compared;
}

// What is folded, and up to where the rows go, against them; while none are written.
Result<Maintenance::Checked, storage::ReadError> Projector::compare_with(const std::vector<std::string>& names,
                                                                         FoldedLog& folded) {
  const auto go_on = [&](Position) { return !maintenance_.stopping(); };
  if (auto read = folded.fold(log_, {checkpoint_}, go_on); !read) return read.error();
  folded.sort();
  Maintenance::Checked checked{{checkpoint_}, {}};
  for (const std::string& name : names) {
    const auto at = std::find(kNames.begin(), kNames.end(), name) - kNames.begin();
    Compared& compared = checked.of.emplace_back();
    if (auto read = compare_rows(views_, name, generations_[static_cast<std::size_t>(at)], folded, compared); !read)
      return read.error();
    if (at != 0) continue;
    for (WorkspaceImage* workspace : workspaces_.all()) compare_image(*workspace, folded, compared);
  }
  return checked;
}

}  // namespace taskledger::projections
