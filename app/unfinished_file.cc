#include "app/unfinished_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>

#include "app/command.h"

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

bool UnfinishedFile::has_the_name(int file) const {
  struct stat held {};
  struct stat named {};
  return ::fstat(file, &held) == 0 && ::lstat(path_.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

int UnfinishedFile::open() {
  constexpr int kTries = 100;  // of which each meets one that is finished or given up meanwhile
  for (int tries = 0; tries < kTries; ++tries) {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0) return -1;
    // A file system without locks has none to offer.
    const bool busy = ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!busy && has_the_name(file)) {
      held_ = file;
      break;
    }
    ::close(file);
    if (busy) throw Failed(name_ + ": another process is writing it");
  }
  if (held_ < 0 || ::ftruncate(held_, 0) != 0) return -1;
  if (path_.size() < unfinished.size()) {  // no file can be opened by a longer name
    std::copy_n(path_.c_str(), path_.size() + 1, unfinished.data());
    set_action(SIG_DFL, remove_and_end);
  }
  return ::fcntl(held_, F_DUPFD_CLOEXEC, 0);
}

UnfinishedFile::~UnfinishedFile() {
  if (held_ < 0) return;
  if (!finished_) ::unlink(path_.c_str());
  set_action(remove_and_end, SIG_DFL);
  ::close(held_);
}

bool UnfinishedFile::finish() {
  finished_ = sync(path_) && std::rename(path_.c_str(), name_.c_str()) == 0;
  // Folders that cannot be synced (of some file systems, or that may not be read) are taken as they are.
  return finished_ && (sync(folder_of(name_)) || errno != EIO);
}

}  // namespace taskledger::app
