// How often each address may show a token that is not valid. Beyond that it is told 429 instead of 401; requests with a
// valid token are never held up by it, since many clients may share an address (a proxy, an office), and nobody should
// be able to lock the others out. Guessing a token of 256 random bits is hopeless either way: this keeps the noise
// down.
//
// Addresses of IPv6 count by their /64, which one host has to itself. Entries die once their bucket is full again; the
// number kept is bounded: with kMaxAddresses of them under way, further ones share a bucket.
// Threads: any. Only requests that fail come here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/timestamp.h"
#include "http/rate_limit.h"

namespace taskledger::http {

class FailedLogins {
 public:
  static constexpr std::size_t kMaxAddresses = 16'384;

  explicit FailedLogins(RateLimit limit) : limit_(limit) {}
  // Counts one failure. 0: within the limit; otherwise the seconds until another is let pass.
  [[nodiscard]] std::uint64_t fail(std::string_view address, Timestamp now);
  [[nodiscard]] const RateLimit& limit() const { return limit_; }
  [[nodiscard]] std::size_t addresses() const;

 private:
  [[nodiscard]] Bucket& bucket_of(std::string_view address, Timestamp now);

  const RateLimit limit_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  Bucket shared_;
  std::size_t sweep_at_ = 1024;
  Timestamp swept_at_;
};

}  // namespace taskledger::http
