// A token bucket for each API token: `rate` requests a second, `burst` of them at once.
// Threads: any; a bucket has its own mutex, held for a few instructions.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/ids.h"
#include "core/timestamp.h"

namespace taskledger::http {

struct RateLimit {
  std::uint32_t rate = 0, burst = 0;  // rate 0: off; burst 0: as many as the rate
  [[nodiscard]] bool on() const { return rate > 0; }
  [[nodiscard]] std::uint32_t capacity() const { return burst > 0 ? burst : rate; }
  // "10;w=1;burst=20": ten in a window of one second, twenty at once.
  [[nodiscard]] std::string policy() const;
};

class Bucket {
 public:
  struct State {
    std::uint64_t remaining = 0;   // whole requests
    std::uint64_t full_in_ms = 0;  // until nothing is used up any more
    std::uint64_t next_in_ms = 0;  // until one request is possible; 0: now
  };
  // Takes one request when there is one.
  bool take(const RateLimit& limit, Timestamp now);
  [[nodiscard]] State look(const RateLimit& limit, Timestamp now);

 private:
  void refill(const RateLimit& limit, Timestamp now);

  std::mutex mutex_;
  bool started_ = false;
  std::uint64_t level_ = 0;  // thousandths of a request: a millisecond adds `rate` of them
  Timestamp at_;
};

// Shared with the principals, which outlive a revoked token's entry. Entries that no principal holds any more die when
// their number has doubled: one is made anew, and full, for a token that comes back after that.
class Buckets {
 public:
  [[nodiscard]] std::shared_ptr<Bucket> of(const TokenId& token);

 private:
  std::mutex mutex_;
  std::unordered_map<TokenId, std::shared_ptr<Bucket>> buckets_;
  std::size_t sweep_at_ = 1024;
};

// `X-RateLimit-…` lines.
void append_rate_headers(std::string& headers, const RateLimit& limit, const Bucket::State& state, Timestamp now);

}  // namespace taskledger::http
