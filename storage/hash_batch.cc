#include "storage/hash_batch.h"

#include <cstring>

namespace taskledger::storage {
namespace {

constexpr std::size_t kHashBytes = sizeof(Hash);
constexpr std::size_t kLogMessage = kLogHashTag.size() + sizeof(std::uint64_t) + 2 * kHashBytes;
constexpr std::size_t kWorkspaceHashAt = kLogHashTag.size() + sizeof(std::uint64_t);  // in the log's message

// Writes at `at` and returns the place behind it.
std::uint8_t* put(std::uint8_t* at, std::string_view bytes) {
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

}  // namespace

// Room for a message and its padding; its place.
std::size_t HashBatch::reserve(std::size_t message_bytes) {
  const std::size_t at = used_;
  used_ += padded_bytes(message_bytes);
  if (bytes_.size() < used_) bytes_.resize(used_ * 2);
  write_padding(bytes_.data() + at, message_bytes);
  return at;
}

void HashBatch::add(const DecodedRecord& decoded) {
  Places& places = records_.emplace_back();
  if (decoded.record.payload) {
    places.body = reserve(decoded.body.size());
    places.body_blocks = padded_bytes(decoded.body.size()) / kSha256Block;
    put(bytes_.data() + places.body, decoded.body);
  }
  const std::size_t message = kWorkspaceHashTag.size() + decoded.header.size() + kHashBytes;
  places.workspace = reserve(message);
  places.workspace_blocks = padded_bytes(message) / kSha256Block;
  places.digest = places.workspace + message - kHashBytes;
  auto* at = put(put(bytes_.data() + places.workspace, kWorkspaceHashTag), decoded.header);
  if (!decoded.record.payload) put(at, decoded.body);
  places.log = reserve(kLogMessage);
  at = put(bytes_.data() + places.log, kLogHashTag);
  for (int shift = 56; shift >= 0; shift -= 8)
    *at++ = static_cast<std::uint8_t>(decoded.record.position.value >> shift);
  put(at + kHashBytes, decoded.previous_log);
}

std::span<const ChainHashes> HashBatch::hash() {
  std::uint8_t* const bytes = bytes_.data();
  const std::size_t count = records_.size();
  messages_.resize(count);
  std::size_t bodies = 0;
  for (const Places& places : records_) {
    if (places.body_blocks > 0) messages_[bodies++] = {bytes + places.body, places.body_blocks, bytes + places.digest};
  }
  hash_all(std::span(messages_).first(bodies));
  for (std::size_t i = 0; i < count; ++i) {
    const Places& places = records_[i];
    messages_[i] = {bytes + places.workspace, places.workspace_blocks, bytes + places.log + kWorkspaceHashAt};
  }
  hash_all(messages_);
  hashes_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(hashes_[i].workspace.data(), bytes + records_[i].log + kWorkspaceHashAt, kHashBytes);
    messages_[i] = {bytes + records_[i].log, padded_bytes(kLogMessage) / kSha256Block, hashes_[i].log.data()};
  }
  hash_all(messages_);
  return hashes_;
}

void HashBatch::clear() {
  records_.clear();
  used_ = 0;
}

}  // namespace taskledger::storage
