// The bytes a connection has received and not yet used, in one piece. Reused from request to request; views into it
// stay valid until the next prepare(), assign() or shrink().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace taskledger::http {

class InputBuffer {
 public:
  static constexpr std::size_t kUsual = 8 * 1024;  // what is kept for an idle connection
  static constexpr std::size_t kMinRead = 2 * 1024;
  static constexpr std::size_t kFree = 2 * kUsual;  // beyond this it is long

  [[nodiscard]] std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  // Room for at least kMinRead more bytes; may move what is there.
  std::span<char> prepare() {
    if (capacity_ - end_ < kMinRead) make_room();
    return {data_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t n) { end_ += n; }
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void assign(std::string_view bytes) {
    begin_ = end_ = 0;
    while (capacity_ < bytes.size() + kMinRead) make_room();
    if (!bytes.empty()) std::memcpy(data_.get(), bytes.data(), bytes.size());
    end_ = bytes.size();
  }
  // Between requests: gives back what one long head needed.
  void shrink() {
    if (empty() && capacity_ > kFree) data_.reset(), capacity_ = begin_ = end_ = 0;
  }

 private:
  void make_room() {
    const std::size_t used = size();
    if (begin_ && capacity_ - used >= kMinRead) {
      std::memmove(data_.get(), data_.get() + begin_, used);
    } else {
      const std::size_t larger = std::max(kUsual, capacity_ * 2);
      auto moved = std::make_unique_for_overwrite<char[]>(larger);
      if (used) std::memcpy(moved.get(), data_.get() + begin_, used);
      data_ = std::move(moved);
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = used;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace taskledger::http
