#include "http/failed_logins.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <iterator>

namespace taskledger::http {
namespace {

std::string key_of(std::string_view address) {
  boost::system::error_code failed;
  const auto parsed = boost::asio::ip::make_address(std::string(address), failed);
  if (failed || parsed.is_v4()) return std::string(address);
  const auto bytes = parsed.to_v6().to_bytes();
  const bool mapped = parsed.to_v6().is_v4_mapped();
  return {reinterpret_cast<const char*>(bytes.data()), mapped ? bytes.size() : bytes.size() / 2};
}

}  // namespace

Bucket& FailedLogins::bucket_of(std::string_view address, Timestamp now) {
  const std::string key = key_of(address);
  if (const auto known = buckets_.find(key); known != buckets_.end()) return known->second;
  // At the limit once a second: a flood of addresses must not buy a look at all of them with each request.
  if (buckets_.size() >= sweep_at_ && (sweep_at_ < kMaxAddresses || now.ms - swept_at_.ms >= 1'000)) {
    swept_at_ = now;
    for (auto at = buckets_.begin(); at != buckets_.end();) {
      at = at->second.look(limit_, now).full_in_ms == 0 ? buckets_.erase(at) : std::next(at);
    }
    // Twice what was left: each sweep is paid for by as many newcomers as it looked at.
    sweep_at_ = std::clamp<std::size_t>(buckets_.size() * 2, 1024, kMaxAddresses);
  }
  return buckets_.size() >= kMaxAddresses ? shared_ : buckets_[key];
}

std::uint64_t FailedLogins::fail(std::string_view address, Timestamp now) {
  if (!limit_.on()) return 0;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(address, now);
  if (bucket.take(limit_, now)) return 0;
  return std::max<std::uint64_t>(1, (bucket.look(limit_, now).next_in_ms + 999) / 1000);
}

std::size_t FailedLogins::addresses() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace taskledger::http
