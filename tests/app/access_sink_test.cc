// Access lines reach who reads them, whole; and nobody waits for one who does not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "app/logging.h"

namespace taskledger::app {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  [[nodiscard]] std::string read_all() const {
    std::string out;
    char buffer[65536];
    for (ssize_t n = 0; (n = ::read(ends_[0], buffer, sizeof buffer)) > 0;) out.append(buffer, std::size_t(n));
    return out;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(AccessSink, TakesEveryLineToOneWhoReads) {
  Pipe pipe;
  std::string expected, got;
  std::thread reader([&] { got = pipe.read_all(); });
  {
    AccessSink sink(pipe.writer());
    for (int i = 0; i < 20'000; ++i) {
      const std::string line = "GET /api/v1/tasks 200 " + std::to_string(i) + "\n";
      expected += line;
      sink.write(line);
    }
  }
  pipe.close_writer();
  reader.join();
  EXPECT_EQ(got.size(), expected.size());
  EXPECT_TRUE(got == expected);
}

TEST(AccessSink, NobodyWaitsForOneWhoTakesNothing) {
  Pipe pipe;
  const std::string line(99, 'x');
  constexpr int kLines = 100'000;  // more than pipe and buffer take
  const auto start = std::chrono::steady_clock::now();
  {
    AccessSink sink(pipe.writer());
    for (int i = 0; i < kLines; ++i) sink.write(line + "\n");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{30});
  pipe.close_writer();
  const std::string got = pipe.read_all();
  EXPECT_GT(got.size(), 0u);
  EXPECT_EQ(got.size() % 100, 0u) << "whole lines";
  EXPECT_EQ(std::count(got.begin(), got.end(), '\n'), std::ptrdiff_t(got.size() / 100));
}

}  // namespace
}  // namespace taskledger::app
