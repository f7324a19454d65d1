#include "app/unfinished_file.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace taskledger::app {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<const char*> unfinished = nullptr;  // set before the handler is, and reset after it

void remove_and_end(int number) {
  ::unlink(unfinished);
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

UnfinishedFile::UnfinishedFile(const std::string& name) : name_(name), path_(name + ".part") {
  unfinished = path_.c_str();
  set_action(SIG_DFL, remove_and_end);
}

UnfinishedFile::~UnfinishedFile() {
  if (!finished_) ::unlink(path_.c_str());
  set_action(remove_and_end, SIG_DFL);
  unfinished = nullptr;
}

bool UnfinishedFile::finish() {
  finished_ = std::rename(path_.c_str(), name_.c_str()) == 0;
  return finished_;
}

}  // namespace taskledger::app
