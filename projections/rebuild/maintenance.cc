#include "projections/rebuild/maintenance.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/named_thread.h"
#include "projections/rebuild/team.h"

namespace taskledger::projections {

namespace {

std::optional<std::size_t> number_of(std::string_view projection) {
  const auto found = std::find(kProjectionNames.begin(), kProjectionNames.end(), projection);
  if (found == kProjectionNames.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kProjectionNames.begin());
}

template <class Chosen>
std::vector<std::string> names_of(const Chosen& chosen) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kProjections; ++i) {
    if (chosen[i]) names.emplace_back(kProjectionNames[i]);
  }
  return names;
}

template <class Chosen>
bool any(const Chosen& chosen) {
  return std::find(chosen.begin(), chosen.end(), true) != chosen.end();
}

}  // namespace

void Maintenance::start() {
  thread_ = named_thread("maintenance", [this] { run(); });
}

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Maintenance::request_rebuild(std::string_view projection) {
  const auto number = number_of(projection);
  if (!number) return false;
  const std::lock_guard lock(mutex_);
  to_rebuild_[*number] = true;
  failures_[*number].clear();
  changed_.notify_all();
  return true;
}

bool Maintenance::request_check(std::string_view projection) {
  const auto number = number_of(projection);
  if (!number) return false;
  const std::lock_guard lock(mutex_);
  to_check_[*number] = true;
  checks_[*number] = {};
  checks_[*number].state = CheckStatus::State::waiting;
  changed_.notify_all();
  return true;
}

void Maintenance::after_rebuild(std::function<void(bool stopped)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && any(rebuilding_)) {
      waiters_.push_back(std::move(done));
      return;
    }
  }
  done(stopping_);
}

void Maintenance::tell_waiters() {
  std::vector<std::function<void(bool)>> waiters;
  {
    const std::lock_guard lock(mutex_);
    waiters.swap(waiters_);
  }
  for (const auto& done : waiters) done(stopping_);
}

void Maintenance::run() {
  step_back();
  auto next_own = std::chrono::steady_clock::now() + interval_;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto wanted = [&] { return stopping_ || any(to_rebuild_) || any(to_check_); };
    if (interval_.count() > 0) {
      changed_.wait_until(lock, next_own, wanted);
    } else {
      changed_.wait(lock, wanted);
    }
    if (stopping_) return;
    if (any(to_rebuild_)) {
      rebuilding_ = std::exchange(to_rebuild_, {});
      lock.unlock();
      rebuild(rebuilding_);
      lock.lock();
      rebuilding_ = {};
      lock.unlock();
      tell_waiters();
      lock.lock();
    } else if (any(to_check_)) {
      const Chosen chosen = std::exchange(to_check_, {});
      lock.unlock();
      check(chosen, false);
      lock.lock();
    } else {
      lock.unlock();
      check({true, true, true, true}, true);
      lock.lock();
      next_own = std::chrono::steady_clock::now() + interval_;
    }
  }
}

void Maintenance::rebuild(const Chosen& chosen) {
  progress(0, 0);
  const auto done = jobs_.rebuild(names_of(chosen));
  if (!done && stopping_) return;
  if (!done) spdlog::error("read models could not be rebuilt: {}", done.error().what);
  const std::lock_guard lock(mutex_);
  ++(done ? figures_.rebuilds : figures_.failed_rebuilds);
  for (std::size_t i = 0; i < kProjections; ++i) {
    if (!chosen[i]) continue;
    failures_[i] = done ? std::string() : done.error().what;
    if (done && checks_[i].state == CheckStatus::State::different) checks_[i] = {};  // it was of what is gone
  }
}

void Maintenance::check(const Chosen& chosen, bool slow) {
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < kProjections; ++i) {
      if (chosen[i] && !slow) checks_[i].state = CheckStatus::State::running;
    }
  }
  const std::vector<std::string> names = names_of(chosen);
  const auto done = jobs_.check(names, slow);
  if (!done && stopping_) return;
  if (!done) spdlog::error("read models could not be checked: {}", done.error().what);
  const std::lock_guard lock(mutex_);
  ++(done ? figures_.checks : figures_.failed_checks);
  std::size_t at = 0;
  for (std::size_t i = 0; i < kProjections; ++i) {
    if (!chosen[i]) continue;
    CheckStatus& status = checks_[i];
    if (!done) {
      if (status.state == CheckStatus::State::different) continue;  // known before, and not refuted
      status.state = CheckStatus::State::failed;
      status.failure = done.error().what;
      continue;
    }
    const Compared& found = done->of[at++];
    status = {found.differences == 0 ? CheckStatus::State::ok : CheckStatus::State::different,
              done->position,
              found.rows,
              found.differences,
              found.first,
              {}};
    figures_.rows_checked += found.rows;
    figures_.differences += found.differences;
    for (const std::string& what : found.first) spdlog::critical("a read model differs from the log: {}", what);
  }
}

void Maintenance::describe(std::size_t projection, ProjectionStatus& status) const {
  const std::lock_guard lock(mutex_);
  status.check = checks_[projection];
  status.failure = failures_[projection];
  if (!rebuilding_[projection] && !to_rebuild_[projection]) return;
  status.state = "rebuilding";
  status.progress = rebuilding_[projection] ? fraction_.load() : 0;
  status.events_per_second = rebuilding_[projection] ? rate_.load() : 0;
}

std::optional<std::string> Maintenance::divergence() const {
  const std::lock_guard lock(mutex_);
  for (const CheckStatus& status : checks_) {
    if (status.state == CheckStatus::State::different) return status.first.front();
  }
  return std::nullopt;
}

MaintenanceFigures Maintenance::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void Maintenance::wait(std::chrono::nanoseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return stopping_.load(); });
}

}  // namespace taskledger::projections
