// What happens again and again is told at once, and then now and then only: each text by itself.
// Threads: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace taskledger {

class NowAndThen {
 public:
  explicit NowAndThen(std::chrono::steady_clock::duration interval = std::chrono::minutes(1)) : interval_(interval) {}

  // Whether `text` is to be told now; who is told yes tells it.
  [[nodiscard]] bool is_due(const std::string& text) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    const auto found = told_.find(text);
    if (found != told_.end() && now - found->second < interval_) return false;
    if (told_.size() >= kMostTexts) told_.clear();
    told_[text] = now;
    return true;
  }

 private:
  static constexpr std::size_t kMostTexts = 64;
  const std::chrono::steady_clock::duration interval_;
  std::mutex mutex_;
  std::map<std::string, std::chrono::steady_clock::time_point> told_;
};

}  // namespace taskledger
