// Small files, written whole: a crash leaves the old text or the new one.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_log.h"

namespace taskledger::storage {

// Writes beside it, syncs, renames, syncs the directory. `mode` of a new file.
Result<void, ReadError> write_file_atomically(const std::filesystem::path& path, std::string_view text,
                                              unsigned mode = 0600);
// Adds lines at the end, and syncs. A crash leaves some of them, of which the last may be cut off: that one goes with
// the next call, unless it `is_whole` but for its end.
Result<void, ReadError> append_lines(const std::filesystem::path& path, std::string_view lines,
                                     const std::function<bool(const std::string&)>& is_whole);
// Makes the directory (mode 0700) and those above it that are missing; they are there after a power cut too. What it
// made, outermost first: nothing, where it was there.
Result<std::vector<std::filesystem::path>, ReadError> make_directory(const std::filesystem::path& path);
// What was made, renamed or removed at `path` is so after a power cut too.
Result<void, ReadError> sync_folder_of(const std::filesystem::path& path);
// Whether a file's name is a number and `ending`, as RocksDB names its tables (.sst) and WALs (.log).
[[nodiscard]] bool is_numbered(std::string_view name, std::string_view ending);
// nullopt: no such file.
[[nodiscard]] Result<std::optional<std::string>, ReadError> read_small_file(const std::filesystem::path& path);

}  // namespace taskledger::storage
