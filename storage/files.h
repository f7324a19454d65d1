// Small files, written whole: a crash leaves the old text or the new one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "storage/event_log.h"

namespace taskledger::storage {

// Writes beside it, syncs, renames, syncs the directory. `mode` of a new file.
Result<void, ReadError> write_file_atomically(const std::filesystem::path& path, std::string_view text,
                                              unsigned mode = 0600);
// Adds lines at the end, and syncs; a last line that a crash cut off is ended first. A crash leaves some of them, of
// which the last may be cut off.
Result<void, ReadError> append_lines(const std::filesystem::path& path, std::string_view lines);
// nullopt: no such file.
[[nodiscard]] Result<std::optional<std::string>, ReadError> read_small_file(const std::filesystem::path& path);

}  // namespace taskledger::storage
