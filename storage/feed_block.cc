#include "storage/feed_block.h"

#include <algorithm>

#include "storage/bytes.h"
#include "storage/sha256.h"

namespace taskledger::storage {
namespace {

// FNV-1a with a final mix; stored, so it must never change (std::hash may).
std::uint64_t stable_hash(const Uuid& uuid) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (auto byte : uuid.bytes) hash = (hash ^ byte) * 0x100000001b3ull;
  hash ^= hash >> 32;
  return hash * 0x9e3779b97f4a7c15ull;
}

template <class Visit>
void probes(const Uuid& uuid, const Visit& visit) {
  const std::uint64_t hash = stable_hash(uuid);
  for (int i = 0; i < 3; ++i) visit(static_cast<std::size_t>(hash >> (10 + 10 * i)) & 1023);
}

}  // namespace

void FeedBlock::add(const Record& record) {
  types_ = static_cast<std::uint16_t>(types_ | (1u << (record.type & 15)));
  oldest_ms_ = std::min(oldest_ms_, record.time.ms);
  latest_ms_ = std::max(latest_ms_, record.time.ms);
  if (record.actor == last_actor_ && record.actor != UserId{}) return;  // mostly: a commit is one actor's
  last_actor_ = record.actor;
  probes(record.actor.value,
         [&](std::size_t bit) { actors_[bit / 8] = static_cast<std::uint8_t>(actors_[bit / 8] | (1u << (bit % 8))); });
}

void FeedBlock::add(const FeedBlock& other) {
  types_ = static_cast<std::uint16_t>(types_ | other.types_);
  oldest_ms_ = std::min(oldest_ms_, other.oldest_ms_);
  latest_ms_ = std::max(latest_ms_, other.latest_ms_);
  for (std::size_t i = 0; i < actors_.size(); ++i)
    actors_[i] = static_cast<std::uint8_t>(actors_[i] | other.actors_[i]);
}

bool FeedBlock::may_hold(const FeedFilter& filter) const {
  if (filter.type && !(types_ & (1u << (*filter.type & 15)))) return false;
  if (filter.since && latest_ms_ < filter.since->ms) return false;
  if (filter.until && oldest_ms_ > filter.until->ms) return false;
  bool all = true;
  if (filter.actor) {
    probes(filter.actor->value, [&](std::size_t bit) { all = all && (actors_[bit / 8] >> (bit % 8) & 1); });
  }
  return all;
}

std::string FeedBlock::encode() const {
  std::string out;
  put_int(out, types_);
  put_int(out, oldest_ms_);
  put_int(out, latest_ms_);
  out.append(reinterpret_cast<const char*>(actors_.data()), actors_.size());
  return out;
}

std::optional<FeedBlock> FeedBlock::decode(std::string_view bytes) {
  ByteReader in(bytes);
  FeedBlock block;
  block.types_ = in.integer<std::uint16_t>();
  block.oldest_ms_ = in.integer<std::int64_t>();
  block.latest_ms_ = in.integer<std::int64_t>();
  in.array(block.actors_);
  if (!in.ok() || !in.rest().empty()) return std::nullopt;
  return block;
}

bool matches(const FeedFilter& filter, const Record& record) {
  return (!filter.stream || *filter.stream == record.stream) && (!filter.actor || *filter.actor == record.actor) &&
         (!filter.type || *filter.type == record.type) && (!filter.since || *filter.since <= record.time) &&
         (!filter.until || record.time <= *filter.until) && (!filter.last || record.in_workspace <= *filter.last);
}

}  // namespace taskledger::storage
