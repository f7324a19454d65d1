// What can be set about webhooks. The defaults are the contract's; tests shorten the times.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace taskledger::reactors {

// Waits double from `first` to at most `longest`, each moved by up to `jitter` of itself either way. With the defaults
// a delivery is tried 16 times over about 45 hours, the last wait being some 23 hours, and is then parked.
struct RetryPolicy {
  std::chrono::milliseconds first{5'000};
  std::chrono::milliseconds longest{24 * 60 * 60 * 1'000};
  double jitter = 0.2;
  unsigned max_attempts = 16;

  // After `attempts` (1 or more) failed ones; `random` is uniform in [0, 1).
  [[nodiscard]] std::chrono::milliseconds wait_after(unsigned attempts, double random) const {
    auto wait = static_cast<double>(first.count());
    for (unsigned i = 1; i < attempts && wait < static_cast<double>(longest.count()); ++i) wait *= 2;
    wait = std::min(wait, static_cast<double>(longest.count()));
    return std::chrono::milliseconds(static_cast<std::int64_t>(wait * (1 - jitter + 2 * jitter * random)));
  }
};

struct WebhookSettings {
  bool allow_private = false;  // send to loopback and private addresses too
  RetryPolicy retry;
  std::size_t connections = 256;  // to all endpoints together, those kept open included
  unsigned in_flight = 16;        // requests under way to one endpoint, pings included
  unsigned failures_to_slow = 5;  // first attempts failed in a row, after which an endpoint gets one at a time
  std::chrono::milliseconds connect_timeout{5'000};                  // name look-up, connection and TLS handshake, each
  std::chrono::milliseconds total_timeout{15'000};                   // one whole attempt
  std::chrono::milliseconds idle_connection{20'000};                 // kept open for the next delivery
  std::chrono::milliseconds store_retry{5'000};                      // after a failure of the store
  std::chrono::milliseconds flush_interval{50};                      // deliveries done are recorded at least this often
  std::chrono::milliseconds rotation_overlap{24 * 60 * 60 * 1'000};  // both secrets sign for so long
  std::size_t buffered_events = 128;                                 // read ahead for one endpoint
  std::size_t buffered_bytes = 512 * 1024;
  std::size_t slice_rows = 1'000;   // waiting rows one endpoint changes in one go, for the other endpoints' sake
  std::uint16_t kept_done = 1'000;  // deliveries done that are listed, for one endpoint
  std::size_t kept_pings = 20;      // failed pings that are
  unsigned max_webhooks = 100;      // of one workspace
  std::string user_agent = "taskledger";
  std::string extra_ca_file;  // PEM, trusted beside the system's; empty: none
};

}  // namespace taskledger::reactors
