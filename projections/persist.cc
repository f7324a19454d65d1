#include "projections/persist.h"

#include <set>
#include <utility>

#include "projections/list/list_row.h"
#include "projections/mode/mode_row.h"
#include "projections/stats/stats_row.h"

namespace taskledger::projections {

namespace {

const CellSet& cells(bool completed) {
  static const CellSet kOpen(FacetFilter{.completed = false, .priority = {}, .action_type = {}, .link_type = {}});
  static const CellSet kCompleted(FacetFilter{.completed = true, .priority = {}, .action_type = {}, .link_type = {}});
  return completed ? kCompleted : kOpen;
}

class Changes {
 public:
  Changes(const Image& image, WorkspaceNumber workspace, ChangedRows& rows)
      : image_(image), workspace_(workspace), rows_(rows) {}

  void task(const Uuid& id, const Baseline& before) {
    const auto row = image_.find(id);
    Baseline now;
    if (row) now = {true, image_.assignee[*row], image_.due[*row], image_.completed[*row]};
    touch(before);
    touch(now);
    const bool moved = !now.present || now.assignee != before.assignee || now.due != before.due;
    if (before.present && moved)
      rows_.mode.push_back({mode_key(workspace_, user(before.assignee), before.due, id), std::nullopt});
    if (now.present) {
      rows_.mode.push_back({mode_key(workspace_, user(now.assignee), now.due, id), mode_value(image_.cell[*row])});
      rows_.list.push_back({list_key(workspace_, {id}), list_value(image_.task(*row))});
    } else if (before.present) {
      rows_.list.push_back({list_key(workspace_, {id}), std::nullopt});
    }
  }

  void counters() {
    for (const std::uint32_t number : users_) {
      const Image::OfUser& mine = image_.of_user[number];
      put(stats_key(workspace_, user(number)), stats_value(TotalCounts{mine.by_due.size(), mine.by_completed.size()}));
    }
    for (const auto& [number, day] : days_) {
      const Image::OfUser& mine = image_.of_user[number];
      const auto place = [](const OrderTree& tree, const Column<std::int64_t>& times, std::int64_t at) {
        return tree.partition([&](Row row) { return times[row] < at; });
      };
      const std::int64_t from = day * kDayMs;
      const auto due_from = place(mine.by_due, image_.due, from),
                 due_to = place(mine.by_due, image_.due, from + kDayMs);
      const auto due = [&](bool completed) {
        return static_cast<std::uint32_t>(mine.by_due.count(due_from, due_to, cells(completed), image_.cell.data()));
      };
      const auto completed = mine.by_completed.count(place(mine.by_completed, image_.completed, from),
                                                     place(mine.by_completed, image_.completed, from + kDayMs));
      put(stats_key(workspace_, user(number), day),
          stats_value(DayCounts{due(false), due(true), static_cast<std::uint32_t>(completed)}));
    }
  }

 private:
  [[nodiscard]] const Uuid* user(std::uint32_t number) const {
    return number == kNoUser ? nullptr : &image_.users[number].id;
  }
  void touch(const Baseline& state) {
    if (!state.present) return;
    users_.insert(state.assignee);
    if (state.due != kNoTime) days_.emplace(state.assignee, utc_day(state.due));
    if (state.completed != kNoTime) days_.emplace(state.assignee, utc_day(state.completed));
  }
  void put(std::string key, std::string value) {
    rows_.stats.push_back({std::move(key), value.empty() ? std::nullopt : std::optional(std::move(value))});
  }

  const Image& image_;
  WorkspaceNumber workspace_;
  ChangedRows& rows_;
  std::set<std::uint32_t> users_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> days_;
};

}  // namespace

void take_changed_rows(Image& image, WorkspaceNumber workspace, WorkspacePosition position, ChangedRows& rows) {
  Changes changes(image, workspace, rows);
  for (const auto& [id, before] : image.dirty) changes.task(id, before);
  changes.counters();
  rows.list.push_back({list_key(workspace), list_summary_value({position, image.tasks()})});
  image.dirty.clear();
}

}  // namespace taskledger::projections
