// Harm done to a data directory on purpose, for tests that nobody may go on as if nothing had happened.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/ids.h"

namespace taskledger::storage {

// Puts a changed payload under `position` through RocksDB, so that every checksum of its files is right: the first
// occurrence of `from` becomes `to` (of the same length). Throws std::runtime_error when there is none.
void change_record(const std::filesystem::path& data, Position position, std::string_view from, std::string_view to);

// Erases the payload under `position` as an erasure does, but for the record that says so; or takes the record away.
void erase_record(const std::filesystem::path& data, Position position);
void remove_record(const std::filesystem::path& data, Position position);

// Makes the feed's summary of a full block say that nothing is in it; or takes it away.
void empty_feed_block(const std::filesystem::path& data, WorkspaceNumber workspace, std::uint64_t block);
void remove_feed_block(const std::filesystem::path& data, WorkspaceNumber workspace, std::uint64_t block);

// What a bulk append that did not end may leave past the head, and its record cannot be read: one of `stream`.
void leave_damaged_leftover(const std::filesystem::path& data, WorkspaceNumber workspace, const Uuid& stream);

// Makes the log one from before the reactors had a table.
void drop_reactors(const std::filesystem::path& data);

// Moves everything that is in the log's WAL into table files.
void flush_log(const std::filesystem::path& data);

// Where the last record of a WAL ends, and the zeros begin that are yet to be written over; of any other file its size.
std::uintmax_t end_of_content(const std::filesystem::path& file);

// What a page that never got to the disk leaves of a file that was written over zeros. Goes beyond the end where there
// is less.
void zero_bytes(const std::filesystem::path& file, std::uintmax_t from, std::uintmax_t count);

// Turns one byte round at `fraction` (0 to 1) of the content of the largest file with that extension (".log", ".sst")
// under `folder`; its path.
std::string flip_byte(const std::filesystem::path& folder, std::string_view extension, double fraction = 0.5);

}  // namespace taskledger::storage
