// Advances the head mark in the background, about once a second while the head moves, and when it stops.
// A failure to write the mark is ignored: an older mark is still a true one.
#pragma once

#include <filesystem>
#include <functional>

#include "core/periodic.h"
#include "storage/head_mark.h"

namespace taskledger::storage {

class HeadMarkKeeper {
 public:
  // `durable_head`: makes sure that what it returns is on disk (nullopt: it cannot, leave the mark).
  HeadMarkKeeper(std::filesystem::path file, std::function<std::optional<Head>()> durable_head);
  ~HeadMarkKeeper();

 private:
  void advance();
  const std::filesystem::path file_;
  const std::function<std::optional<Head>()> durable_head_;
  Position written_;
  std::optional<Periodic> periodic_;
};

}  // namespace taskledger::storage
