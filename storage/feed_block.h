// A sparse index over a workspace's events: for every full block of 256 events a summary of what is in it, written in
// the batch that fills the block. A filtered walk of the feed skips the blocks that cannot hold a match, so that a rare
// actor, a rare type or a stretch of time is found without reading the events between. About 0.6 bytes an event.
//
//   feed block = types:u16 (bit n: an event of type n)  oldest_ms:i64  latest_ms:i64  actors:128 (Bloom filter, 3
//   probes)
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "storage/event_log.h"

namespace taskledger::storage {

inline constexpr std::uint64_t kFeedBlockEvents = 256;
// Blocks are numbered from 0; block b holds the workspace positions b*256+1 to (b+1)*256.
[[nodiscard]] constexpr std::uint64_t feed_block_of(WorkspacePosition position) {
  return (position.value - 1) / kFeedBlockEvents;
}

class FeedBlock {
 public:
  void add(const Record& record);
  void add(const FeedBlock& other);
  [[nodiscard]] bool may_hold(const FeedFilter& filter) const;
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<FeedBlock> decode(std::string_view bytes);

 private:
  std::uint16_t types_ = 0;
  std::int64_t oldest_ms_ = INT64_MAX, latest_ms_ = INT64_MIN;
  std::array<std::uint8_t, 128> actors_{};
  UserId last_actor_;  // is in `actors_` already, unless it is null
};

[[nodiscard]] bool matches(const FeedFilter& filter, const Record& record);

}  // namespace taskledger::storage
