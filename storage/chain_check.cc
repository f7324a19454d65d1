#include "storage/chain_check.h"

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "storage/feed_block.h"
#include "storage/hash_batch.h"
#include "storage/keys.h"
#include "storage/missing_content.h"

namespace taskledger::storage {
namespace {

constexpr std::uint64_t kChunk = 50'000;
// Records, or the bytes of them: what they hold stays in the processor's cache.
constexpr std::size_t kHashedAtOnce = 64, kHashedBytes = std::size_t{256} << 10;

// Numbers without a pattern.
constexpr std::uint64_t kNoise[8] = {0x9e3779b97f4a7c15, 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3,
                                     0x589965cc75374cc3, 0x1d8e4e27c47d124f, 0xeb44accab455d165, 0x2f98b5a3c6f1d407};

// Both halves of the product, one upon the other.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// A workspace's feed blocks (feed_block.h) as its records ask for them, across stretches.
struct BlockFollower {
  std::optional<FeedBlock> head;  // the end of a block that an earlier stretch began
  FeedBlock current;              // since then, or since the last block's end
  bool whole = false;             // `current` has its block from the start
};

// What the table says of the block that ends at `last`.
std::optional<ReadError> check_block(const LogTables& tables, const Record& record, const FeedBlock& block) {
  std::string value;
  const auto key = keys::in_workspace(record.workspace, feed_block_of(record.in_workspace));
  const auto status = tables.db().Get({}, tables.blocks, key, &value);
  if (!status.ok() && !status.IsNotFound()) return read_error(status);
  if (status.ok() && value == block.encode()) return std::nullopt;
  return damaged(record.position, "the feed's summary of the events up to this one does not fit them");
}

// What one stretch of the log says of a workspace: its first record there, and how its last one leaves the chain.
struct WorkspaceStretch {
  Position first;
  WorkspacePosition first_in_workspace;
  Hash before{};
  Position last;
  WorkspacePosition in_workspace;
  Hash after{};
  BlockFollower blocks;
  std::optional<Record> head_end;  // the record that ends blocks.head; without its views
};

// Which payloads are gone, and which TaskErased say so: those come later, perhaps in another stretch.
struct Erasures {
  using Stream = std::pair<WorkspaceNumber, Uuid>;
  std::map<Stream, Position> unexplained;  // the first of the stream
  std::set<Stream> explained;              // by a TaskErased of this stretch

  void add(const Record& record) {
    if (record.payload && record.type != static_cast<std::uint8_t>(EventType::task_erased)) return;
    const Stream stream{record.workspace, record.stream};
    if (record.payload) {
      unexplained.erase(stream);
      explained.insert(stream);
    } else {
      unexplained.try_emplace(stream, record.position);
    }
  }
  void join(const Erasures& later) {
    for (const Stream& stream : later.explained) unexplained.erase(stream);
    unexplained.insert(later.unexplained.begin(), later.unexplained.end());
  }
  [[nodiscard]] std::optional<Position> first_unexplained() const {
    std::optional<Position> first;
    for (const auto& [stream, position] : unexplained) first = std::min(first.value_or(position), position);
    return first;
  }
};

struct Stretch {
  Hash before{}, after{};
  std::unordered_map<WorkspaceNumber, WorkspaceStretch> workspaces;
  ChainSums sums;
  Erasures erasures;
  std::optional<std::pair<Position, ReadError>> bad;  // the first bad position
};

// What is looked at of a record once it is hashed, and its bytes are gone.
struct Seen {
  Record record;  // payload, if any, and trace: empty
  Hash previous_log, previous_workspace;

  explicit Seen(const DecodedRecord& decoded)
      : record(decoded.record),
        previous_log(hash_of(decoded.previous_log)),
        previous_workspace(hash_of(decoded.previous_workspace)) {
    if (record.payload) record.payload = "";
    record.trace = {};
  }
};

// Follows the chains through one stretch.
class Follower {
 public:
  Follower(const LogTables& tables, Stretch& stretch) : tables_(tables), stretch_(stretch) {}

  // False: it has seen enough. What is visited is followed some records later.
  bool visit(const DecodedRecord& decoded) {
    seen_.emplace_back(decoded);
    hashes_.add(decoded);
    return (seen_.size() < kHashedAtOnce && hashes_.bytes() < kHashedBytes) || follow_seen();
  }
  // To be called after the last visit(), and before next().
  bool follow_seen() {
    const auto after = hashes_.hash();
    bool more = true;
    for (std::size_t i = 0; i < seen_.size() && more; ++i) more = follow(seen_[i], after[i]);
    seen_.clear();
    hashes_.clear();
    return more;
  }
  [[nodiscard]] Position next(Position from) const { return last_ ? last_->next() : from; }

 private:
  bool follow(const Seen& seen, const ChainHashes& after) {
    const Record& record = seen.record;
    bool first_here = false;
    if (workspace_ == nullptr || number_ != record.workspace) {
      const auto [entry, fresh] = stretch_.workspaces.try_emplace(record.workspace);
      workspace_ = &entry->second;
      number_ = record.workspace;
      first_here = fresh;
    }
    WorkspaceStretch& workspace = *workspace_;
    const Hash& previous_workspace = seen.previous_workspace;
    if (first_here) {
      workspace.first = record.position;
      workspace.first_in_workspace = record.in_workspace;
      workspace.before = previous_workspace;
      workspace.blocks.whole = (record.in_workspace.value - 1) % kFeedBlockEvents == 0;
    } else if (record.in_workspace != workspace.in_workspace.next()) {
      return bad(record.position,
                 fmt::format("record is out of order (it is number {} of its workspace, after number {})",
                             record.in_workspace.value, workspace.in_workspace.value));
    }
    const bool workspace_joins = first_here || previous_workspace == workspace.after;
    const bool log_joins = !last_ || seen.previous_log == stretch_.after;
    if (!last_) stretch_.before = seen.previous_log;
    if (!log_joins) {
      // The record before was changed; unless the workspace's chain vouches for it, then this one was.
      const bool before_is_whole = !first_here && workspace.last == *last_ && workspace_joins;
      return bad(before_is_whole ? record.position : *last_, "record was changed");
    }
    if (!workspace_joins) return bad(record.position, "record was changed (its workspace's chain is broken)");
    workspace.last = record.position;
    workspace.in_workspace = record.in_workspace;
    workspace.after = after.workspace;
    stretch_.after = after.log;
    last_ = record.position;
    stretch_.erasures.add(record);
    if (auto wrong = follow_blocks(workspace, record)) {
      stretch_.bad = {record.position, *std::move(wrong)};
      return false;
    }
    stretch_.sums.streams.add_stream(record.workspace, record.stream, record.version, record.position);
    stretch_.sums.workspaces.add_workspace(record.workspace, record.in_workspace, record.position);
    return true;
  }
  std::optional<ReadError> follow_blocks(WorkspaceStretch& workspace, const Record& record) {
    BlockFollower& blocks = workspace.blocks;
    blocks.current.add(record);
    if (record.in_workspace.value % kFeedBlockEvents != 0) return std::nullopt;
    std::optional<ReadError> wrong;
    if (blocks.whole) {
      wrong = check_block(tables_, record, blocks.current);
    } else {
      blocks.head = blocks.current;
      workspace.head_end = record;
    }
    blocks.current = {};
    blocks.whole = true;
    return wrong;
  }
  bool bad(Position position, std::string_view what) {
    stretch_.bad = {position, damaged(position, what)};
    return false;
  }
  const LogTables& tables_;
  Stretch& stretch_;
  std::optional<Position> last_;
  WorkspaceNumber number_{};  // of the last record
  WorkspaceStretch* workspace_ = nullptr;
  std::vector<Seen> seen_;
  HashBatch hashes_;  // of `seen_`
};

Stretch follow(const LogTables& tables, Position after, Position to) {
  Stretch stretch;
  Follower follower(tables, stretch);
  auto walked = tables.walk(after, to, [&](const DecodedRecord& decoded) { return follower.visit(decoded); });
  if (follower.follow_seen() && !walked) stretch.bad = {follower.next(after.next()), walked.error()};
  return stretch;
}

// Joins stretches in order, and remembers the first thing wrong.
class Joiner {
 public:
  Joiner(const LogTables& tables, const HeadRows& heads,
         const std::function<void(std::uint64_t, std::uint64_t)>& progress)
      : tables_(tables), heads_(heads), progress_(progress) {}

  // False: no more stretches are needed.
  bool give(std::uint64_t chunk, Stretch stretch) {
    std::lock_guard lock(mutex_);
    waiting_.emplace(chunk, std::move(stretch));
    while (!bad_ && !waiting_.empty() && waiting_.begin()->first == next_) {
      join(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      ++next_;
      if (progress_) progress_(std::min(next_ * kChunk, heads_.head.position.value), heads_.head.position.value);
    }
    return !bad_;
  }

  Result<ChainSums, ReadError> finish() {
    if (bad_) return *bad_;
    if (joined_.after != heads_.head.hash)
      return damaged(heads_.head.position, "record was changed (the head row has another hash)");
    for (const auto& [workspace, tip] : heads_.workspaces) {
      const auto found = joined_.workspaces.find(workspace);
      const bool same = found != joined_.workspaces.end() && found->second.in_workspace == tip.head.position &&
                        found->second.after == tip.head.hash && found->second.last == tip.last;
      if (!same)
        return damaged(tip.last, fmt::format("the head row of workspace {} does not fit the log", workspace.value));
    }
    if (joined_.workspaces.size() != heads_.workspaces.size())
      return ReadError{"a workspace of the log has no head row"};
    if (const auto gone = joined_.erasures.first_unexplained()) return content_is_gone(*gone);
    return joined_.sums;
  }

 private:
  void join(const Stretch& stretch) {
    const Position boundary{next_ * kChunk};
    if (!stretch.workspaces.empty() && stretch.before != joined_.after) {
      bad_ = boundary.value == 0 ? damaged({1}, "record was changed") : damaged(boundary, "record was changed");
      return;
    }
    std::optional<std::pair<Position, ReadError>> bad = stretch.bad;
    for (const auto& [number, workspace] : stretch.workspaces) {
      WorkspaceStretch& joined = joined_.workspaces[number];
      if (bad && bad->first <= workspace.first) continue;
      if (workspace.first_in_workspace != joined.in_workspace.next()) {
        bad = {workspace.first, damaged(workspace.first, "record is out of order in its workspace")};
      } else if (workspace.before != joined.after) {
        bad = {workspace.first, damaged(workspace.first, "record was changed (its workspace's chain is broken)")};
      } else if (auto wrong = join_blocks(joined, workspace)) {
        bad = {workspace.first, *std::move(wrong)};
      }
    }
    if (bad) {
      bad_ = bad->second;
      return;
    }
    joined_.after = stretch.after;
    joined_.sums.streams += stretch.sums.streams;
    joined_.sums.workspaces += stretch.sums.workspaces;
    joined_.erasures.join(stretch.erasures);
  }

  // Takes the later stretch's place; its blocks go on where those before it stopped.
  std::optional<ReadError> join_blocks(WorkspaceStretch& joined, const WorkspaceStretch& later) {
    FeedBlock begun = joined.blocks.current;
    joined = later;
    joined.blocks.whole = true;
    if (later.blocks.head) {
      begun.add(*later.blocks.head);
      return check_block(tables_, *later.head_end, begun);
    }
    if (!later.blocks.whole) joined.blocks.current.add(begun);
    return std::nullopt;
  }

  const LogTables& tables_;
  const HeadRows& heads_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
  std::mutex mutex_;
  std::map<std::uint64_t, Stretch> waiting_;
  std::uint64_t next_ = 0;
  Stretch joined_;
  std::optional<ReadError> bad_;
};

}  // namespace

void RowSum::add(const std::uint64_t (&key)[3], Position position) {
  const std::uint64_t left = mix(key[0] ^ kNoise[0], key[1] ^ kNoise[1]);
  const std::uint64_t right = mix(key[2] ^ kNoise[2], position.value ^ kNoise[3]);
  low += mix(left ^ kNoise[4], right ^ kNoise[5]);
  high += mix(left ^ kNoise[6], right ^ kNoise[7]);
}

void RowSum::add(std::string_view key, Position position) {
  std::uint64_t words[3] = {};  // no key of an index is longer
  std::memcpy(words, key.data(), std::min(key.size(), sizeof words));
  add(words, position);
}

// Written as bytes and read back as words a key would be waited for.
void RowSum::add_stream(WorkspaceNumber workspace, const Uuid& stream, Version version, Position position) {
  const auto word = [&stream](std::size_t at, auto value) {
    std::memcpy(&value, stream.bytes.data() + at, sizeof value);
    return std::uint64_t{value};
  };
  const std::uint64_t key[3] = {__builtin_bswap32(workspace.value) | word(0, std::uint32_t{}) << 32,
                                word(4, std::uint64_t{}),
                                word(12, std::uint32_t{}) | std::uint64_t{__builtin_bswap32(version.value)} << 32};
  add(key, position);
}

void RowSum::add_workspace(WorkspaceNumber workspace, WorkspacePosition in_workspace, Position position) {
  const std::uint64_t number = __builtin_bswap64(in_workspace.value);
  const std::uint64_t key[3] = {__builtin_bswap32(workspace.value) | number << 32, number >> 32, 0};
  add(key, position);
}

Result<ChainSums, ReadError> check_chains(const LogTables& tables, const HeadRows& heads, unsigned threads,
                                          const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  Joiner joiner(tables, heads, progress);
  const std::uint64_t total = heads.head.position.value;
  std::atomic<std::uint64_t> next_chunk = 0;
  std::atomic<bool> more = true;
  auto work = [&] {
    while (more) {
      const std::uint64_t chunk = next_chunk++;
      if (chunk * kChunk >= total) return;
      const Position after{chunk * kChunk}, to{std::min(total, (chunk + 1) * kChunk)};
      if (!joiner.give(chunk, follow(tables, after, to))) more = false;
    }
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  for (auto& helper : helpers) helper.join();
  return joiner.finish();
}

}  // namespace taskledger::storage
