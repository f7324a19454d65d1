// A child process of a benchmark: started, watched for a line on its standard output, measured, ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace taskledger::bench {

class Process {
 public:
  // Starts `command` (argv) and waits until a line of its standard output contains `ready` (empty: does not wait).
  // Throws std::runtime_error when it ends before that, with what it printed.
  Process(std::vector<std::string> command, const std::string& ready);
  ~Process();  // stop()
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void stop(int signal = 15);  // and waits for its end
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& ready_line() const { return ready_line_; }
  [[nodiscard]] std::size_t resident_bytes() const;  // now
  [[nodiscard]] double cpu_seconds() const;          // so far

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string ready_line_;
};

// Runs to the end; returns its standard output. Throws when it fails.
std::string run_to_end(const std::vector<std::string>& command, bool inherit_output = false);
// A fresh folder under $TMPDIR, removed with its contents by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace taskledger::bench
