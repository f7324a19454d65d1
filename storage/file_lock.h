// flock(2) on a file, without waiting; released when this goes, and whenever the process ends. Held of the file that
// has the name: one that is removed or replaced while it is opened is none.
// Failure: a ReadError with one line for the operator; that another holds it is told from what else can be wrong (a
// file that may not be opened, a file system without locks).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/event_log.h"

namespace taskledger::storage {

// Whether `file` names what `fd` has open; nullopt: it cannot be told.
[[nodiscard]] std::optional<bool> names(const std::filesystem::path& file, int fd);

class FileLock {
 public:
  // Makes the file where there is none. `if_held`: the error when somebody else has it.
  [[nodiscard]] static Result<FileLock, ReadError> alone(const std::filesystem::path& file, const std::string& if_held);
  // Beside others who do the same. Asks for no more than to read the file, and where there is none nobody holds it.
  [[nodiscard]] static Result<FileLock, ReadError> shared(const std::filesystem::path& file,
                                                          const std::string& if_held);

  // What the holder says in the file, which is written in place and synced, its name too. Only of alone().
  [[nodiscard]] Result<std::string, ReadError> text() const;
  Result<void, ReadError> set_text(std::string_view text) const;

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  FileLock(int fd, std::filesystem::path file) : fd_(fd), file_(std::move(file)) {}
  static Result<FileLock, ReadError> take(int fd, const std::filesystem::path& file, int how,
                                          const std::string& if_held);
  [[nodiscard]] bool has_the_name() const;
  int fd_;
  std::filesystem::path file_;
};

}  // namespace taskledger::storage
