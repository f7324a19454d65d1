#include "storage/wal_check.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <optional>
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

struct WalFile {
  std::string path;
  bool newest = false;  // or emptied by a switch after it
};

// Whether no record begins it: nothing but zeros was written, or what was is torn. False too where that cannot be told.
bool is_unwritten(rocksdb::Env& env, const std::string& path) {
  std::unique_ptr<rocksdb::SequentialFile> file;
  if (!env.NewSequentialFile(path, &file, rocksdb::EnvOptions()).ok()) return false;
  rocksdb::Slice start;
  std::array<char, kHeader> bytes;
  return file->Read(bytes.size(), &start, bytes.data()).ok() && only_zeros(start.ToStringView());
}

// Fills in `torn` where it is.
Result<void, ReadError> check_file(rocksdb::Env& env, const WalFile& file, WalTail tail, Position mark,
                                   const WalVisitor& visit, std::optional<TornWal>& torn) {
  const std::string& path = file.path;
  std::string content;
  const auto status = rocksdb::ReadFileToString(&env, path, &content);
  if (status.IsNotFound() || status.IsPathNotFound()) return {};  // the writer beside us needs it no more
  if (!status.ok()) return read_error(status);
  const Scan result = scan(content);
  const std::string_view whole = std::string_view(content).substr(0, result.whole);
  if (result.damage) {
    const std::size_t damage = std::min(*result.damage, content.size());
    const Behind follows = records_from(content, damage);
    const Position synced = std::max(mark, Position{follows.told});
    // Not known: none of its records moved the head. A log that then ends too early is refused for that (head_check.h).
    const bool damaged = follows.all_synced || (follows.any && last_head(whole).value_or(synced) < synced);
    if (!file.newest || damaged)
      return ReadError{fmt::format("{}: damaged at byte {}, before records that were acknowledged", path, damage)};
    torn = TornWal{fmt::format("{} is torn at byte {}", path, damage), {follows.told}};
    if (follows.any && tail == WalTail::keep)
      return ReadError{torn->where + ", in what was not synced: the next start of the server cuts it off"};
  }
  if (visit) {
    if (auto visited = visit_records(whole, visit); !visited) return visited;
  }
  if (!result.damage || tail != WalTail::drop_torn) return {};
  return cut_to(env, path, whole);
}

}  // namespace

void note_synced(rocksdb::WriteBatch& batch, Position before) {
  std::string note(kNote);
  if (before.value > 0) put_int(note, before.value);
  static_cast<void>(batch.PutLogData(note));
}

Result<std::optional<TornWal>, ReadError> check_wal(const std::string& directory, WalTail tail, Position mark,
                                                    rocksdb::Env* given, const WalVisitor& visit) {
  rocksdb::Env& env = given ? *given : *rocksdb::Env::Default();
  std::optional<TornWal> torn;
  std::vector<std::string> names, files;
  if (!env.GetChildren(directory, &names).ok()) return torn;
  for (const auto& name : names) {
    if (is_numbered(name, ".log")) files.push_back(name);
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return std::stoull(a) < std::stoull(b); });
  // Files that were emptied by a switch may follow the newest one with records. All before it were synced to their ends
  // before the next one was made (wal_writer.h).
  std::size_t newest = files.empty() ? 0 : files.size() - 1;
  while (newest > 0 && is_unwritten(env, directory + "/" + files[newest])) --newest;
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto checked = check_file(env, {directory + "/" + files[i], i >= newest}, tail, mark, visit, torn);
    if (!checked) return checked.error();
  }
  return torn;
}

}  // namespace taskledger::storage
