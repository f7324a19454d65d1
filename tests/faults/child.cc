#include "tests/faults/child.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>

namespace taskledger::faults {
namespace {

std::string read_to_end(int pipe) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(pipe, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

}  // namespace

Outcome run_in_child(const std::function<void()>& body) {
  int output[2];
  if (::pipe(output) != 0) throw std::runtime_error("pipe");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    ::dup2(output[1], STDOUT_FILENO);
    ::dup2(output[1], STDERR_FILENO);
    ::close(output[0]);
    ::close(output[1]);
    spdlog::set_level(spdlog::level::off);
    body();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  ::close(output[1]);
  const std::string said = read_to_end(output[0]);
  ::close(output[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Outcome::passed;
  if (WIFSIGNALED(status) && said.find("Assertion `last_ref' failed") != std::string::npos &&
      said.find("Failure") == std::string::npos) {
    return Outcome::lost_reference;
  }
  std::cout << said << std::flush;
  return Outcome::failed;
}

}  // namespace taskledger::faults
