// Advances the head mark in the background, about once a second while the head moves, and when it stops.
// Failure: an older mark is still a true one, so writing goes on; what is wrong is logged now and then, and told once
// it has lasted. Threads: any.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/now_and_then.h"
#include "core/periodic.h"
#include "storage/head_mark.h"

namespace taskledger::storage {

class HeadMarkKeeper {
 public:
  // `durable_head`: makes sure that what it returns is on disk (nullopt: it cannot, leave the mark).
  // `patience`: how long the mark may stay behind before that is trouble.
  HeadMarkKeeper(std::filesystem::path file, std::function<std::optional<Head>()> durable_head,
                 std::chrono::steady_clock::duration patience = std::chrono::seconds(5));
  ~HeadMarkKeeper();
  // Why the mark stays behind; nullopt: it does not, or not for long.
  [[nodiscard]] std::optional<std::string> trouble() const;

 private:
  struct Behind {
    std::chrono::steady_clock::time_point since;
    std::string why;
  };
  void advance();
  const std::filesystem::path file_;
  const std::function<std::optional<Head>()> durable_head_;
  const std::chrono::steady_clock::duration patience_;
  Position written_;
  NowAndThen told_;
  mutable std::mutex mutex_;
  std::optional<Behind> behind_;
  std::optional<Periodic> periodic_;
};

}  // namespace taskledger::storage
