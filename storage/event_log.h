// The log: the one truth. An append-only sequence of records with gapless positions, in the whole log and in each
// workspace, hash-chained both ways. This is the interface that everything above `storage` sees; nothing there may
// assume RocksDB (tests/storage/event_log_contract.h is the suite that each backend passes).
//
// Threads: every function may be called from any thread. The observer runs on the log's appender thread; so do the
// callbacks of append(), but those of erasures, which run on the thread that purges. None may block.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/ids.h"
#include "core/result.h"
#include "core/task.h"
#include "core/timestamp.h"

namespace taskledger::storage {

using Hash = std::array<std::uint8_t, 32>;  // SHA-256
[[nodiscard]] std::string to_hex(const Hash& hash);

// What a record holds. Task events have a type of core/event.h and a canonical `data` object as payload; the system's
// own records (workspace 0) have type 0, the stream is what they are about (token, workspace, webhook, user …), and the
// payload is a JSON object with a "type".
inline constexpr std::uint8_t kSystemRecord = 0;

struct NewRecord {
  Uuid stream;                        // task id; of system records the id of what they are about
  std::uint8_t type = kSystemRecord;  // EventType, or kSystemRecord
  std::string payload;                // JSON text
  std::optional<Timestamp> time;      // imports only; absent: stamped at commit, never before the workspace's last
  std::optional<EventId> id;          // imports only; absent: derived from workspace, task and version
  std::optional<std::string> trace;  // request metadata (traceparent) that is kept beside the event; not part of `data`
  // Of a task that is restored: what its stream folds to before this record. Not written: it goes to the observers, who
  // need not read the stream then.
  std::shared_ptr<const Task> before = nullptr;
  // What `payload` is the text of, where whoever commits has it. Not written: it goes to the observers, who need not
  // parse the text then.
  std::shared_ptr<const TaskEvent> event = nullptr;
};

// A kept answer for an Idempotency-Key, written in the same batch as its events.
struct IdempotencyRow {
  std::string key;    // workspace, user and the hash of the caller's key, as bytes
  std::string value;  // hash of the request and the answer; opaque here
  Timestamp expires;  // removed some time after
};

struct StreamVersion {
  Uuid stream;
  Version expected;  // number of records the stream must have before this commit
  // The id was made for this commit, by chance that cannot repeat: nobody else has written to it, and nobody looks.
  bool is_new = false;
};

// All or nothing. `records` are written in this order; every stream among them is in `expected` once. May be empty of
// records when it only keeps an idempotency row (then positions in the answer are the workspace's last).
struct Commit {
  WorkspaceNumber workspace;
  UserId actor;
  bool imported = false;
  std::vector<StreamVersion> expected;
  std::vector<NewRecord> records;
  std::optional<IdempotencyRow> idempotency;
  // Lawful erasure: the payloads of all earlier records of these streams (each of them also in `expected`) are replaced
  // by their digests in the same batch, and are physically gone (memtables, WAL, tables, backups aside) before `done`.
  // Without records they are erased already: `done` waits for all erasures under way, and for a backup as they do, and
  // fails as they do.
  std::vector<Uuid> erase;
};

struct Appended {
  Position position;  // of the last record of the commit
  WorkspacePosition in_workspace;
  Timestamp time;  // of the last record
};

enum class AppendError {
  conflict,     // a stream has another version than expected: load again
  queue_full,   // try later; nothing was written
  unavailable,  // the disk failed (now or earlier): writes have stopped, nothing of this commit was acknowledged
  closed,       // shutting down
};

// One record as it stands in the log. Views are valid during the call that hands it out.
struct Record {
  Position position;
  WorkspacePosition in_workspace;  // system records: their number among themselves
  WorkspaceNumber workspace;
  Uuid stream;
  Version version;
  std::uint8_t type = kSystemRecord;
  bool imported = false;
  Timestamp time;
  UserId actor;
  EventId id;                               // null (all zero) when it is the derived one
  std::optional<std::string_view> payload;  // absent once erased
  std::string_view trace;                   // empty: none
  const Task* before = nullptr;             // as they came with the commit; views, for observers only
  const TaskEvent* event = nullptr;
};

struct Head {
  Position position;  // 0: an empty log
  Hash hash{};        // of the chain over the whole log
  Timestamp time;
};
struct WorkspaceHead {
  WorkspacePosition position;
  Hash hash{};     // of the workspace's own chain
  Timestamp time;  // the latest stamped by the server or imported
};

// Damage or failure of the disk, found while reading. `what` names the file or the position, for logs and operators.
struct ReadError {
  std::string what;
};
[[noreturn]] void throw_exception_from_error(const ReadError&, const boost::source_location&);

// Which events of a workspace a feed wants; all that are given must hold. `since` and `until` are included.
struct FeedFilter {
  std::optional<Uuid> stream;
  std::optional<UserId> actor;
  std::optional<std::uint8_t> type;
  std::optional<Timestamp> since, until;
  std::optional<WorkspacePosition> last;  // included
};

using Visitor = std::function<bool(const Record&)>;  // false: stop

class BulkAppend;  // bulk_append.h

class EventLog {
 public:
  using Appending = Result<Appended, AppendError>;
  using OnAppended = std::function<void(const Appending&)>;
  // Called after the records are durable, before the callbacks of their commits, in position order, once for each group
  // of commits; `records` are whole commits. All are told, in the order of observe();
  // set before the first append.
  using Observer = std::function<void(std::span<const Record>)>;

  virtual ~EventLog() = default;

  // Queues the commit; `done` is called exactly once: on the appender thread, of an erasure on the one that purges, or
  // at once on this one when the queue is full or the log is closed or failed.
  virtual void append(Commit commit, OnAppended done) = 0;
  virtual void observe(Observer observer) = 0;
  // For imports: see bulk_append.h. `queue_full`: another one is under way.
  [[nodiscard]] virtual Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber workspace) = 0;

  // Records of one stream from version `from` on, in order.
  virtual Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                              const Visitor& visit) const = 0;
  // Records of the whole log with position > after, up to `to` (included), in order.
  virtual Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const = 0;
  // Records of one workspace with position > after, in order.
  virtual Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                                 const Visitor& visit) const = 0;

  // The same, of those that match; skips what cannot match by index.
  virtual Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after,
                                            const FeedFilter& filter, const Visitor& visit) const = 0;

  [[nodiscard]] virtual Head head() const = 0;  // of what is durable
  [[nodiscard]] virtual WorkspaceHead workspace_head(WorkspaceNumber workspace) const = 0;
  // The chain hash after `position` (for checkpoints); nullopt when the log does not reach it.
  [[nodiscard]] virtual Result<std::optional<Hash>, ReadError> hash_at(Position position) const = 0;
  // The same of a workspace's own chain.
  [[nodiscard]] virtual Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                                                 WorkspacePosition position) const = 0;

  [[nodiscard]] virtual Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key) const = 0;

  // Why writes have stopped; nullopt while all is well.
  [[nodiscard]] virtual std::optional<std::string> failure() const = 0;
  // What needs an operator while writes go on, or most of them do; nullopt: nothing.
  [[nodiscard]] virtual std::optional<std::string> trouble() const { return std::nullopt; }
};

}  // namespace taskledger::storage
