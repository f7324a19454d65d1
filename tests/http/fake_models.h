// The read models as naively as they can be written: every task in a map, every answer by looking at all of them with
// core's `matches` and `compare`. For tests of the API alone.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "commands/task_stream.h"
#include "core/decider.h"
#include "projections/runner.h"

namespace taskledger::http::test {

class FakeModels final : public projections::Runner {
 public:
  explicit FakeModels(storage::EventLog& log) {
    log.observe([this](std::span<const storage::Record> records) {
      for (const auto& record : records) apply(record);
    });
  }

  std::optional<projections::ListPage> list_at_once(WorkspaceNumber workspace, const ListQuery& query) override {
    if (!query.search.empty() || broken) return std::nullopt;
    return *list(workspace, query);
  }
  Result<projections::ListPage, storage::ReadError> list(WorkspaceNumber workspace, const ListQuery& query) override {
    if (broken) return storage::ReadError{"table 7 is damaged"};
    std::vector<const taskledger::Task*> found;
    for (const auto& [id, task] : tasks_[workspace]) {
      if (matches(query, task)) found.push_back(&task);
    }
    std::sort(found.begin(), found.end(), [&](const auto* a, const auto* b) {
      return compare(sort_position(*a, query.order), sort_position(*b, query.order), query.order) < 0;
    });
    projections::ListPage page;
    std::string rows;
    page.total = found.size();
    page.position = position(workspace);
    std::uint32_t count = 0;
    const taskledger::Task* last = nullptr;
    for (const auto* task : found) {
      if (query.after && compare(sort_position(*task, query.order), *query.after, query.order) <= 0) continue;
      if (count == query.limit) {
        page.next = sort_position(*last, query.order);
        break;
      }
      if (count++ > 0) rows += ',';
      append_task_json(rows, *task);
      last = task;
    }
    page.rows = std::make_shared<const std::string>(std::move(rows));
    return page;
  }
  void purge_erased(std::function<void(Result<void, storage::ReadError>)> done) override {
    ++purges;
    const auto purged = purge_fails ? Result<void, storage::ReadError>(storage::ReadError{"disk full"})
                                    : Result<void, storage::ReadError>();
    if (!hold_purge) return done(purged);
    hold_purge([done = std::move(done), purged] { done(purged); });
  }
  std::function<void(std::function<void()>)> hold_purge;  // is given what ends it
  int purges = 0;
  bool purge_fails = false;
  Result<void, storage::ReadError> read_image(
      WorkspaceNumber, const std::function<void(const projections::Image&, WorkspacePosition)>&) override {
    return storage::ReadError{"there are no images here"};
  }
  Result<projections::TaskAnswer, storage::ReadError> task(WorkspaceNumber workspace, const TaskId& id,
                                                           bool include_links) override {
    projections::TaskAnswer answer;
    answer.position = position(workspace);
    const auto found = tasks_[workspace].find(id);
    if (found == tasks_[workspace].end() || found->second.lifecycle != Lifecycle::live) return answer;
    append_task_json(answer.json, found->second);
    if (include_links) {
      answer.json.pop_back();
      answer.json += R"(,"linked_entities":)";
      append_links_json(answer.json, found->second.fields.links);
      answer.json += '}';
    }
    answer.version = found->second.version;
    return answer;
  }
  Result<projections::StatsAnswer, storage::ReadError> stats(WorkspaceNumber workspace,
                                                             const StatsQuery& query) override {
    projections::StatsAnswer answer;
    answer.position = position(workspace);
    const auto within = [](const TimeRange& range, Timestamp at) { return range.begin <= at && at < range.end; };
    for (const auto& [id, task] : tasks_[workspace]) {
      if (task.lifecycle != Lifecycle::live || (query.user && task.fields.assigned_to != query.user)) continue;
      auto& stats = answer.stats;
      const auto due = task.fields.due_date;
      ++stats.total;
      stats.completed += task.is_completed();
      stats.completed_today += task.completed_at && within(query.day, *task.completed_at);
      stats.remaining_today += !task.is_completed() && due && within(query.day, *due);
      stats.overdue += !task.is_completed() && due && *due < query.now;
      stats.this_week += due && within(query.week, *due);
    }
    return answer;
  }
  // None: the real read models are asked in the tests of notifications.
  Result<projections::NotificationPage, storage::ReadError> notifications(
      WorkspaceNumber workspace, const projections::NotificationsQuery&) override {
    projections::NotificationPage page;
    page.position = position(workspace);
    return page;
  }
  Result<std::optional<projections::NotificationPage>, storage::ReadError> notifications_at_once(
      WorkspaceNumber workspace, const projections::NotificationsQuery& query) override {
    if (!loaded) return std::optional<projections::NotificationPage>();
    return std::optional(*notifications(workspace, query));
  }
  Result<std::optional<bool>, storage::ReadError> notification_unread(WorkspaceNumber, const UserId&,
                                                                      WorkspacePosition) override {
    return std::optional<bool>();
  }
  Result<std::uint64_t, storage::ReadError> unread_notifications(WorkspaceNumber, const UserId&) override { return 0; }
  bool is_loaded(WorkspaceNumber) const override { return loaded; }
  bool loaded = true;
  WorkspacePosition position(WorkspaceNumber workspace) const override {
    const auto found = positions_.find(workspace);
    return found == positions_.end() ? WorkspacePosition{} : found->second;
  }

  Result<void, storage::ReadError> start() override { return {}; }
  void stop() override {}
  Result<void, storage::ReadError> persist() override { return {}; }
  std::optional<std::string> failure() const override {
    return broken ? std::optional<std::string>("a table is damaged") : std::nullopt;
  }
  Position passed() const override { return passed_; }
  void when_passed(Position, std::function<void()> done) override { done(); }
  std::uint64_t when_workspace_passed(WorkspaceNumber, WorkspacePosition position,
                                      std::function<void()> done) override {
    waits.push_back({position, std::move(done)});
    if (on_wait) on_wait();
    return waits.size();
  }
  void cancel_wait(std::uint64_t) override {}
  const projections::Directory& directory() const override { return directory_; }
  std::vector<projections::ProjectionStatus> status() const override { return statuses; }
  bool request_rebuild(std::string_view projection) override { return ask("rebuild ", projection); }
  bool request_check(std::string_view projection) override { return ask("check ", projection); }
  std::optional<std::string> divergence() const override { return diverged; }
  projections::MaintenanceFigures maintenance_figures() const override { return {}; }

  std::vector<projections::ProjectionStatus> statuses;
  std::vector<std::string> asked;  // "rebuild list" …
  std::optional<std::string> diverged;

  // Called when a request has begun to wait for a position.
  std::function<void()> on_wait;
  std::vector<std::pair<WorkspacePosition, std::function<void()>>> waits;
  bool broken = false;

 private:
  bool ask(std::string what, std::string_view projection) {
    for (const auto& status : statuses) {
      if (status.name != projection) continue;
      asked.push_back(what.append(projection));
      return true;
    }
    return false;
  }
  void apply(const storage::Record& record) {
    passed_ = record.position;
    if (record.type == storage::kSystemRecord) return static_cast<void>(directory_.apply(record));
    auto& task = tasks_[record.workspace][TaskId{record.stream}];
    evolve(task, TaskId{record.stream}, record.version, record.time, record.actor, *commands::event_of(record));
    positions_[record.workspace] = record.in_workspace;
    const auto waiting = std::exchange(waits, {});
    for (const auto& [position, done] : waiting) {
      if (position <= record.in_workspace) done();
    }
  }

  projections::Directory directory_;
  Position passed_;
  std::map<WorkspaceNumber, WorkspacePosition> positions_;
  std::map<WorkspaceNumber, std::map<TaskId, taskledger::Task>> tasks_;
};

}  // namespace taskledger::http::test
