#include "app/unfinished_file.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>

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
  finished_ = std::rename(path_.c_str(), name_.c_str()) == 0;
  return finished_;
}

}  // namespace taskledger::app
