#include "storage/backup.h"

#include <fmt/format.h>
#include <rocksdb/utilities/backup_engine.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "storage/erasure.h"
#include "storage/erasure_list.h"
#include "storage/file_lock.h"
#include "storage/files.h"
#include "storage/head_mark.h"
#include "storage/log_tables.h"
#include "storage/rocks_event_log.h"
#include "storage/sha256.h"
#include "storage/table_check.h"

namespace taskledger::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::BackupEngine;
using BackupReader = rocksdb::BackupEngineReadOnly;
using Backups = rocksdb::BackupEngineReadOnlyBase;  // either of them

constexpr std::string_view kMetadata = "taskledger ";  // then "position hash", of a head that the backup holds

ReadError cannot(std::string_view what, const fs::path& path, const std::error_code& error) {
  return {fmt::format("cannot {} {}: {}", what, path.string(), error.message())};
}

rocksdb::BackupEngineOptions engine_options(const fs::path& directory) {
  rocksdb::BackupEngineOptions options((directory / "log").string());
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.sync = true;
  return options;
}

Result<std::unique_ptr<BackupEngine>, ReadError> open_engine(const fs::path& directory) {
  BackupEngine* engine = nullptr;
  const auto status = BackupEngine::Open(engine_options(directory), rocksdb::Env::Default(), &engine);
  if (!status.ok()) return read_error(status);
  return std::unique_ptr<BackupEngine>(engine);
}

// Writes nothing there: the medium may be read-only, the backups somebody else's.
Result<std::unique_ptr<BackupReader>, ReadError> open_engine_to_read(const fs::path& directory) {
  BackupReader* engine = nullptr;
  const auto status = BackupReader::Open(engine_options(directory), rocksdb::Env::Default(), &engine);
  if (!status.ok()) return read_error(status);
  return std::unique_ptr<BackupReader>(engine);
}

std::string metadata_of(const Head& head) {
  return fmt::format("{}{} {}", kMetadata, head.position.value, to_hex(head.hash));
}

std::optional<HeadMark> mark_of(std::string_view metadata) {
  if (!metadata.starts_with(kMetadata)) return std::nullopt;
  metadata.remove_prefix(kMetadata.size());
  HeadMark mark;
  const auto number = std::from_chars(metadata.data(), metadata.data() + metadata.size(), mark.position.value);
  metadata.remove_prefix(static_cast<std::size_t>(number.ptr - metadata.data()));
  if (number.ec != std::errc{} || metadata.size() != 65) return std::nullopt;
  const auto hash = parse_hash(metadata.substr(1));
  if (!hash) return std::nullopt;
  mark.hash = *hash;
  return mark;
}

// The backups of one log, or of a log that goes on where it ended.
Result<void, ReadError> check_same_log(const BackupEngine& engine, const LogTables& tables, const Head& head,
                                       const fs::path& to) {
  rocksdb::BackupInfo latest;
  if (!engine.GetLatestBackupInfo(&latest).ok()) return {};
  const auto mark = mark_of(latest.app_metadata);
  if (!mark) return ReadError{fmt::format("{} holds backups of something else", to.string())};
  auto hash = tables.hash_at(mark->position, head);
  if (!hash) return hash.error();
  const bool same = mark->position.value == 0 || (*hash && **hash == mark->hash);
  if (!same)
    return ReadError{fmt::format(
        "{} holds backups of another log, or of one that went on differently: choose another directory", to.string())};
  return {};
}

// What is wrong with a backup that could not be read: RocksDB says which file it is when it looks at all of them.
ReadError unreadable(const Backups& engine, rocksdb::BackupID id, const fs::path& from, std::string what) {
  if (const auto checked = engine.VerifyBackup(id, /*verify_with_checksum=*/true); !checked.ok())
    what = checked.ToString();
  return {fmt::format("backup {} in {} {}: {}", id, from.string(),
                      what.starts_with("Corruption") ? "is damaged" : "cannot be read", what)};
}

// Where the log ends in a backup: read from the backup itself.
Result<Position, ReadError> end_of(const Backups& engine, rocksdb::BackupID id) {
  rocksdb::BackupInfo info;
  if (const auto status = engine.GetBackupInfo(id, &info, true); !status.ok()) return read_error(status);
  auto tables = LogTables::open_read_only(info.name_for_open, *info.env_for_open);
  if (!tables) return tables.error();
  auto heads = (*tables)->head_rows();
  if (!heads) return heads.error();
  if (auto whole = (*tables)->confirm_head(heads->head); !whole) return whole.error();
  return heads->head.position;
}

Result<void, ReadError> make_target(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_directory(path, error))
    return ReadError{path.string() + " is a file, not a directory"};
  if (auto made = make_directory(path); !made) return made.error();
  return {};
}

Result<void, ReadError> copy_small_file(const fs::path& from, const fs::path& to) {
  auto text = read_small_file(from);
  if (!text) return text.error();
  if (!*text) return ReadError{fmt::format("{} is missing", from.string())};
  return write_file_atomically(to, **text);
}

// That every table which the next backup will copy says what its checksums say: it would be copied as it is. Those that
// are in a backup already are not copied again.
Result<void, ReadError> check_tables(const LogTables& tables, const fs::path& to, const std::atomic<bool>* give_up) {
  std::set<std::string> copied;  // number and size: "000012_sM6SJL1VEY2UVHV6NZGMQ_1199.sst"
  std::error_code error;
  for (fs::directory_iterator it(to / "log/shared_checksum", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    copied.insert(name.substr(0, name.find('_')) + name.substr(name.rfind('_') + 1));
  }
  for (auto* family : tables.all()) {
    rocksdb::ColumnFamilyMetaData all;
    tables.db().GetColumnFamilyMetaData(family, &all);
    for (const auto& level : all.levels) {
      for (const auto& file : level.files) {
        if (give_up != nullptr && *give_up) return ReadError{"the backup was stopped"};
        const fs::path path = file.db_path + file.name;
        if (copied.contains(path.stem().string() + std::to_string(file.size) + ".sst")) continue;
        const auto status = check_table(tables.db(), family, path.string());
        // One that was merged with others meanwhile is gone, and will not be copied.
        if (status.ok() || !fs::exists(path, error)) continue;
        return ReadError{fmt::format("{} is damaged, so nothing is backed up: {}", path.string(), status.ToString())};
      }
    }
  }
  return {};
}

constexpr std::string_view kKeyFile = "secret.key";
// With a backup's id behind it: the key that the data had up to that backup; empty: none. Later ones have kKeyFile, or
// none where that is not there.
constexpr std::string_view kKeyUpTo = "secret.key.up-to-";

// A key that is kept apart from the data stays apart from the backups. Those before keep the one that they had.
Result<void, ReadError> copy_key(const fs::path& from, const fs::path& to, rocksdb::BackupID last) {
  const auto now = read_small_file(from / kKeyFile), before = read_small_file(to / kKeyFile);
  if (!now) return now.error();
  if (!before) return before.error();
  if (*now == *before) return {};
  const fs::path kept = to / (std::string(kKeyUpTo) + std::to_string(last));
  std::error_code error;
  // One that is there is the right one: a backup with another key was begun since, and did not come to its end.
  if (last != 0 && !fs::exists(kept, error)) {
    if (auto written = write_file_atomically(kept, before->value_or(std::string())); !written) return written;
  }
  if (*now) return write_file_atomically(to / kKeyFile, **now);
  fs::remove(to / kKeyFile, error);
  return {};
}

// The file with the key of a backup; it may be absent or empty.
fs::path key_of(const fs::path& backups, rocksdb::BackupID id) {
  std::optional<rocksdb::BackupID> up_to;
  std::error_code error;
  for (fs::directory_iterator it(backups, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kKeyUpTo)) continue;
    rocksdb::BackupID number = 0;
    const auto read = std::from_chars(name.data() + kKeyUpTo.size(), name.data() + name.size(), number);
    const bool whole = read.ec == std::errc{} && read.ptr == name.data() + name.size();
    if (whole && number >= id) up_to = std::min(up_to.value_or(number), number);
  }
  return backups / (up_to ? std::string(kKeyUpTo) + std::to_string(*up_to) : std::string(kKeyFile));
}

Result<void, ReadError> restore_key(const fs::path& backups, rocksdb::BackupID id, const fs::path& data) {
  const auto key = read_small_file(key_of(backups, id));
  if (!key) return key.error();
  if (!*key || (*key)->empty()) return {};
  return write_file_atomically(data / kKeyFile, **key);
}

rocksdb::BackupID last_id(const BackupEngine& engine) {
  rocksdb::BackupInfo info;
  return engine.GetLatestBackupInfo(&info).ok() ? info.backup_id : 0;
}

// What could not be opened once it is restored.
Result<void, ReadError> check_small_files(const fs::path& from, rocksdb::BackupID id) {
  const fs::path file = from / "format";
  auto text = read_small_file(file);
  if (!text) return text.error();
  if (!*text) return ReadError{fmt::format("{} is missing", file.string())};
  if (auto checked = check_format(**text, file, "what is backed up in " + from.string()); !checked) return checked;
  const fs::path key_file = key_of(from, id);
  auto text_of_key = read_small_file(key_file);
  if (!text_of_key) return text_of_key.error();
  if (!*text_of_key || (*text_of_key)->empty()) return {};
  if (auto key = read_secret_key(key_file); !key) return key.error();
  return {};
}

// Whether there is nothing but the file that says that a restore is under way.
Result<bool, ReadError> is_free(const fs::path& data) {
  std::error_code error;
  for (fs::directory_iterator it(data, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename() != kRestoringFile) return false;
  }
  if (error) return cannot("read", data, error);
  return true;
}

// What a restore makes, whole and while it is written.
constexpr const char* kRestored[] = {"log",        "head",       "head.new",       "format",
                                     "format.new", "secret.key", "secret.key.new", kErasuresFile};

// Makes `data` ready to take a restore, and holds the file that says what is under way, which is never replaced. Of two
// restores one goes no further than to open it. It says something once the directory is known to be free: one that says
// nothing is new, whoever made it, and no leave to remove anything.
Result<FileLock, ReadError> begin_restore(const fs::path& data) {
  if (auto made = make_target(data); !made) return made.error();
  std::error_code error;
  const fs::path marker = data / kRestoringFile;
  const ReadError not_empty{fmt::format("data directory {} is not empty: restore makes a new one", data.string())};
  const bool begun = fs::exists(marker, error);
  if (error) return cannot("read", marker, error);
  auto free = is_free(data);
  if (!free) return free.error();
  if (!begun && !*free) return not_empty;
  auto lock = FileLock::alone(marker, fmt::format("another restore into {} is under way", data.string()));
  if (!lock) return lock;
  auto text = lock->text();
  if (!text) return text.error();
  if (text->empty()) {
    free = is_free(data);  // now that nobody else restores into it
    if (!free) return free.error();
    if (!*free) {
      fs::remove(marker, error);
      return not_empty;
    }
    if (auto marked = lock->set_text("a restore into this directory did not end\n"); !marked) return marked.error();
  }
  for (const char* name : kRestored) {
    fs::remove_all(data / name, error);
    if (error) return cannot("remove", data / name, error);
  }
  return lock;
}

Result<rocksdb::BackupInfo, ReadError> find_backup(const Backups& engine, const std::string& id, const fs::path& from) {
  rocksdb::BackupInfo info;
  std::vector<rocksdb::BackupID> damaged;
  engine.GetCorruptedBackups(&damaged);
  const auto is_damaged = [&](rocksdb::BackupID number) {
    return ReadError{fmt::format("backup {} in {} is damaged: a file of it is missing or was changed{}", number,
                                 from.string(), id.empty() ? "; --id names another one" : "")};
  };
  if (id.empty()) {
    const bool there = engine.GetLatestBackupInfo(&info).ok();
    const auto latest = std::max_element(damaged.begin(), damaged.end());
    if (latest != damaged.end() && (!there || *latest > info.backup_id)) return is_damaged(*latest);
    if (!there) return ReadError{fmt::format("{} holds no backup", from.string())};
    return info;
  }
  rocksdb::BackupID number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (std::find(damaged.begin(), damaged.end(), number) != damaged.end()) return is_damaged(number);
  if (error != std::errc{} || end != id.data() + id.size() || !engine.GetBackupInfo(number, &info).ok()) {
    return ReadError{fmt::format("{} holds no backup {}", from.string(), id)};
  }
  return info;
}

// What the lists name: the one that the backups have, and the one that is given.
Result<std::vector<Erasure>, ReadError> listed_erasures(const fs::path& from, const RestoreSettings& settings) {
  auto all = read_erasures(from / kErasuresFile);
  if (!all || settings.erasures.empty()) return all;
  if (auto checked = check_erasures(settings.erasures); !checked) return checked.error();
  const auto given = read_erasures(settings.erasures);
  if (!given) return given.error();
  all->insert(all->end(), given->begin(), given->end());
  return all;
}

// In the restored log.
Result<void, ReadError> erase_again(std::span<const Erasure> erasures, const RestoreSettings& settings,
                                    BackedUp& restored) {
  const fs::path list = restored.path / kErasuresFile;
  if (auto added = add_erasures(list, erasures); !added) return added;
  auto listed = read_erasures(list);
  if (!listed) return listed.error();
  if (listed->empty()) return {};
  auto directory =
      DataDirectory::open(restored.path, {DataDirectory::Access::exclusive, {}, settings.random, /*restoring=*/true});
  if (!directory) return directory.error();
  LogOptions options;
  options.clock = settings.clock;
  options.random = settings.random;
  auto log = open_event_log(**directory, std::move(options));
  if (!log) return log.error();
  auto erased = erase_listed(**log, *listed);
  if (!erased) return erased.error();
  restored.erased = *erased;
  restored.position = (*log)->head().position;
  return {};
}

}  // namespace

// RocksDB reads a backup back by absolute paths only.
Result<BackedUp, ReadError> back_up_tables(const LogTables& tables, const DataDirectory& from, const Head& durable,
                                           const fs::path& given, const std::atomic<bool>* give_up) {
  const fs::path to = fs::absolute(given);
  std::error_code error;
  const fs::path log = fs::weakly_canonical(from.log(), error), views = fs::weakly_canonical(from.views(), error);
  for (fs::path above = fs::weakly_canonical(to, error); above.has_relative_path(); above = above.parent_path()) {
    if (above == log || above == views)
      return ReadError{fmt::format("{} is a place of the data directory's own, none for backups", to.string())};
  }
  if (auto made = make_target(to); !made) return made.error();
  if (fs::exists(to / "head", error))
    return ReadError{fmt::format("{} is a data directory, no place for backups", to.string())};
  const auto lock =
      FileLock::alone(to / "lock", fmt::format("a backup to {}, or a restore from it, is under way", to.string()));
  if (!lock) return lock.error();
  auto engine = open_engine(to);
  if (!engine) return engine.error();
  if (auto same = check_same_log(**engine, tables, durable, to); !same) return same.error();
  if (const auto status = (*engine)->GarbageCollect(); !status.ok()) return read_error(status);
  if (auto checked = check_tables(tables, to, give_up); !checked) return checked.error();
  if (auto copied = copy_small_file(from.path() / "format", to / "format"); !copied) return copied.error();
  if (auto copied = copy_key(from.path(), to, last_id(**engine)); !copied) return copied.error();
  const auto list_erasures = [&]() -> Result<void, ReadError> {
    const auto listed = read_erasures(from.path() / kErasuresFile);
    if (!listed) return listed.error();
    if (auto added = add_erasures(to / kErasuresFile, *listed); !added) return added;
    const auto logged = erasures_of(tables);  // the list may have been lost meanwhile
    if (logged) return add_erasures(to / kErasuresFile, *logged);
    // A log with a damaged record can be backed up, too.
    spdlog::warn("the list of erasures beside the backup is not compared with the log: {}", logged.error().what);
    return {};
  };
  if (auto listed = list_erasures(); !listed) return listed.error();
  rocksdb::CreateBackupOptions options;
  options.flush_before_backup = true;
  options.progress_callback = [&engine, give_up] {
    if (give_up != nullptr && *give_up) (*engine)->StopBackup();
  };
  rocksdb::BackupID id = 0;
  const auto status = (*engine)->CreateNewBackupWithMetadata(options, &tables.db(), metadata_of(durable), &id);
  // Again: what was erased meanwhile may have been copied before. (It is answered after this: see
  // Eraser::hold_answers.)
  if (auto listed = list_erasures(); !listed) return listed.error();
  if (!status.ok()) return read_error(status);
  auto end = end_of(**engine, id);
  if (!end) return end.error();
  return BackedUp{std::to_string(id), *end, to};
}

Result<BackedUp, ReadError> restore_backup(const fs::path& given, const fs::path& data,
                                           const RestoreSettings& settings) {
  const fs::path from = fs::absolute(given);
  std::error_code error;
  const bool there = fs::is_directory(from / "log", error);
  if (error && error != std::errc::no_such_file_or_directory) return cannot("read", from, error);
  if (!there) return ReadError{fmt::format("{} holds no backup", from.string())};
  const auto lock = FileLock::shared(from / "lock", fmt::format("a backup to {} is under way", from.string()));
  if (!lock) return lock.error();
  auto engine = open_engine_to_read(from);
  if (!engine) return engine.error();
  auto info = find_backup(**engine, settings.id, from);
  if (!info) return info.error();
  const auto mark = mark_of(info->app_metadata);
  if (!mark) return ReadError{fmt::format("{} holds backups of something else", from.string())};
  auto end = end_of(**engine, info->backup_id);
  if (!end) return unreadable(**engine, info->backup_id, from, end.error().what);
  if (auto checked = check_small_files(from, info->backup_id); !checked) return checked.error();
  const auto erasures = listed_erasures(from, settings);
  if (!erasures) return erasures.error();

  const auto target = begin_restore(data);
  if (!target) return target.error();
  const auto log = (data / "log").string();
  const auto status = (*engine)->RestoreDBFromBackup(rocksdb::RestoreOptions(), info->backup_id, log, log);
  if (status.IsCorruption()) return unreadable(**engine, info->backup_id, from, status.ToString());
  if (!status.ok()) return read_error(status);
  if (auto copied = restore_key(from, info->backup_id, data); !copied) return copied.error();
  if (mark->position.value > 0) {
    if (auto written = write_head_mark(data / "head", *mark); !written) return written.error();
  }
  if (auto copied = copy_small_file(from / "format", data / "format"); !copied) return copied.error();
  BackedUp restored{std::to_string(info->backup_id), *end, data};
  if (auto erased = erase_again(*erasures, settings, restored); !erased) return erased.error();
  if (!fs::remove(data / kRestoringFile, error)) return cannot("remove", data / kRestoringFile, error);
  // Back after a power cut, it would have what is written from now on restored over.
  if (auto synced = sync_folder_of(data / kRestoringFile); !synced) return synced.error();
  return restored;
}

}  // namespace taskledger::storage
