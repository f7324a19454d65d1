// flock(2) on a file, without waiting; released when this goes, and whenever the process ends.
// Failure: a ReadError with one line for the operator; that another holds it is told from what else can be wrong (a
// file that may not be opened, a file system without locks).
#pragma once

#include <filesystem>
#include <string>

#include "storage/event_log.h"

namespace taskledger::storage {

class FileLock {
 public:
  // Makes the file where there is none. `if_held`: the error when somebody else has it.
  [[nodiscard]] static Result<FileLock, ReadError> alone(const std::filesystem::path& file, const std::string& if_held);
  // Beside others who do the same. Asks for no more than to read the file, and where there is none nobody holds it.
  [[nodiscard]] static Result<FileLock, ReadError> shared(const std::filesystem::path& file,
                                                          const std::string& if_held);

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  static Result<FileLock, ReadError> take(int fd, const std::filesystem::path& file, int how,
                                          const std::string& if_held);
  int fd_;
};

}  // namespace taskledger::storage
