// The read models as they are applied to and written: images and notifications of all workspaces over one set of
// generations. One of these serves; a rebuild makes another beside it, which then takes its place.
// Threads: apply() by one at a time, and freeze() while nobody applies; write() by one at a time, beside both; readers
// lock what they read.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "projections/changed_rows.h"
#include "projections/notifications/notifications.h"
#include "projections/stats/stats_changes.h"
#include "projections/workspaces.h"

namespace taskledger::projections {

inline constexpr std::size_t kProjections = 4;
inline constexpr std::array<std::string_view, kProjections> kProjectionNames{"list", "mode", "stats", "notifications"};
// Places in what has one for each.
inline constexpr std::size_t kListAt = 0, kStatsAt = 2, kNotificationsAt = 3;
static_assert(kProjectionNames[kListAt] == "list" && kProjectionNames[kStatsAt] == "stats" &&
              kProjectionNames[kNotificationsAt] == "notifications");
// In the order of the names; 0: this projection is not kept here.
using Generations = std::array<std::atomic<std::uint64_t>, kProjections>;

class Models {
 public:
  // All outlive this.
  Models(storage::EventLog& log, storage::ViewStore& views, const Generations& generations)
      : workspaces(views, generations[kListAt]),
        notifications(views, generations[kNotificationsAt]),
        log_(log),
        views_(views),
        generations_(generations) {}

  // Records of one workspace, in the order of the log.
  Result<void, storage::ReadError> apply(std::span<const storage::Record> records);

  // Sets aside what changed, to be written as of `position`; while nothing is set aside.
  void freeze(Position position);
  // Where what is set aside goes to.
  [[nodiscard]] std::optional<Position> frozen_at() const {
    return frozen_ ? std::optional(frozen_->position) : std::nullopt;
  }
  // Writes the rows of what is set aside, and the checkpoint; returns how many rows. After an error it is still set
  // aside, for the next try.
  Result<std::size_t, storage::ReadError> write();

  // Of models that take this one's place, whose erasures are not written yet.
  void take_erased(Models& from);

  Workspaces workspaces;
  Notifications notifications;
  std::atomic<std::size_t> changed{0};  // tasks and rows of notifications since the last freeze

 private:
  struct Frozen {
    Position position;
    struct Workspace {
      WorkspaceImage* image;
      WorkspacePosition position;
      std::uint32_t tasks;
    };
    std::vector<Workspace> workspaces;
    std::vector<std::string> erased;  // keys of `list`
    // As far as they are made.
    std::optional<ChangedRows> rows;
    std::vector<storage::ViewStore::TableWrite> tables;
    storage::Checkpoint checkpoint;
  };
  void make_rows(Frozen& frozen);
  Result<void, storage::ReadError> make_tables(Frozen& frozen);
  // Positions of events, by that of the erasure which took their payloads.
  using Erased = std::map<Position, std::vector<WorkspacePosition>>;
  [[nodiscard]] Result<Erased, storage::ReadError> erased_by(std::span<const storage::Record> records) const;
  Result<void, storage::ReadError> notify(const Image& image, const storage::Record& record, const TaskEvent* event,
                                          const Erased& erased);
  [[nodiscard]] bool notifies() const { return generations_[kNotificationsAt] != 0; }

  storage::EventLog& log_;
  storage::ViewStore& views_;
  const Generations& generations_;
  WrittenStats written_stats_;
  std::optional<Frozen> frozen_;
  std::vector<std::string> erased_;  // since the last freeze: keys of `list` whose rows' files are to be purged
};

}  // namespace taskledger::projections
