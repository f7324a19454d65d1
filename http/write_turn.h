// Answers that became ready in one turn of an io thread are written one right after the other: the first write wakes
// the peer, which then is awake for the rest. Written each as it is ready, under load every one of them would pay for a
// wake-up of another processor. An answer waits for at most kMost - 1 others, or for what was ready to be read when it
// was.
// Threads: of its shard.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace taskledger::http {

class WriteTurn {
 public:
  static constexpr std::size_t kMost = 4;

  class Writer {
   public:
    virtual void write_in_turn() = 0;  // must not throw, nor resume anything

   protected:
    ~Writer() = default;
  };

  // The writer stays until it has written: at once when the last answer was its own too, or by kMost; else in flush(),
  // which it calls when all that was ready to be read has been.
  void add(Writer& writer) {
    waiting_[count_++] = &writer;
    if (std::exchange(last_, &writer) == &writer || count_ == kMost) flush();
  }
  void flush() {
    for (std::size_t i = 0; i < count_; ++i) waiting_[i]->write_in_turn();
    count_ = 0;
  }

 private:
  std::array<Writer*, kMost> waiting_{};
  std::size_t count_ = 0;
  const Writer* last_ = nullptr;  // only compared
};

}  // namespace taskledger::http
