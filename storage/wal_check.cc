#include "storage/wal_check.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "storage/crc32c.h"
#include "storage/files.h"
#include "storage/keys.h"
#include "storage/log_tables.h"

namespace taskledger::storage {
namespace {

constexpr std::size_t kBlock = 32768, kHeader = 7;
constexpr std::string_view kUnsynced = "unsynced";
enum Type : std::uint8_t { zero = 0, full = 1, first = 2, middle = 3, last = 4, max_type = 9 };

struct Fragment {
  std::uint8_t type;
  std::size_t size;  // with its header
};

std::uint32_t little_endian32(const char* bytes) {
  std::uint32_t value;
  std::memcpy(&value, bytes, 4);  // x86-64 and arm64: little-endian, as the file
  return value;
}

// A whole fragment with a right checksum at `at`.
std::optional<Fragment> fragment_at(std::string_view file, std::size_t at) {
  const std::size_t block_end = std::min(file.size(), (at / kBlock + 1) * kBlock);
  if (at + kHeader > block_end) return std::nullopt;
  const char* header = file.data() + at;
  const std::size_t size =
      static_cast<std::uint8_t>(header[4]) | static_cast<std::size_t>(static_cast<std::uint8_t>(header[5])) << 8;
  const auto type = static_cast<std::uint8_t>(header[6]);
  if (type == zero || type > max_type || at + kHeader + size > block_end) return std::nullopt;
  const std::uint32_t masked = little_endian32(header) - 0xa282ead8u;
  const std::uint32_t stored = (masked >> 17) | (masked << 15);
  if (crc32c(file.substr(at + 6, 1 + size)) != stored) return std::nullopt;
  return Fragment{type, kHeader + size};
}

bool starts_record(const Fragment& fragment) { return fragment.type == full || fragment.type == first; }

// Whether the record that begins with the fragment at `at` says that it was not synced.
bool is_unsynced(std::string_view file, std::size_t at, const Fragment& fragment) {
  constexpr std::size_t kBatchHeader = 12;
  std::string start(file.substr(at + kHeader, fragment.size - kHeader));
  if (fragment.type == first) {  // up to the end of its block: it may be short
    if (const auto next = fragment_at(file, at + fragment.size))
      start += file.substr(at + fragment.size + kHeader, next->size - kHeader);
  }
  const std::string note = {'\x03', static_cast<char>(kUnsynced.size())};
  return start.size() >= kBatchHeader && start.substr(kBatchHeader).starts_with(note + std::string(kUnsynced));
}

enum class Behind { nothing, unsynced, synced };

// What records begin after the damage at `damage`: in its block at any offset, later at fragments' places.
Behind behind(std::string_view file, std::size_t damage) {
  Behind found = Behind::nothing;
  const auto look_at = [&](std::size_t at, const Fragment& fragment) {
    if (!starts_record(fragment) || found == Behind::synced) return;
    found = is_unsynced(file, at, fragment) ? Behind::unsynced : Behind::synced;
  };
  const std::size_t block_end = std::min(file.size(), (damage / kBlock + 1) * kBlock);
  for (std::size_t at = damage + 1; at + kHeader <= block_end; ++at) {
    const auto fragment = fragment_at(file, at);
    if (!fragment) continue;
    look_at(at, *fragment);
    at += fragment->size - 1;
  }
  for (std::size_t block = (damage / kBlock + 1) * kBlock; block < file.size(); block += kBlock) {
    std::size_t at = block;
    while (const auto fragment = fragment_at(file, at)) {
      look_at(at, *fragment);
      at += fragment->size;
    }
  }
  return found;
}

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
      result.damage = at;
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

// Says in `torn` where it is.
Result<void, ReadError> check_file(rocksdb::Env& env, const WalFile& file, WalTail tail, Position mark,
                                   const WalVisitor& visit, std::optional<std::string>& torn) {
  const std::string& path = file.path;
  std::string content;
  const auto status = rocksdb::ReadFileToString(&env, path, &content);
  if (status.IsNotFound() || status.IsPathNotFound()) return {};  // the writer beside us needs it no more
  if (!status.ok()) return read_error(status);
  const Scan result = scan(content);
  const std::string_view whole = std::string_view(content).substr(0, result.whole);
  if (result.damage) {
    const std::size_t damage = std::min(*result.damage, content.size());
    Behind follows = file.newest ? behind(content, damage) : Behind::synced;
    // Not known: none of its records moved the head. A log that then ends before the mark is refused for that.
    if (follows == Behind::unsynced && last_head(whole).value_or(mark) < mark) follows = Behind::synced;
    if (follows == Behind::synced)
      return ReadError{fmt::format("{}: damaged at byte {}, before records that were acknowledged", path, damage)};
    torn = fmt::format("{} is torn at byte {}", path, damage);
    if (follows == Behind::unsynced && tail == WalTail::keep)
      return ReadError{*torn + ", in what was written without a sync: the next start of the server cuts it off"};
  }
  if (visit) {
    if (auto visited = visit_records(whole, visit); !visited) return visited;
  }
  if (!result.damage || tail != WalTail::drop_torn) return {};
  return cut_to(env, path, whole);
}

}  // namespace

void note_unsynced(rocksdb::WriteBatch& batch) {
  static_cast<void>(batch.PutLogData(rocksdb::Slice(kUnsynced.data(), kUnsynced.size())));
}

Result<std::optional<std::string>, ReadError> check_wal(const std::string& directory, WalTail tail, Position mark,
                                                        rocksdb::Env* given, const WalVisitor& visit) {
  rocksdb::Env& env = given ? *given : *rocksdb::Env::Default();
  std::optional<std::string> torn;
  std::vector<std::string> names, files;
  if (!env.GetChildren(directory, &names).ok()) return torn;
  for (const auto& name : names) {
    if (is_numbered(name, ".log")) files.push_back(name);
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return std::stoull(a) < std::stoull(b); });
  // Files that were emptied by a switch may follow the newest one with records.
  std::size_t newest = files.size();
  for (std::size_t i = files.size(); i-- > 0 && newest == files.size();) {
    std::uint64_t size = 0;
    if (!env.GetFileSize(directory + "/" + files[i], &size).ok() || size > 0) newest = i;
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto checked = check_file(env, {directory + "/" + files[i], i >= newest}, tail, mark, visit, torn);
    if (!checked) return checked.error();
  }
  return torn;
}

}  // namespace taskledger::storage
