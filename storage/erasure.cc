#include "storage/erasure.h"

#include <set>
#include <utility>

#include "storage/fenced_file_system.h"
#include "storage/keys.h"
#include "storage/obsolete_files.h"
#include "storage/small_tables.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

constexpr std::uint64_t kNeighbours = 1000;  // positions this near to each other are purged as one range

void note(std::vector<ErasedRange>& erased, Position position) {
  if (!erased.empty() && position >= erased.back().first && position.value <= erased.back().last.value + kNeighbours) {
    erased.back().last = std::max(erased.back().last, position);
  } else {
    erased.push_back({position, position});
  }
}

}  // namespace

Result<void, ReadError> replace_payloads(const LogTables& tables, WorkspaceNumber workspace, const Uuid& stream,
                                         Position head, rocksdb::WriteBatch& batch, std::vector<ErasedRange>& erased) {
  std::vector<Position> positions;
  auto read = tables.read_stream(workspace, stream, {1}, head, [&](const Record& record) {
    if (record.payload) positions.push_back(record.position);
    return true;
  });
  if (!read) return read;
  for (const auto position : positions) {
    auto bytes = tables.event_bytes(position);
    if (!bytes) return bytes.error();
    const auto decoded = *bytes ? decode_record(position, **bytes) : std::nullopt;
    if (!decoded) return damaged(position, "record is damaged");
    batch.Put(tables.events, keys::event(position), erase_payload(*decoded));
    note(erased, position);
  }
  return {};
}

Result<std::vector<ErasedRange>, ReadError> pending_erasures(const LogTables& tables) {
  std::vector<ErasedRange> ranges;
  std::unique_ptr<rocksdb::Iterator> it(tables.db().NewIterator({}, tables.heads));
  for (it->Seek("E"); it->Valid() && it->key().size() == 17 && it->key()[0] == 'E'; it->Next()) {
    ranges.push_back({{get_int<std::uint64_t>(it->key().data() + 1)}, {get_int<std::uint64_t>(it->key().data() + 9)}});
  }
  if (!it->status().ok()) return read_error(it->status());
  return ranges;
}

Result<std::vector<Erasure>, ReadError> erasures_in(const LogTables& tables, const std::vector<ErasedRange>& ranges) {
  std::set<std::pair<WorkspaceNumber, Uuid>> streams;
  for (const ErasedRange& range : ranges) {
    auto walked = tables.walk({range.first.value - 1}, range.last, [&](const DecodedRecord& decoded) {
      const Record& record = decoded.record;
      if (!record.payload && record.type != kSystemRecord) streams.insert({record.workspace, record.stream});
      return true;
    });
    if (!walked) return walked.error();
  }
  std::vector<Erasure> erasures;
  for (const auto& [workspace, stream] : streams) {
    auto read = tables.read_stream(workspace, stream, {1}, {UINT64_MAX}, [&](const Record& record) {
      if (record.type == static_cast<std::uint8_t>(EventType::task_erased))
        erasures.push_back({record.workspace, record.stream, record.actor, record.time});
      return true;
    });
    if (!read) return read.error();
  }
  return erasures;
}

Result<std::vector<Erasure>, ReadError> erasures_of(const LogTables& tables) {
  const auto heads = tables.head_rows();
  if (!heads) return heads.error();
  FeedFilter filter;
  filter.type = static_cast<std::uint8_t>(EventType::task_erased);
  std::vector<Erasure> erasures;
  for (const auto& [workspace, tip] : heads->workspaces) {
    if (workspace == kSystemWorkspace) continue;
    auto read = tables.read_workspace(workspace, {}, tip.head.position, &filter, [&](const Record& record) {
      erasures.push_back({record.workspace, record.stream, record.actor, record.time});
      return true;
    });
    if (!read) return read.error();
  }
  return erasures;
}

Result<void, ReadError> purge(const LogTables& tables, const std::vector<ErasedRange>& ranges,
                              const std::atomic<bool>& give_up) {
  if (ranges.empty()) return {};
  const std::lock_guard rewriting(tables.rewriting());
  auto& db = tables.db();
  std::vector<std::string> files = write_ahead_logs(db);
  auto status = db.Flush({}, tables.all());  // all tables, so that no WAL is needed any more
  for (const auto& range : ranges) {
    if (!status.ok()) break;
    const auto first = keys::event(range.first), last = keys::event(range.last);
    status = rewrite_tables(db, tables.events, first, last, files);
  }
  if (!status.ok()) return read_error(status);
  if (auto removed = wait_until_removed(db, files, give_up); !removed) return removed;
  if (!tables.are_in_place()) return ReadError{kNotInPlace};  // where they went, they may be there still
  rocksdb::WriteBatch batch;
  note_synced(batch, {});
  for (const auto& range : ranges) batch.Delete(tables.heads, keys::erasure(range.first, range.last));
  rocksdb::WriteOptions write;
  write.sync = true;
  status = tables.write(write, batch);
  if (!status.ok()) return read_error(status);
  return {};
}

Eraser::Eraser(const LogTables& tables, std::filesystem::path list)
    : tables_(tables), list_(std::move(list)), thread_([this] { run(); }) {}

Eraser::~Eraser() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Eraser::purge_later(std::vector<ErasedRange> ranges, std::vector<Erasure> erasures, Done done) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(ranges), std::move(erasures), std::move(done)});
  }
  wake_.notify_all();
}

// One that was lost is made whole, as far as the log can be read.
Result<void, ReadError> Eraser::list(const std::vector<Erasure>& erasures) {
  if (!erasures.empty() && !list_.is_there()) {
    if (const auto all = erasures_of(tables_)) {
      if (auto added = list_.add(*all); !added) return added;
    }
  }
  return list_.add(erasures);
}

void Eraser::run() {
  std::size_t purges = 0;
  Result<void, ReadError> done;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::vector<Job> jobs;
    jobs.swap(jobs_);
    lock.unlock();
    // Together: each costs as much as all of them.
    Job all;
    for (const Job& job : jobs) {
      all.ranges.insert(all.ranges.end(), job.ranges.begin(), job.ranges.end());
      all.erasures.insert(all.erasures.end(), job.erasures.begin(), job.erasures.end());
    }
    // The list is written by path; the files of the tables are looked after (fenced_file_system.h).
    if (done && !tables_.are_in_place()) done = ReadError{kNotInPlace};
    if (done) done = list(all.erasures);
    if (done) done = purge(tables_, all.ranges, closing_);
    {
      const std::lock_guard answering(answering_);
      for (const Job& job : jobs) job.done(done);
    }
    // Each flushed, and none lets others merge while it lasts.
    purges += all.ranges.empty() ? 0 : 1;
    if (!all.ranges.empty() && purges % kManySmallTables == 0 && !closing_) {
      const std::lock_guard rewriting(tables_.rewriting());
      merge_small_tables(tables_.db(), tables_.all());
    }
    lock.lock();
  }
}

}  // namespace taskledger::storage
