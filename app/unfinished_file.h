// A file that gets its name once it is whole: until then it is NAME.part, which goes when this does, and when SIGINT,
// SIGTERM or SIGHUP ends the process. At most one at a time.
#pragma once

#include <string>

namespace taskledger::app {

class UnfinishedFile {
 public:
  explicit UnfinishedFile(const std::string& name) : name_(name), path_(name + ".part") {}
  ~UnfinishedFile();
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  // To be opened and written by whoever made this, who then says that it is open: until then it may be another's.
  [[nodiscard]] const std::string& path() const { return path_; }
  void opened();
  // Gives it its name, once it is on disk: a power cut leaves no empty file there. False, with errno, when that cannot
  // be done. Everything is written and closed before.
  [[nodiscard]] bool finish();

 private:
  std::string name_, path_;
  bool opened_ = false, finished_ = false;
};

}  // namespace taskledger::app
