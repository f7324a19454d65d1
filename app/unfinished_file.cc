#include "app/unfinished_file.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>

namespace taskledger::app {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP};

// Where the handler finds it, on whatever thread: set before the handler is, and never freed.
std::array<char, PATH_MAX> unfinished{};

void remove_and_end(int number) {
  ::unlink(unfinished.data());
  ::raise(number);  // held until this returns; by then its action is the usual one again
}

// Signals that were ignored (nohup) stay so.
void set_action(void (*from)(int), void (*to)(int)) {
  for (const int number : kEnding) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    if (action.sa_handler != from) continue;
    action = {};
    action.sa_handler = to;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(number, &action, nullptr);
  }
}

bool sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool synced = ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  errno = error;
  return synced;
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

void UnfinishedFile::opened() {
  opened_ = true;
  if (path_.size() >= unfinished.size()) return;  // no file can be opened by such a name
  std::copy_n(path_.c_str(), path_.size() + 1, unfinished.data());
  set_action(SIG_DFL, remove_and_end);
}

UnfinishedFile::~UnfinishedFile() {
  if (opened_ && !finished_) ::unlink(path_.c_str());
  set_action(remove_and_end, SIG_DFL);
}

bool UnfinishedFile::finish() {
  finished_ = sync(path_) && std::rename(path_.c_str(), name_.c_str()) == 0;
  // Folders that cannot be synced (of some file systems, or that may not be read) are taken as they are.
  return finished_ && (sync(folder_of(name_)) || errno != EIO);
}

}  // namespace taskledger::app
