// Growable arrays of plain values, and lists of them by row: the stuff that images are made of. Growth is by an eighth
// and by realloc (large blocks are remapped, not copied), since at a million rows a doubling would show.
// Threads: as a std::vector. Failure: std::bad_alloc.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "projections/image/prefetch.h"

namespace taskledger::projections {

template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() = default;
  ~Column() { std::free(data_); }
  Column(Column&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Column& operator=(Column&& other) noexcept {
    std::swap(data_, other.data_), std::swap(size_, other.size_), std::swap(capacity_, other.capacity_);
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return capacity_ * sizeof(T); }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  T& operator[](std::size_t at) { return data_[at]; }
  const T& operator[](std::size_t at) const { return data_[at]; }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    void* grown = std::realloc(static_cast<void*>(data_), capacity * sizeof(T));
    if (grown == nullptr) throw std::bad_alloc();
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
    // Rows are looked up all over a column: with pages of 2 MB the processor finds them without walking page tables.
    constexpr std::size_t kHuge = std::size_t{2} << 20;
    void* from = data_;
    std::size_t bytes = capacity_ * sizeof(T);
    if (std::align(kHuge, kHuge, from, bytes) != nullptr)
      ::madvise(from, bytes / kHuge * kHuge, MADV_HUGEPAGE);  // or not: it is a wish
  }
  // New values are zero.
  void resize(std::size_t size) {
    grow(size);
    if (size > size_) std::memset(static_cast<void*>(data_ + size_), 0, (size - size_) * sizeof(T));
    size_ = size;
  }
  // New values are anything.
  void resize_unset(std::size_t size) {
    grow(size);
    size_ = size;
  }
  void push_back(T value) {
    grow(size_ + 1);
    data_[size_++] = value;
  }
  // Appends the values of another column at these places.
  void append(const Column& from, std::span<const std::uint32_t> places) {
    grow(size_ + places.size());
    for (const std::uint32_t place : places) data_[size_++] = from.data_[place];
  }
  // Replaces the values [from, to) by others; `with` is not of this column.
  void replace(std::size_t from, std::size_t to, std::span<const T> with) {
    const std::size_t size = size_ - (to - from) + with.size();
    grow(size);
    if (size != size_ && to != size_) {
      std::memmove(static_cast<void*>(data_ + from + with.size()), data_ + to, (size_ - to) * sizeof(T));
    }
    if (!with.empty()) std::memcpy(static_cast<void*>(data_ + from), with.data(), with.size() * sizeof(T));
    size_ = size;
  }

 private:
  void grow(std::size_t size) {
    if (size > capacity_) reserve(std::max(size, capacity_ + capacity_ / 8 + 16));
  }

  T* data_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

// A list of values for each row, all lists of 256 rows one after the other: contiguous to scan, without garbage, and a
// change moves a few kilobytes at most.
template <class T>
class RowLists {
 public:
  static constexpr std::size_t kRows = 256;
  struct Block {
    Column<T> values;
    std::uint32_t start[kRows + 1] = {};
  };

  [[nodiscard]] std::span<const T> operator[](std::uint32_t row) const {
    const Block& block = *blocks_[row / kRows];
    const std::size_t at = row % kRows;
    return {block.values.data() + block.start[at], block.start[at + 1] - block.start[at]};
  }
  // Have the processor fetch what operator[] will look at, and then, once that is there, the values.
  TASKLEDGER_INLINED void prefetch(std::uint32_t row) const {
    const Block& block = *blocks_[row / kRows];
    prefetch_line(&block.values);
    prefetch_line(&block.start[row % kRows]);
  }
  TASKLEDGER_INLINED void prefetch_values(std::uint32_t row) const {
    const auto values = (*this)[row];
    prefetch_line(values.data());
    if (values.size_bytes() > 1) prefetch_line(values.data() + values.size() - 1);
  }
  void set(std::uint32_t row, std::span<const T> values) {
    while (blocks_.size() <= row / kRows) blocks_.push_back(std::make_unique<Block>());
    Block& block = *blocks_[row / kRows];
    const std::size_t at = row % kRows;
    const std::uint32_t before = block.start[at + 1] - block.start[at];
    const std::size_t bytes = block.values.bytes();
    block.values.replace(block.start[at], block.start[at + 1], values);
    bytes_ += block.values.bytes() - bytes;
    const std::uint32_t shift = static_cast<std::uint32_t>(values.size()) - before;  // modulo 2^32
    if (shift != 0) {
      for (std::size_t i = at + 1; i <= kRows; ++i) block.start[i] += shift;
    }
  }
  // Appends the lists of these rows of another as those of the rows from `row` on, which is the number of rows so far.
  void append(std::uint32_t row, const RowLists& from, std::span<const std::uint32_t> rows) {
    Block* block = row % kRows == 0 ? nullptr : blocks_.back().get();
    std::size_t at = row % kRows;
    for (const std::uint32_t copied : rows) {
      if (block == nullptr) {
        block = blocks_.emplace_back(std::make_unique<Block>()).get();
        block->values.reserve(from.blocks_[copied / kRows]->values.size());  // of about the same size, mostly
        bytes_ += block->values.bytes();
        at = 0;
      }
      const std::span<const T> values = from[copied];
      const std::size_t bytes = block->values.bytes(), size = block->values.size();
      block->values.replace(size, size, values);
      bytes_ += block->values.bytes() - bytes;
      block->start[++at] = static_cast<std::uint32_t>(size + values.size());
      if (at == kRows) block = nullptr;
    }
    if (block != nullptr) std::fill(block->start + at + 1, block->start + kRows + 1, block->start[at]);
  }
  // For many rows at once: room for them, whose lists are then given for all rows of a block together, `first` being
  // its first row: list i is values[ends[i], ends[i + 1]). Several threads may fill different blocks; count_bytes()
  // once all have.
  void resize(std::uint32_t rows) { blocks_.resize((rows + kRows - 1) / kRows); }
  void fill(std::uint32_t first, std::span<const T> values, std::span<const std::uint32_t> ends) {
    auto block = std::make_unique<Block>();
    block->values.reserve(values.size());
    block->values.replace(0, 0, values);
    std::copy(ends.begin(), ends.end(), block->start);
    std::fill(block->start + ends.size(), block->start + kRows + 1, ends.back());
    blocks_[first / kRows] = std::move(block);
  }
  void count_bytes() {
    bytes_ = 0;
    for (const auto& block : blocks_) bytes_ += block->values.bytes();
  }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  [[nodiscard]] const Block& block(std::size_t at) const { return *blocks_[at]; }
  [[nodiscard]] std::size_t bytes() const { return bytes_ + blocks_.size() * (sizeof(Block) + sizeof(void*) + 16); }

 private:
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t bytes_ = 0;
};

}  // namespace taskledger::projections
