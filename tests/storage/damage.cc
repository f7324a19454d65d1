#include "tests/storage/damage.h"

#include <rocksdb/options.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "storage/bytes.h"
#include "storage/feed_block.h"
#include "storage/keys.h"
#include "storage/log_tables.h"
#include "storage/wal_format.h"
#include "tests/storage/log_fixture.h"

namespace taskledger::storage {
namespace {

std::unique_ptr<LogTables> open_tables(const std::filesystem::path& data) {
  auto tables = LogTables::open((data / "log").string(), {});
  if (!tables) throw std::runtime_error(tables.error().what);
  return std::move(*tables);
}

}  // namespace

void change_record(const std::filesystem::path& data, Position position, std::string_view from, std::string_view to) {
  const auto tables = open_tables(data);
  const auto stored = tables->event_bytes(position);
  if (!stored || !*stored) throw std::runtime_error("no such record");
  std::string bytes = **stored;
  const auto found = bytes.find(from);
  if (found == std::string::npos || from.size() != to.size())
    throw std::runtime_error("nothing to change in the record");
  bytes.replace(found, to.size(), to);
  const auto status = tables->db().Put({}, tables->events, keys::event(position), bytes);
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void erase_record(const std::filesystem::path& data, Position position) {
  const auto tables = open_tables(data);
  const auto stored = tables->event_bytes(position);
  const auto decoded = stored && *stored ? decode_record(position, **stored) : std::nullopt;
  if (!decoded) throw std::runtime_error("no such record");
  const auto status = tables->db().Put({}, tables->events, keys::event(position), erase_payload(*decoded));
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void remove_record(const std::filesystem::path& data, Position position) {
  const auto tables = open_tables(data);
  const auto status = tables->db().Delete({}, tables->events, keys::event(position));
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void empty_feed_block(const std::filesystem::path& data, WorkspaceNumber workspace, std::uint64_t block) {
  const auto tables = open_tables(data);
  const auto status = tables->db().Put({}, tables->blocks, keys::in_workspace(workspace, block), FeedBlock().encode());
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void remove_feed_block(const std::filesystem::path& data, WorkspaceNumber workspace, std::uint64_t block) {
  const auto tables = open_tables(data);
  const auto status = tables->db().Delete({}, tables->blocks, keys::in_workspace(workspace, block));
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void leave_damaged_leftover(const std::filesystem::path& data, WorkspaceNumber workspace, const Uuid& stream) {
  const auto tables = open_tables(data);
  const auto heads = tables->head_rows();
  if (!heads) throw std::runtime_error(heads.error().what);
  const Position position = heads->head.position.next();
  const std::uint64_t in_workspace = heads->workspaces.at(workspace).head.position.value + 1;
  std::string place;
  put_int(place, position.value);
  rocksdb::WriteBatch batch;
  batch.Put(tables->events, keys::event(position), "damaged");
  batch.Put(tables->streams, keys::stream(workspace, stream, {1}), place);
  batch.Put(tables->workspaces, keys::in_workspace(workspace, in_workspace), place);
  if (const auto status = tables->db().Write({}, &batch); !status.ok()) throw std::runtime_error(status.ToString());
}

void drop_reactors(const std::filesystem::path& data) {
  const auto tables = open_tables(data);
  const auto status = tables->db().DropColumnFamily(tables->reactors);
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void flush_log(const std::filesystem::path& data) {
  const auto tables = open_tables(data);
  const auto status = tables->db().Flush({}, tables->all());
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

std::uintmax_t end_of_content(const std::filesystem::path& file) {
  if (file.extension() != ".log") return std::filesystem::file_size(file);
  const std::string bytes = bytes_of(file);
  std::size_t at = 0;
  for (;;) {
    if (const auto fragment = wal::fragment_at(bytes, at)) {
      at += fragment->size;
    } else if (const std::size_t left = wal::kBlock - at % wal::kBlock; left < wal::kHeader) {
      at += left;
    } else {
      return std::min(at, bytes.size());
    }
  }
}

void zero_bytes(const std::filesystem::path& file, std::uintmax_t from, std::uintmax_t count) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(from))
      .write(std::string(count, '\0').data(), static_cast<std::streamsize>(count));
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

std::string flip_byte(const std::filesystem::path& folder, std::string_view extension, double fraction) {
  std::filesystem::path largest;
  std::uintmax_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != extension || end_of_content(entry) <= size) continue;
    largest = entry.path();
    size = end_of_content(entry);
  }
  if (size == 0) throw std::runtime_error("no file to damage in " + folder.string());
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  const auto offset = static_cast<std::streamoff>(static_cast<double>(size) * fraction);
  file.seekg(offset);
  const int byte = file.get();
  file.seekp(offset);
  file.put(static_cast<char>(byte ^ 0x5a));
  if (!file.flush()) throw std::runtime_error("cannot write " + largest.string());
  return largest.string();
}

}  // namespace taskledger::storage
