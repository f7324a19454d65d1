#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <simdjson.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/e2e/harness.h"

extern char** environ;

namespace taskledger::e2e {
namespace {

constexpr std::chrono::seconds kPatience{60};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "taskledger-e2e-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::vector<std::string> command{TASKLEDGER_BINARY};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("TASKLEDGER_")) variables.emplace_back(*variable);
  }
  variables.insert(variables.end(), environment.begin(), environment.end());
  const std::string out = outputs_ / "out", err = outputs_ / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  const int failed =
      posix_spawn(&pid_, TASKLEDGER_BINARY, &actions, nullptr, pointers(command).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " TASKLEDGER_BINARY);
}

Process::~Process() {
  if (!running()) return;
  signal(SIGKILL);
  wait();
}

bool Process::running() {
  if (exit_code_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

void Process::signal(int number) const {
  if (!exit_code_) ::kill(pid_, number);
}

Finished Process::wait() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (running()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "the process does not end; its stderr:\n" << err();
      signal(SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {*exit_code_, out(), err()};
}

std::string Process::out() const { return read_file(outputs_ / "out"); }
std::string Process::err() const { return read_file(outputs_ / "err"); }

Finished taskledger(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  return Process(arguments, environment).wait();
}

Server::Server(std::string data, std::vector<std::string> extra_arguments)
    : process_([&] {
        std::vector<std::string> arguments{"serve", "--data", std::move(data), "--listen", "127.0.0.1:0"};
        arguments.insert(arguments.end(), extra_arguments.begin(), extra_arguments.end());
        return arguments;
      }()) {
  constexpr std::string_view kReady = "listening on http://127.0.0.1:";
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const std::string out = process_.out();
    const auto found = out.find(kReady);
    if (found != std::string::npos && out.find('\n', found) != std::string::npos) {
      port_ = static_cast<std::uint16_t>(std::stoi(out.substr(found + kReady.size())));
      return;
    }
    if (!process_.running() || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the server does not get ready: " + process_.out() + process_.err());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Finished Server::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

Finished Server::kill() {
  process_.signal(SIGKILL);
  return process_.wait();
}

std::string create_token(const std::string& data, const std::string& workspace, const std::string& user,
                         const std::string& scopes, const std::string& timezone) {
  Finished done = taskledger({"token", "create", "--data", data, "--workspace", workspace, "--user", user, "--scopes",
                              scopes, "--timezone", timezone});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(done.out.starts_with("ksr_") && done.out.ends_with('\n')) << done.out;
  if (!done.out.empty()) done.out.pop_back();
  return done.out;
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  std::ifstream file(path, std::ios::binary);
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  return text.str();
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string json_field(const std::string& json, std::string_view key) {
  simdjson::dom::parser parser;
  simdjson::dom::element value;
  if (parser.parse(json)[key].get(value) != simdjson::SUCCESS) return {};
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(value);
}

}  // namespace taskledger::e2e
