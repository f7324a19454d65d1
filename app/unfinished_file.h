// A file that gets its name once it is whole: until then it is NAME.part, which goes when this does, and when SIGINT,
// SIGTERM or SIGHUP ends the process. At most one at a time in a process; two processes never write the same one.
#pragma once

#include <string>

namespace taskledger::app {

class UnfinishedFile {
 public:
  explicit UnfinishedFile(const std::string& name) : name_(name), path_(name + ".part") {}  // does nothing yet
  ~UnfinishedFile();
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  // A descriptor to write it by, empty, the caller's to close; -1 with errno when it cannot be made. Throws Failed when
  // another process is writing it. What an earlier one left behind is taken over.
  [[nodiscard]] int open();
  // Gives it its name, once it is on disk: a power cut leaves no empty file there. False, with errno, when that cannot
  // be done. Everything is written and closed before.
  [[nodiscard]] bool finish();

 private:
  [[nodiscard]] bool has_the_name(int file) const;

  std::string name_, path_;
  int held_ = -1;  // keeps the lock until the file has its name or is gone
  bool finished_ = false;
};

}  // namespace taskledger::app
