// The feed live: event streams over a bare socket, `events --follow`, and signed heads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";
constexpr auto kScopes = "tasks:read,tasks:write,audit:read,admin,operator";
constexpr int kPatienceMs = 20'000;

// One open stream: its bytes as they come, without the framing of chunks.
class EventStream {
 public:
  EventStream(std::uint16_t port, const std::string& token, const std::string& target, const std::string& headers = {},
              int receive_buffer = 0) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ended_ = true;
    const std::string request =
        "GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n" + headers + "\r\n";
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) ended_ = true;
  }
  ~EventStream() { ::close(socket_); }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  std::string head() {
    while (raw_.find("\r\n\r\n") == std::string::npos && receive()) {
    }
    const auto end = raw_.find("\r\n\r\n");
    if (end == std::string::npos) return raw_;
    std::string head = raw_.substr(0, end + 2);
    raw_.erase(0, end + 4);
    return head;
  }
  // The next event (comments left out), without the empty line that ends it; empty when the stream ends.
  std::string next() {
    for (;;) {
      const auto end = text_.find("\n\n");
      if (end != std::string::npos) {
        std::string event = text_.substr(0, end);
        text_.erase(0, end + 2);
        if (event.starts_with(":")) {
          ++heartbeats;
          continue;
        }
        return event;
      }
      if (!decode() && !receive()) return {};
    }
  }
  std::uint64_t next_id() {
    const std::string event = next();
    return event.starts_with("id: ") ? std::stoull(event.substr(4)) : 0;
  }
  bool ended() {
    while (receive()) {
    }
    return ended_;
  }
  int heartbeats = 0;

 private:
  bool decode() {
    const auto line = raw_.find("\r\n");
    if (line == std::string::npos) return false;
    const auto size = std::stoull(raw_.substr(0, line), nullptr, 16);
    if (raw_.size() < line + 2 + size + 2) return false;
    text_ += raw_.substr(line + 2, size);
    raw_.erase(0, line + 2 + size + 2);
    return size > 0;
  }
  bool receive() {
    if (ended_) return false;
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, kPatienceMs) <= 0) return false;
    char bytes[65536];
    const auto n = ::recv(socket_, bytes, sizeof bytes, 0);
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    raw_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

  int socket_ = -1;
  bool ended_ = false;
  std::string raw_, text_;
};

constexpr auto kStream = "/api/v1/events/stream";

class Feed : public testing::Test {
 protected:
  Feed() : data_(folder_ / "data"), token_(create_token(data_, "acme", kUser, kScopes)) {}
  void serve(std::vector<std::string> arguments = {}) {
    server_ = std::make_unique<Server>(data_, std::move(arguments));
  }
  std::string make_task(const std::string& title) {
    HttpConnection connection(server_->port(), token_);
    return json_field(connection.request("POST", "/api/v1/tasks", R"({"title":")" + title + "\"}").body, "task_id");
  }
  void make_tasks(int count, std::size_t title = 10) {
    HttpConnection connection(server_->port(), token_);
    for (int made = 0; made < count; made += 100) {
      std::string records;
      for (int i = made; i < std::min(count, made + 100); ++i)
        records +=
            (records.empty() ? "" : ",") + (R"({"title":")" + std::string(title, 'x') + std::to_string(i) + "\"}");
      ASSERT_EQ(connection.request("POST", "/api/v1/tasks/batch/create", R"({"records":[)" + records + "]}").status,
                200u);
    }
  }

  TemporaryDirectory folder_;
  const std::string data_, token_;
  std::unique_ptr<Server> server_;
};

TEST_F(Feed, AStreamTellsWhatComes) {
  serve();
  make_task("before");
  EventStream stream(server_->port(), token_, kStream);
  const std::string head = stream.head();
  EXPECT_THAT(head, HasSubstr("200 OK"));
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(head, HasSubstr("X-Position: 1\r\n"));
  const std::string id = make_task("after");
  const std::string event = stream.next();
  HttpConnection connection(server_->port(), token_);
  const std::string page = connection.get("/api/v1/events?after=1").body;
  EXPECT_EQ(event, "id: 2\nevent: TaskCreated\ndata: " + page.substr(9, page.find("],\"nextAfter") - 9));
  EXPECT_THAT(event, HasSubstr(id));
}

TEST_F(Feed, AStreamGoesOnOverARestart) {
  serve();
  make_tasks(300);
  std::uint64_t seen = 0;
  {
    EventStream stream(server_->port(), token_, std::string(kStream) + "?after=0");
    stream.head();
    for (int i = 0; i < 120; ++i) EXPECT_EQ(stream.next_id(), ++seen);
    EXPECT_EQ(server_->stop().exit_code, 0) << "a stream holds nothing up";
  }
  serve();
  EventStream stream(server_->port(), token_, std::string(kStream) + "?after=0",
                     "Last-Event-ID: " + std::to_string(seen) + "\r\n");
  stream.head();
  make_tasks(100);
  while (seen < 400) ASSERT_EQ(stream.next_id(), ++seen);
}

TEST_F(Feed, AStreamIsFiltered) {
  serve();
  const std::string one = make_task("one"), two = make_task("two");
  HttpConnection connection(server_->port(), token_);
  connection.request("PUT", "/api/v1/tasks/" + two + "/complete");
  EventStream of_task(server_->port(), token_, std::string(kStream) + "?after=0&task_id=" + two);
  EventStream of_type(server_->port(), token_, std::string(kStream) + "?after=0&type=TaskCompleted");
  of_task.head();
  of_type.head();
  EXPECT_EQ(of_task.next_id(), 2u);
  EXPECT_EQ(of_task.next_id(), 3u);
  EXPECT_EQ(of_type.next_id(), 3u);
  connection.request("DELETE", "/api/v1/tasks/" + one);
  connection.request("PUT", "/api/v1/tasks/" + two + "/complete", R"({"completed":false})");
  connection.request("PUT", "/api/v1/tasks/" + two + "/complete");
  EXPECT_EQ(of_task.next_id(), 5u);
  EXPECT_EQ(of_type.next_id(), 6u);
  EXPECT_EQ(connection.request("GET", std::string(kStream) + "?since=2020-01-01").status, 400u);
  EXPECT_EQ(connection.request("GET", kStream, {}, "Last-Event-ID: x\r\n").status, 400u);
  const auto after = connection.get(std::string(kStream) + "?after=7");
  EXPECT_EQ(after.status, 400u);
  EXPECT_EQ(json_field(after.body, "message"), "Parameter 'after' is 7, but the last event is 6");
  const auto beyond = connection.request("GET", kStream, {}, "Last-Event-ID: 7\r\n");
  EXPECT_EQ(beyond.status, 400u);
  EXPECT_EQ(json_field(beyond.body, "message"), "Header 'Last-Event-ID' is 7, but the last event is 6");
}

TEST_F(Feed, AStreamEndsWithItsTokenAndShowsLifeUntilThen) {
  serve({"--stream-heartbeat", "50"});
  HttpConnection connection(server_->port(), token_);
  const auto made = connection.request("POST", "/api/v1/admin/tokens",
                                       R"({"user_id":")" + std::string(kUser) + R"(","scopes":["audit:read"]})");
  ASSERT_EQ(made.status, 201u) << made.body;
  EventStream stream(server_->port(), json_field(made.body, "token"), kStream);
  stream.head();
  make_task("one");
  EXPECT_EQ(stream.next_id(), 1u);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(connection.request("DELETE", "/api/v1/admin/tokens/" + json_field(made.body, "id")).status, 204u);
  EXPECT_EQ(stream.next(), "");
  EXPECT_GT(stream.heartbeats, 1);
  EXPECT_TRUE(stream.ended());
}

TEST_F(Feed, ASlowReaderIsCutOffAndComesBack) {
  serve({"--write-timeout", "300"});
  make_tasks(20'000, 400);
  EventStream slow(server_->port(), token_, std::string(kStream) + "?after=0", {}, 4096);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  slow.head();
  std::uint64_t seen = 0;
  while (const auto id = slow.next_id()) ASSERT_EQ(id, ++seen);
  EXPECT_TRUE(slow.ended());
  EXPECT_LT(seen, 20'000u);
  EventStream again(server_->port(), token_, kStream, "Last-Event-ID: " + std::to_string(seen) + "\r\n");
  again.head();
  while (seen < 20'000) ASSERT_EQ(again.next_id(), ++seen);
}

TEST_F(Feed, AThousandStreamsHearTheSame) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  serve();
  std::vector<std::unique_ptr<EventStream>> streams;
  for (int i = 0; i < 1000; ++i) streams.push_back(std::make_unique<EventStream>(server_->port(), token_, kStream));
  for (auto& stream : streams) ASSERT_THAT(stream->head(), HasSubstr("200 OK"));
  make_tasks(20);
  for (auto& stream : streams) {
    for (std::uint64_t id = 1; id <= 20; ++id) ASSERT_EQ(stream->next_id(), id);
  }
  streams.clear();
  EXPECT_EQ(server_->stop().exit_code, 0);
}

TEST_F(Feed, WhatWasErasedIsNotStreamedAnyMore) {
  serve();
  EventStream open(server_->port(), token_, kStream);  // keeps the latest events in the server's memory
  open.head();
  const std::string id = make_task("secret");
  HttpConnection connection(server_->port(), token_);
  connection.request("DELETE", "/api/v1/tasks/" + id);
  ASSERT_EQ(connection.request("POST", "/api/v1/tasks/" + id + "/erase").status, 204u);
  EventStream late(server_->port(), token_, std::string(kStream) + "?after=0");
  late.head();
  EXPECT_THAT(late.next(), Not(HasSubstr("secret")));
  EXPECT_THAT(late.next(), HasSubstr("TaskDeleted"));
  EXPECT_THAT(late.next(), HasSubstr("TaskErased"));
}

TEST_F(Feed, TheCommandLineFollows) {
  serve();
  make_task("one");
  Process follower({"events", "--data", data_, "--workspace", "acme", "--follow"});
  const auto lines_within = [&](std::size_t count) {
    const auto until = Clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (lines_of(follower.out()).size() < count && Clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return lines_of(follower.out());
  };
  EXPECT_EQ(lines_within(1).size(), 1u);
  make_task("two");
  const auto lines = lines_within(2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr(R"({"title":"two"})"));
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait().exit_code, 0);
}

TEST_F(Feed, AKeptHeadProvesWhatWasBefore) {
  (void)create_token(data_, "other", kUser, kScopes);
  serve();
  make_task("one");
  HttpConnection connection(server_->port(), token_);
  const std::string head = connection.get("/api/v1/audit/head").body;
  EXPECT_EQ(json_field(head, "position"), "1");
  make_task("two");
  EXPECT_NE(connection.get("/api/v1/audit/head").body, head);
  server_->stop();
  const std::string file = folder_ / "head.json";
  write_file(file, head);
  const Finished good = taskledger({"verify", "--data", data_, "--head", file});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(good.err, "");
  std::string altered = head;
  altered.replace(altered.find("\"position\":1"), 12, "\"position\":2");
  write_file(file, altered);
  EXPECT_THAT(taskledger({"verify", "--data", data_, "--head", file}).err, HasSubstr("its signature is wrong"));
  write_file(file, head);
  EXPECT_THAT(taskledger({"verify", "--data", data_, "--head", file, "--workspace", "other"}).err,
              HasSubstr("its signature is wrong"));
  EXPECT_THAT(taskledger({"verify", "--data", data_, "--print-key"}).out, HasSubstr("BEGIN PUBLIC KEY"));
}

}  // namespace
}  // namespace taskledger::e2e
