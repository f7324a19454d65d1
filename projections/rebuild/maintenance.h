// Rebuilds and checks of the projections of one runner: who asked for what, what is under way, what came of it; and the
// thread that does one after the other, and a check of its own now and then.
// Threads: any; start() and stop() once, from the owner. The jobs run on the thread of this.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "projections/models.h"
#include "projections/rebuild/check.h"
#include "projections/runner.h"

namespace taskledger::projections {

class Maintenance {
 public:
  struct Checked {
    Position position;
    std::vector<Compared> of;  // in the order asked for
    [[nodiscard]] bool differs() const {
      return std::any_of(of.begin(), of.end(), [](const Compared& one) { return one.differences != 0; });
    }
  };
  struct Jobs {
    std::function<Result<void, storage::ReadError>(const std::vector<std::string>& names)> rebuild;
    // `slow`: it takes its time.
    std::function<Result<Checked, storage::ReadError>(const std::vector<std::string>& names, bool slow)> check;
  };
  Maintenance(Jobs jobs, std::chrono::milliseconds self_check_interval)
      : jobs_(std::move(jobs)), interval_(self_check_interval) {}
  ~Maintenance() { stop(); }

  void start();
  // A job under way sees stopping() and gives up.
  void stop();
  [[nodiscard]] bool stopping() const { return stopping_; }

  bool request_rebuild(std::string_view projection);
  bool request_check(std::string_view projection);
  // Fills in what is known of the projection here.
  void describe(std::size_t projection, ProjectionStatus& status) const;
  [[nodiscard]] std::optional<std::string> divergence() const;
  [[nodiscard]] MaintenanceFigures figures() const;

  // Calls `done`, which must not block, once a rebuild that is under way has ended, on the thread of this; within the
  // call where none is. `stopped`: no rebuild ends any more.
  void after_rebuild(std::function<void(bool stopped)> done);

  // Told by the jobs.
  void progress(double fraction, double events_per_second) {
    fraction_ = fraction;
    rate_ = events_per_second;
  }
  void wait(std::chrono::nanoseconds time);  // less when stopping

 private:
  using Chosen = std::array<bool, kProjections>;
  void run();
  void tell_waiters();
  void rebuild(const Chosen& chosen);
  void check(const Chosen& chosen, bool slow);

  const Jobs jobs_;
  const std::chrono::milliseconds interval_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Chosen to_rebuild_{}, to_check_{}, rebuilding_{};
  std::vector<std::function<void(bool)>> waiters_;  // of after_rebuild()
  std::array<CheckStatus, kProjections> checks_;
  std::array<std::string, kProjections> failures_;
  MaintenanceFigures figures_;
  std::atomic<double> fraction_{0}, rate_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace taskledger::projections
