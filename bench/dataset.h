// The benchmark's data: a seeded workspace as event lines. The same size, seed and `now` always give the same bytes.
// 200 users, due dates uniform over a year around `now`, 30 % completed, 1 to 3 links, times ascending.
#pragma once

#include <cstdint>
#include <string>

namespace taskledger::bench {

inline constexpr unsigned kUsers = 200;
// xorshift64*: small, fast, the same everywhere.
struct Random {
  std::uint64_t state;
  explicit Random(std::uint64_t seed) : state(seed * 2654435761u + 88172645463325252ull) {}
  std::uint64_t next() {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 2685821657736338717ull;
  }
  std::uint32_t below(std::uint32_t n) { return std::uint32_t((next() >> 33) % n); }
};
[[nodiscard]] std::string user_id(unsigned k);
[[nodiscard]] std::string entity_id(unsigned k);  // k below tasks / 10 (at least 100)
[[nodiscard]] unsigned entities(std::uint64_t tasks);

// Writes the lines to `path`; returns the number of events.
std::uint64_t write_dataset(const std::string& path, std::uint64_t tasks, std::uint64_t seed, std::int64_t now_ms);
// A body for POST /tasks.
void append_create_body(std::string& out, Random& random, std::int64_t now_ms);

}  // namespace taskledger::bench
