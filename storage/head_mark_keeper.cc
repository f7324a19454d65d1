#include "storage/head_mark_keeper.h"

#include <chrono>

namespace taskledger::storage {

HeadMarkKeeper::HeadMarkKeeper(std::filesystem::path file, std::function<std::optional<Head>()> durable_head)
    : file_(std::move(file)), durable_head_(std::move(durable_head)), thread_([this] { run(); }) {}

HeadMarkKeeper::~HeadMarkKeeper() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void HeadMarkKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    wake_.wait_for(lock, std::chrono::seconds(1), [&] { return closing_; });
    lock.unlock();
    advance();
    lock.lock();
  }
}

void HeadMarkKeeper::advance() {
  const auto head = durable_head_();
  if (!head || head->position <= written_) return;
  if (write_head_mark(file_, {head->position, head->hash})) written_ = head->position;
}

}  // namespace taskledger::storage
