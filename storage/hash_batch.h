// The chains' hashes after many records, worked out side by side: each record says what was before it, so none has to
// wait for another. The same as hashes_after() of each. Threads: one at a time.
#pragma once

#include <span>
#include <vector>

#include "storage/record_format.h"
#include "storage/sha256_lanes.h"

namespace taskledger::storage {

class HashBatch {
 public:
  // Copies what is hashed of it.
  void add(const DecodedRecord& decoded);
  // Those of all records added, in their order; good until the next call.
  [[nodiscard]] std::span<const ChainHashes> hash();
  void clear();
  [[nodiscard]] std::size_t bytes() const { return used_; }  // copied so far

 private:
  // Places in `bytes_`. The digest of a body goes into the workspace's message, its hash into the log's.
  struct Places {
    std::size_t body = 0, body_blocks = 0;  // no blocks: erased, the digest is there already
    std::size_t workspace = 0, workspace_blocks = 0, digest = 0;
    std::size_t log = 0;
  };
  std::size_t reserve(std::size_t message_bytes);

  std::vector<std::uint8_t> bytes_;  // messages, padded
  std::size_t used_ = 0;
  std::vector<Places> records_;
  std::vector<PaddedMessage> messages_;
  std::vector<ChainHashes> hashes_;
};

}  // namespace taskledger::storage
