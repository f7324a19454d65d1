// From a UUID to a number, for numbers whose UUIDs are kept elsewhere: an open-addressing table of the numbers alone.
// The hash is seeded at random, since callers choose many of the ids.
// Threads: as a container.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "core/ids.h"
#include "projections/image/prefetch.h"

namespace taskledger::projections {

struct UuidWords {
  std::uint64_t high, low;  // as numbers: their order is the order of the bytes
  friend auto operator<=>(const UuidWords&, const UuidWords&) = default;
};
[[nodiscard]] inline UuidWords words_of(const Uuid& uuid) {
  UuidWords words;
  std::memcpy(&words, uuid.bytes.data(), sizeof words);
  if constexpr (std::endian::native == std::endian::little) {
    words.high = __builtin_bswap64(words.high);
    words.low = __builtin_bswap64(words.low);
  }
  return words;
}
[[nodiscard]] inline Uuid uuid_of(UuidWords words) {
  if constexpr (std::endian::native == std::endian::little) {
    words.high = __builtin_bswap64(words.high);
    words.low = __builtin_bswap64(words.low);
  }
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), &words, sizeof words);
  return uuid;
}
[[nodiscard]] inline bool uuid_less(const Uuid& a, const Uuid& b) { return words_of(a) < words_of(b); }
[[nodiscard]] inline bool uuid_equal(const Uuid& a, const Uuid& b) {
  return std::memcmp(a.bytes.data(), b.bytes.data(), 16) == 0;
}

class UuidIndex {
 public:
  UuidIndex();
  [[nodiscard]] std::size_t bytes() const { return slots_.size() * sizeof(std::uint32_t); }

  // `uuid_at(number)` is the UUID of a number that is in the table.
  template <class At>
  [[nodiscard]] std::optional<std::uint32_t> find(const Uuid& uuid, const At& uuid_at) const {
    if (slots_.empty()) return std::nullopt;
    for (std::size_t slot = hash(uuid) & mask();; slot = (slot + 1) & mask()) {
      if (slots_[slot] == kEmpty) return std::nullopt;
      if (uuid_equal(uuid_at(slots_[slot]), uuid)) return slots_[slot];
    }
  }
  // Has the processor fetch what find() will look at.
  TASKLEDGER_INLINED void prefetch(const Uuid& uuid) const {
    if (!slots_.empty()) prefetch_line(&slots_[hash(uuid) & mask()]);
  }
  // The number that find() will most likely look at first.
  [[nodiscard]] std::optional<std::uint32_t> likely(const Uuid& uuid) const {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t number = slots_[hash(uuid) & mask()];
    return number == kEmpty ? std::nullopt : std::optional(number);
  }
  // The UUID is not in the table yet.
  template <class At>
  void insert(std::uint32_t number, const At& uuid_at) {
    if ((size_ + 1) * 4 > slots_.size() * 3) rehash(slots_.empty() ? 16 : slots_.size() * 2, uuid_at);
    place(number, uuid_at);
    ++size_;
  }
  // The number is in the table.
  template <class At>
  void erase(std::uint32_t number, const At& uuid_at) {
    std::size_t hole = hash(uuid_at(number)) & mask();
    while (slots_[hole] != number) hole = (hole + 1) & mask();
    for (std::size_t slot = (hole + 1) & mask(); slots_[slot] != kEmpty; slot = (slot + 1) & mask()) {
      const std::size_t home = hash(uuid_at(slots_[slot])) & mask();
      if (((slot - home) & mask()) < ((slot - hole) & mask())) continue;  // it may not move before its home
      slots_[hole] = slots_[slot];
      hole = slot;
    }
    slots_[hole] = kEmpty;
    --size_;
  }
  template <class At>
  void reserve(std::size_t count, const At& uuid_at) {
    const std::size_t slots = std::bit_ceil(count * 4 / 3 + 1);
    if (slots > slots_.size()) rehash(slots, uuid_at);
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFFFFFF;
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  [[nodiscard]] std::size_t hash(const Uuid& uuid) const {
    const UuidWords words = words_of(uuid);
    const unsigned __int128 product =
        static_cast<unsigned __int128>(words.high ^ seed_) * ((words.low ^ (seed_ << 1)) | 1);
    std::uint64_t mixed = static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product) ^ words.low;
    mixed *= 0x9e3779b97f4a7c15ull;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }
  template <class At>
  void place(std::uint32_t number, const At& uuid_at) {
    std::size_t slot = hash(uuid_at(number)) & mask();
    while (slots_[slot] != kEmpty) slot = (slot + 1) & mask();
    slots_[slot] = number;
  }
  template <class At>
  void rehash(std::size_t slots, const At& uuid_at) {
    std::vector<std::uint32_t> old(slots, kEmpty);
    old.swap(slots_);
    for (const std::uint32_t number : old) {
      if (number != kEmpty) place(number, uuid_at);
    }
  }

  std::vector<std::uint32_t> slots_;
  std::size_t size_ = 0;
  std::uint64_t seed_;
};

}  // namespace taskledger::projections
