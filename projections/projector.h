// The runner's own: what it is made of and what its threads do. See runner.h for the contract.
//
// Records come from the log's appender (the observer). A group that finds nothing before it and nobody in its way is
// applied at once on that thread, which saves two thread switches; large ones and others are queued for the projector
// thread. Whoever applies holds `applying_`. A third thread writes changed rows now and then, and evicts cold images,
// beside those who apply; a fourth rebuilds and checks (rebuild/maintenance.h).
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "projections/list/page_cache.h"
#include "projections/models.h"
#include "projections/notifications/notification_page.h"
#include "projections/order_builder.h"
#include "projections/rebuild/folded_log.h"
#include "projections/rebuild/maintenance.h"
#include "projections/record_queue.h"
#include "projections/runner.h"
#include "projections/waiters.h"

namespace taskledger::projections {

class Projector final : public Runner {
 public:
  Projector(storage::EventLog& log, storage::ViewStore& views, RunnerOptions options);
  ~Projector() override;

  Result<void, storage::ReadError> start() override;
  void stop() override;
  Result<void, storage::ReadError> persist() override;
  [[nodiscard]] std::optional<std::string> failure() const override;

  [[nodiscard]] Position passed() const override { return {passed_.load()}; }
  void when_passed(Position position, std::function<void()> done) override;
  std::uint64_t when_workspace_passed(WorkspaceNumber workspace, WorkspacePosition position,
                                      std::function<void()> done) override;
  void cancel_wait(std::uint64_t id) override { waiters_.cancel(id); }

  bool request_rebuild(std::string_view projection) override { return maintenance_.request_rebuild(projection); }
  bool request_check(std::string_view projection) override { return maintenance_.request_check(projection); }
  [[nodiscard]] std::optional<std::string> divergence() const override { return maintenance_.divergence(); }
  [[nodiscard]] MaintenanceFigures maintenance_figures() const override { return maintenance_.figures(); }

  [[nodiscard]] const Directory& directory() const override { return directory_; }
  [[nodiscard]] std::vector<ProjectionStatus> status() const override;
  [[nodiscard]] ImageFigures images() const override;
  [[nodiscard]] PageCacheFigures kept_pages() const override { return pages_.figures(); }
  void end_maintenance() override { maintenance_.stop(); }
  [[nodiscard]] bool rows_unwritten() const override { return unwritten_; }

  std::optional<ListPage> list_at_once(WorkspaceNumber workspace, const ListQuery& query) override;
  Result<ListPage, storage::ReadError> list(WorkspaceNumber workspace, const ListQuery& query) override;
  Result<TaskAnswer, storage::ReadError> task(WorkspaceNumber workspace, const TaskId& id, bool include_links) override;
  Result<StatsAnswer, storage::ReadError> stats(WorkspaceNumber workspace, const StatsQuery& query) override;
  Result<NotificationPage, storage::ReadError> notifications(WorkspaceNumber workspace,
                                                             const NotificationsQuery& query) override;
  Result<std::optional<NotificationPage>, storage::ReadError> notifications_at_once(
      WorkspaceNumber workspace, const NotificationsQuery& query) override;
  Result<std::optional<bool>, storage::ReadError> notification_unread(WorkspaceNumber workspace, const UserId& user,
                                                                      WorkspacePosition at) override;
  Result<std::uint64_t, storage::ReadError> unread_notifications(WorkspaceNumber workspace,
                                                                 const UserId& user) override;
  Result<void, storage::ReadError> read_image(
      WorkspaceNumber workspace, const std::function<void(const Image&, WorkspacePosition)>& visit) override;
  [[nodiscard]] bool is_loaded(WorkspaceNumber workspace) const override;
  [[nodiscard]] WorkspacePosition position(WorkspaceNumber workspace) const override;
  void purge_erased(std::function<void(Result<void, storage::ReadError>)> done) override;

 private:
  static constexpr const auto& kNames = kProjectionNames;
  [[nodiscard]] Result<NotificationPage, storage::ReadError> notifications_of(
      const WorkspaceImage& at, const NotificationsQuery& query, std::vector<ShownNotification>& shown) const;
  template <class Find>
  [[nodiscard]] std::optional<ListPage> page_of(WorkspaceImage& at, const ListQuery& query, const Find& find);
  enum class State { live, catching_up, rebuilding };

  // The log keeps its observer for good: it holds this, which lets go of the projector when that is destroyed.
  struct Link {
    std::mutex mutex;
    Projector* projector = nullptr;
  };

  void observe(std::span<const storage::Record> records);
  [[nodiscard]] bool is_free(std::span<const storage::Record> records);
  void run();
  // Under applying_.
  void apply(std::span<const storage::Record> records);
  Result<void, storage::ReadError> apply_run(std::span<const storage::Record> records);
  void write_rows_now_and_then();
  Result<void, storage::ReadError> persist_locked();  // under persisting_
  Result<void, storage::ReadError> purge_now();
  void fail(const std::string& what);

  Result<void, storage::ReadError> fold_directory();
  Result<void, storage::ReadError> open_generations();
  Result<void, storage::ReadError> build(const std::vector<std::size_t>& missing, Position to);
  Result<void, storage::ReadError> catch_up(Position head);

  // projector_rebuild.cc, on the maintenance thread.
  struct Beside;
  Result<void, storage::ReadError> rebuild(const std::vector<std::string>& names);
  Result<void, storage::ReadError> fold_beside(FoldedLog& folded);
  Result<void, storage::ReadError> follow(Beside& beside, std::uint64_t to);
  Result<void, storage::ReadError> swap(Beside& beside, const std::vector<std::string>& names);
  Result<Maintenance::Checked, storage::ReadError> check(const std::vector<std::string>& names, bool slow);
  void await_passed(Position position) const;
  Result<Maintenance::Checked, storage::ReadError> compare_with(const std::vector<std::string>& names,
                                                                FoldedLog& folded);

  storage::EventLog& log_;
  storage::ViewStore& views_;
  const RunnerOptions options_;
  Generations generations_{};
  Directory directory_;
  Position directory_position_;  // of the system records folded
  mutable Models models_;
  Workspaces& workspaces_ = models_.workspaces;
  Notifications& notifications_ = models_.notifications;
  OrderBuilder orders_{workspaces_};
  PageCache pages_;
  Waiters waiters_;
  RecordQueue queue_;
  std::mutex applying_, persisting_;  // persisting_ first
  std::atomic<std::uint64_t> passed_{0}, checkpoint_{0}, target_{0}, started_at_{0};
  std::atomic<double> rate_{0};
  std::atomic<State> state_{State::catching_up};
  std::atomic<bool> started_{false}, stopping_{false}, has_failed_{false};
  std::atomic<bool> unwritten_{false};  // the last rows could not be written, and are tried again
  std::atomic<bool> rows_end_{false};   // a new generation is on disk, which what is in memory does not belong to
  mutable std::mutex failure_mutex_;
  std::optional<std::string> failure_;
  std::size_t rows_since_flush_ = 0;
  std::atomic<std::chrono::steady_clock::time_point> persisted_at_{};
  std::chrono::steady_clock::time_point flushed_at_ = std::chrono::steady_clock::now();
  std::condition_variable ending_;
  std::mutex ending_mutex_;
  std::thread thread_, writer_;
  Maintenance maintenance_;
  std::shared_ptr<Link> link_ = std::make_shared<Link>();
};

}  // namespace taskledger::projections
