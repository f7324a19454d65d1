// The read models as they are applied to and written: images and notifications of all workspaces over one set of
// generations. One of these serves; a rebuild makes another beside it, which then takes its place.
// Threads: apply() by one at a time, and freeze() while nobody applies; write() by one at a time, beside both; readers
// lock what they read.
#pragma once

#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "projections/notifications/notifications.h"
#include "projections/stats/stats_changes.h"
#include "projections/workspaces.h"

namespace taskledger::projections {

inline constexpr std::size_t kProjections = 4;
inline constexpr std::array<std::string_view, kProjections> kProjectionNames{"list", "mode", "stats", "notifications"};
// In the order of the names; 0: this projection is not kept here.
using Generations = std::array<std::atomic<std::uint64_t>, kProjections>;

class Models {
 public:
  // All outlive this.
  Models(storage::EventLog& log, storage::ViewStore& views, const Generations& generations)
      : workspaces(views, generations[0]),
        notifications(views, generations[3]),
        log_(log),
        views_(views),
        generations_(generations) {}

  // Records of one workspace, in the order of the log.
  Result<void, storage::ReadError> apply(std::span<const storage::Record> records);

  // What changed is set aside, to be written as of `position`.
  struct Frozen {
    Position position;
    struct Workspace {
      WorkspaceImage* image;
      WorkspacePosition position;
      std::uint32_t tasks;
    };
    std::vector<Workspace> workspaces;
    std::vector<std::string> erased;  // keys of `list`
  };
  [[nodiscard]] Frozen freeze(Position position);
  // Writes the rows of what is frozen, and the checkpoint; returns how many rows. After an error rows are missing in
  // the store for good.
  Result<std::size_t, storage::ReadError> write(const Frozen& frozen);

  // Of models that take this one's place, whose erasures are not written yet.
  void take_erased(Models& from);

  Workspaces workspaces;
  Notifications notifications;
  std::atomic<std::size_t> changed{0};  // tasks and rows of notifications since the last freeze

 private:
  Result<void, storage::ReadError> notify(const Image& image, const storage::Record& record,
                                          const std::optional<TaskEvent>& event);
  Result<void, storage::ReadError> forget(const storage::Record& erased);
  [[nodiscard]] bool notifies() const { return generations_[3] != 0; }

  storage::EventLog& log_;
  storage::ViewStore& views_;
  const Generations& generations_;
  WrittenStats written_stats_;
  std::vector<std::string> erased_;  // since the last freeze: keys of `list` whose rows' files are to be purged
};

}  // namespace taskledger::projections
