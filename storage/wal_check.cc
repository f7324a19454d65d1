#include "storage/wal_check.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "storage/files.h"
#include "storage/keys.h"
#include "storage/log_tables.h"
#include "storage/wal_format.h"

namespace taskledger::storage {
namespace {

using namespace wal;

// Finds the log's head in the batches that it is shown.
class HeadFinder : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    constexpr std::uint32_t kHeads = 0;  // RocksDB's default family
    if (family == kHeads && key.ToStringView() == keys::kGlobalHead && value.size() >= sizeof(std::uint64_t))
      head_ = Position{get_int<std::uint64_t>(value.data())};
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override { return rocksdb::Status::OK(); }
  rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  void LogData(const rocksdb::Slice&) override {}
  [[nodiscard]] std::optional<Position> head() const { return head_; }

 private:
  std::optional<Position> head_;
};

// Of what scan() found whole.
Result<void, ReadError> visit_records(std::string_view whole, const WalVisitor& visit) {
  std::string record;
  for (std::size_t at = 0; at < whole.size();) {
    const auto found = fragment_at(whole, at);
    if (!found) {  // the block's trailer
      at = (at / kBlock + 1) * kBlock;
      continue;
    }
    if (starts_record(*found)) record.clear();
    if (found->type <= last) record += whole.substr(at + kHeader, found->size - kHeader);
    at += found->size;
    if (found->type != full && found->type != last) continue;
    if (auto visited = visit(record); !visited) return visited;
  }
  return {};
}

// The head that the last of the whole records in `whole` left; nullopt: none of them moved it.
std::optional<Position> last_head(std::string_view whole) {
  HeadFinder finder;
  static_cast<void>(visit_records(whole, [&](std::string_view record) -> Result<void, ReadError> {
    static_cast<void>(rocksdb::WriteBatch(std::string(record)).Iterate(&finder));
    return {};
  }));
  return finder.head();
}

struct Scan {
  std::size_t whole = 0;              // end of the last whole logical record
  std::optional<std::size_t> damage;  // where the first bad fragment begins
};

Scan scan(std::string_view file) {
  Scan result;
  bool inside = false;
  std::size_t at = 0;
  while (at < file.size()) {
    const std::size_t block_end = (at / kBlock + 1) * kBlock;
    if (block_end - at < kHeader) {  // the block's trailer
      at = block_end;
      continue;
    }
    const auto found = fragment_at(file, at);
    const bool in_order =
        found && (found->type == full || found->type == first ? !inside : found->type > last || inside);
    if (!found || !in_order) {
      if (inside || !only_zeros(file.substr(at))) result.damage = at;
      return result;
    }
    at += found->size;
    inside = found->type == first || found->type == middle;
    if (!inside) result.whole = at;
  }
  if (inside) result.damage = file.size();
  return result;
}

// RocksDB's file systems cannot truncate; the whole records are written beside the file and renamed over it.
Result<void, ReadError> cut_to(rocksdb::Env& env, const std::string& path, std::string_view whole) {
  const auto temporary = path.substr(0, path.size() - 4) + ".dbtmp";  // a name that RocksDB cleans away after a crash
  auto status =
      rocksdb::WriteStringToFile(&env, rocksdb::Slice(whole.data(), whole.size()), temporary, /*should_sync=*/true);
  if (status.ok()) status = env.RenameFile(temporary, path);
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env.NewDirectory(path.substr(0, path.rfind('/')), &directory);
  if (status.ok()) status = directory->Fsync();
  if (!status.ok()) return read_error(status);
  return {};
}

// nullopt: it is not there; the writer beside us needs it no more.
Result<std::optional<std::string>, ReadError> read_wal(rocksdb::Env& env, const std::string& path) {
  std::string content;
  const auto status = rocksdb::ReadFileToString(&env, path, &content);
  if (status.IsNotFound() || status.IsPathNotFound()) return std::optional<std::string>();
  if (!status.ok()) return read_error(status);
  return std::optional(std::move(content));
}

// Also in the files after it.
Result<Behind, ReadError> behind(rocksdb::Env& env, std::string_view content, std::size_t damage,
                                 std::span<const std::string> later) {
  Behind all = records_from(content, damage + 1);
  for (const auto& path : later) {
    const auto next = read_wal(env, path);
    if (!next) return next.error();
    const Behind found = records_from(next->value_or(""), 0);
    all = {all.any || found.any, all.all_synced || found.all_synced, std::max(all.told, found.told)};
  }
  return all;
}

// Where the whole records ahead of some damage leave the head; nullopt: none of them moved it.
Result<std::optional<Position>, ReadError> head_before(rocksdb::Env& env, std::string_view whole,
                                                       std::span<const std::string> earlier) {
  auto head = last_head(whole);
  for (std::size_t i = earlier.size(); i-- > 0 && !head;) {
    const auto content = read_wal(env, earlier[i]);
    if (!content) return content.error();
    if (*content) head = last_head(std::string_view(**content).substr(0, scan(**content).whole));
  }
  return head;
}

// Those after it go first: until it is cut itself the same will be found again.
Result<void, ReadError> cut(rocksdb::Env& env, const std::string& path, std::string_view whole,
                            std::span<const std::string> later) {
  for (std::size_t i = later.size(); i-- > 0;) {
    if (auto emptied = cut_to(env, later[i], {}); !emptied) return emptied;
  }
  return cut_to(env, path, whole);
}

// In their order.
std::vector<std::string> wals_in(rocksdb::Env& env, const std::string& directory) {
  std::vector<std::string> names, paths;
  if (!env.GetChildren(directory, &names).ok()) return paths;
  std::erase_if(names, [](const auto& name) { return !is_numbered(name, ".log"); });
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return std::stoull(a) < std::stoull(b); });
  for (const auto& name : names) paths.push_back(directory + "/" + name);
  return paths;
}

}  // namespace

void note_synced(rocksdb::WriteBatch& batch, Position before) {
  std::string note(kUnsynced);
  if (before.value > 0) put_int(note, before.value);
  static_cast<void>(batch.PutLogData(note));
}

Result<std::optional<TornWal>, ReadError> check_wal(const std::string& directory, WalTail tail, Position mark,
                                                    rocksdb::Env* given, const WalVisitor& visit) {
  rocksdb::Env& env = given ? *given : *rocksdb::Env::Default();
  const auto paths = wals_in(env, directory);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto content = read_wal(env, paths[i]);
    if (!content) return content.error();
    if (!*content) continue;
    const Scan result = scan(**content);
    const std::string_view whole = std::string_view(**content).substr(0, result.whole);
    std::optional<TornWal> torn;
    const auto later = std::span(paths).subspan(i + 1);
    if (result.damage) {
      const std::size_t damage = std::min(*result.damage, (*content)->size());
      const auto follows = behind(env, **content, damage, later);
      if (!follows) return follows.error();
      const auto head = head_before(env, whole, std::span(paths).first(i));
      if (!head) return head.error();
      const Position synced = std::max(mark, Position{follows->told});
      // A log whose head is not known, and ends before that, is refused for it (head_check.h).
      if (follows->all_synced || (follows->any && head->value_or(synced) < synced))
        return ReadError{
            fmt::format("{}: damaged at byte {}, before records that were acknowledged", paths[i], damage)};
      torn = TornWal{fmt::format("{} is torn at byte {}", paths[i], damage), {follows->told}};
      if (follows->any && tail == WalTail::keep)
        return ReadError{torn->where + ", in what was not synced: the next start of the server cuts it off"};
    }
    if (visit) {
      if (auto visited = visit_records(whole, visit); !visited) return visited.error();
    }
    if (!torn) continue;
    if (tail == WalTail::drop_torn) {
      if (auto gone = cut(env, paths[i], whole, later); !gone) return gone.error();
    }
    return torn;
  }
  return std::optional<TornWal>();
}

}  // namespace taskledger::storage
