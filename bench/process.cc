#include "bench/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace taskledger::bench {
namespace {

pid_t spawn(const std::vector<std::string>& command, int out) {
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a benchmark that is ended leaves no server behind
  if (out >= 0) ::dup2(out, STDOUT_FILENO);
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

Process::Process(std::vector<std::string> command, const std::string& ready) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  pid_ = spawn(command, pipe[1]);
  ::close(pipe[1]);
  out_ = pipe[0];
  if (ready.empty()) return;
  std::string text;
  char c;
  while (::read(out_, &c, 1) == 1) {
    if (c != '\n') {
      text += c;
      continue;
    }
    if (text.find(ready) != std::string::npos) {
      ready_line_ = text;
      return;
    }
    text.clear();
  }
  stop();
  throw std::runtime_error(command[0] + " ended before it was ready");
}

Process::~Process() { stop(); }

void Process::stop(int signal) {
  if (pid_ > 0) {
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  if (out_ >= 0) ::close(out_);
  out_ = -1;
}

std::size_t Process::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * std::size_t(::sysconf(_SC_PAGESIZE));
}

double Process::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(file, line);
  const char* at = std::strrchr(line.c_str(), ')');
  unsigned long user = 0, system = 0;
  if (at) std::sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return double(user + system) / double(::sysconf(_SC_CLK_TCK));
}

std::string run_to_end(const std::vector<std::string>& command, bool inherit_output) {
  int pipe[2] = {-1, -1};
  if (!inherit_output && ::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  const pid_t pid = spawn(command, pipe[1]);
  std::string out;
  if (!inherit_output) {
    ::close(pipe[1]);
    char buffer[65536];
    ssize_t n;
    while ((n = ::read(pipe[0], buffer, sizeof buffer)) > 0) out.append(buffer, std::size_t(n));
    ::close(pipe[0]);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(command[0] + " " + (command.size() > 1 ? command[1] : "") + " failed");
  return out;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "taskledger-bench-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace taskledger::bench
