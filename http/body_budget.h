// The memory of request bodies that are being received, of all connections together: each may be within its own limit,
// and all of them at once be too much; and of heads longer than what every connection has room for. A body that came
// with its head costs nothing here, as its buffer is there anyway. Threads: any; a BodyShare belongs to its connection.
#pragma once

#include <atomic>
#include <cstddef>

namespace taskledger::http {

class BodyBudget {
 public:
  explicit BodyBudget(std::size_t most) : most_(most) {}

  [[nodiscard]] bool take(std::size_t bytes) {
    if (taken_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most_) return true;
    give(bytes);
    return false;
  }
  [[nodiscard]] std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }
  void give(std::size_t bytes) { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_{0};
};

// What one connection has taken of it; given back when the request is done, or with the connection.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { release(); }

  // To have `bytes` in all; false: too much is taken by all, and this one has what it had.
  [[nodiscard]] bool grow_to(std::size_t bytes) {
    if (bytes <= mine_) return true;
    if (!budget_.take(bytes - mine_)) return false;
    mine_ = bytes;
    return true;
  }
  void release() {
    if (mine_ != 0) budget_.give(mine_);
    mine_ = 0;
  }

 private:
  BodyBudget& budget_;
  std::size_t mine_ = 0;
};

// Of all connections together.
struct ReceiveBudgets {
  explicit ReceiveBudgets(std::size_t most) : bodies(most), heads(most / 4) {}
  [[nodiscard]] std::size_t taken() const { return bodies.taken() + heads.taken(); }
  BodyBudget bodies;
  BodyBudget heads;  // apart: whoever sends them is not known yet, and must not take the room of bodies
};

}  // namespace taskledger::http
