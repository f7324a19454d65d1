#include "storage/head_mark_keeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace taskledger::storage {

HeadMarkKeeper::HeadMarkKeeper(std::filesystem::path file, std::function<std::optional<Head>()> durable_head,
                               std::chrono::steady_clock::duration patience)
    : file_(std::move(file)), durable_head_(std::move(durable_head)), patience_(patience) {
  periodic_.emplace("head-mark", std::chrono::seconds(1), [this] { advance(); });
}

HeadMarkKeeper::~HeadMarkKeeper() {
  periodic_.reset();
  advance();
}

std::optional<std::string> HeadMarkKeeper::trouble() const {
  const std::lock_guard lock(mutex_);
  if (!behind_ || std::chrono::steady_clock::now() - behind_->since < patience_) return std::nullopt;
  return behind_->why;
}

void HeadMarkKeeper::advance() {
  const auto head = durable_head_();
  if (!head || head->position <= written_) return;
  const auto written = write_head_mark(file_, {head->position, head->hash});
  const std::lock_guard lock(mutex_);
  if (written) {
    written_ = head->position;
    behind_.reset();
    return;
  }
  if (!behind_) behind_ = Behind{std::chrono::steady_clock::now(), {}};
  behind_->why = fmt::format("The head mark cannot be written: {}", written.error().what);
  if (told_.is_due(behind_->why)) spdlog::error("a lost end of the log would not show: {}", behind_->why);
}

}  // namespace taskledger::storage
