#include "http/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace taskledger::http {
namespace {

constexpr std::uint64_t kOne = 1000;
constexpr std::int64_t kDisorder = 1000;  // ms, by which threads may come otherwise than they read the clock

std::uint64_t seconds_up(std::uint64_t ms) { return (ms + 999) / 1000; }

}  // namespace

std::string RateLimit::policy() const { return fmt::format("{};w=1;burst={}", rate, capacity()); }

void Bucket::refill(const RateLimit& limit, Timestamp now) {
  const std::uint64_t capacity = limit.capacity() * kOne;
  if (!started_) {
    started_ = true;
    level_ = capacity;
    at_ = now;
    return;
  }
  if (now <= at_) {
    if (at_.ms - now.ms > kDisorder) at_ = now;  // the clock was set back: time goes on from there
    return;
  }
  const auto elapsed = static_cast<std::uint64_t>(now.ms - at_.ms);
  // No more than fills it: so that the product cannot overflow after a long pause.
  level_ = std::min(capacity, level_ + std::min<std::uint64_t>(elapsed, capacity) * limit.rate);
  at_ = now;
}

bool Bucket::take(const RateLimit& limit, Timestamp now) {
  const std::lock_guard lock(mutex_);
  refill(limit, now);
  if (level_ < kOne) return false;
  level_ -= kOne;
  return true;
}

Bucket::State Bucket::look(const RateLimit& limit, Timestamp now) {
  const std::lock_guard lock(mutex_);
  refill(limit, now);
  const auto time_for = [&](std::uint64_t missing) { return (missing + limit.rate - 1) / limit.rate; };
  const std::uint64_t capacity = limit.capacity() * kOne;
  return {level_ / kOne, time_for(capacity - std::min(level_, capacity)), level_ >= kOne ? 0 : time_for(kOne - level_)};
}

std::shared_ptr<Bucket> Buckets::of(const TokenId& token) {
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= sweep_at_) {
    std::erase_if(buckets_, [](const auto& entry) { return entry.second.use_count() == 1; });
    sweep_at_ = std::max<std::size_t>(1024, buckets_.size() * 2);
  }
  auto& bucket = buckets_[token];
  if (!bucket) bucket = std::make_shared<Bucket>();
  return bucket;
}

void append_rate_headers(std::string& headers, const RateLimit& limit, const Bucket::State& state, Timestamp now) {
  const auto reset = static_cast<std::uint64_t>(now.ms) + state.full_in_ms;
  fmt::format_to(std::back_inserter(headers),
                 "X-RateLimit-Limit: {}\r\nX-RateLimit-Remaining: {}\r\nX-RateLimit-Reset: {}\r\n"
                 "X-RateLimit-Policy: {}\r\n",
                 limit.capacity(), state.remaining, seconds_up(reset), limit.policy());
}

}  // namespace taskledger::http
