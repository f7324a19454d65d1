#include "storage/head_mark_keeper.h"

#include <chrono>

namespace taskledger::storage {

HeadMarkKeeper::HeadMarkKeeper(std::filesystem::path file, std::function<std::optional<Head>()> durable_head)
    : file_(std::move(file)), durable_head_(std::move(durable_head)) {
  periodic_.emplace("head-mark", std::chrono::seconds(1), [this] { advance(); });
}

HeadMarkKeeper::~HeadMarkKeeper() {
  periodic_.reset();
  advance();
}

void HeadMarkKeeper::advance() {
  const auto head = durable_head_();
  if (!head || head->position <= written_) return;
  if (write_head_mark(file_, {head->position, head->hash})) written_ = head->position;
}

}  // namespace taskledger::storage
