// When the next group of commits may begin. A group costs about the same processor time whether it holds one commit or
// twenty: the sync, waking who waits for it, whatever is read anew because something changed. Where requests that write
// nothing keep the threads busy that answer them, that time is theirs, and a commit that waits for others gives it
// back: there, and nowhere else, groups begin some time apart, or as soon as most of those threads have nothing to do.
// Writers among themselves wait for nobody.
// Threads: the appender's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/request_load.h"

namespace taskledger::storage {

class GroupPace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `load` may be null: groups never wait then.
  GroupPace(std::chrono::microseconds apart, std::shared_ptr<RequestLoad> load)
      : apart_(apart), load_(std::move(load)) {}

  // How long the next group should wait at `now`, at most; 0: begin.
  [[nodiscard]] std::chrono::nanoseconds hold(Time now) const {
    const std::chrono::nanoseconds since = now - begun_;
    const bool mostly_others = recently_answered_ >= (1 + kOthers) * recently_written_;
    return load_ != nullptr && mostly_others && since < apart_ ? apart_ - since : std::chrono::nanoseconds{};
  }
  // Waits where it should.
  void wait() const {
    const auto most = hold(std::chrono::steady_clock::now());
    if (most.count() > 0) load_->wait_until_idle(most);
  }
  // A group of `commits` begins.
  void begin(Time now, std::size_t commits) {
    begun_ = now;
    if (load_ == nullptr) return;
    const std::uint64_t answered = load_->answered();
    const auto written = static_cast<double>(commits), all = static_cast<double>(answered - answered_);
    recently_answered_ += std::min(all, kMost * written) - recently_answered_ / kGroups;
    recently_written_ += written - recently_written_ / kGroups;
    answered_ = answered;
  }

 private:
  static constexpr double kOthers = 4;   // requests that write nothing, for each commit
  static constexpr double kMost = 20;    // requests that count for each: long pauses between groups weigh no more
  static constexpr double kGroups = 16;  // "recently": answers come a group or two after their commits

  const std::chrono::nanoseconds apart_;
  const std::shared_ptr<RequestLoad> load_;
  Time begun_;                                           // the last group
  std::uint64_t answered_ = 0;                           // when it began
  double recently_answered_ = 0, recently_written_ = 0;  // requests, commits; later groups weigh more
};

}  // namespace taskledger::storage
