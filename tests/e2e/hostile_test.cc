// Clients that mean no good, or that the network has taken away, against the real binary with its API behind: it
// answers what it should, keeps answering others, and holds no more than it says. (The server alone: tests/http.)
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";

// A bare socket. Reads give up after ten seconds: a test then fails instead of hanging.
class Raw {
 public:
  explicit Raw(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) close();
  }
  ~Raw() { close(); }
  Raw(Raw&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  [[nodiscard]] bool open() const { return socket_ >= 0; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end_sending() const { ::shutdown(socket_, SHUT_WR); }
  // All until the server ends the connection; `ended` says whether it did.
  std::string rest(bool* ended = nullptr) const {
    std::string all;
    char piece[16384];
    ssize_t got = 0;
    while ((got = ::recv(socket_, piece, sizeof piece, 0)) > 0) all.append(piece, static_cast<std::size_t>(got));
    if (ended) *ended = got == 0 || errno == ECONNRESET;
    return all;
  }
  // Up to the end of a reply with a Content-Length.
  std::string reply() const {
    std::string all;
    char piece[16384];
    for (;;) {
      if (const auto head = all.find("\r\n\r\n"); head != std::string::npos) {
        const auto length = all.find("Content-Length: ");
        if (length > head || all.size() >= head + 4 + std::stoul(all.substr(length + 16))) return all;
      }
      const auto got = ::recv(socket_, piece, sizeof piece, 0);
      if (got <= 0) return all;
      all.append(piece, static_cast<std::size_t>(got));
    }
  }
  // The peer is gone without a word, as when its power or its network went; false where that cannot be played.
  bool vanish() {
    const int on = 1;
    if (::setsockopt(socket_, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) != 0) return false;
    close();
    return true;
  }

 private:
  int socket_;
};

unsigned status_of(std::string_view reply) {
  return reply.starts_with("HTTP/1.1 ") ? static_cast<unsigned>(std::stoi(std::string(reply.substr(9, 3)))) : 0;
}

class Hostile : public testing::Test {
 protected:
  Hostile() : token_(create_token(directory_ / "data", "acme", kUser)) {}
  Server& start(std::vector<std::string> arguments = {}) {
    return server_.emplace(directory_ / "data", std::move(arguments));
  }
  [[nodiscard]] std::string request(std::string_view line, std::string_view body = {},
                                    std::string_view more = {}) const {
    std::string out(line);
    out.append(" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ").append(token_).append("\r\n").append(more);
    if (!body.empty())
      out.append("Content-Type: application/json\r\nContent-Length: ")
          .append(std::to_string(body.size()))
          .append("\r\n");
    return out.append("\r\n").append(body);
  }
  unsigned ask(const std::string& bytes) {
    const Raw client(server_->port());
    client.send(bytes);
    return status_of(client.reply());
  }
  double resident_mb() {
    const auto text = read_file("/proc/" + std::to_string(server_->process().pid()) + "/statm");
    return static_cast<double>(std::stoul(text.substr(text.find(' ') + 1))) * static_cast<double>(::getpagesize()) /
           1e6;
  }
  // That the server holds, but for the one that asks.
  std::size_t connections() {
    const Raw client(server_->port());
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string all = client.rest(), name = "\ntaskledger_http_connections ";
    const auto at = all.find(name);
    return at == std::string::npos ? 0 : std::stoul(all.substr(at + name.size())) - 1;
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    for (int i = 0; i < 1'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  TemporaryDirectory directory_;
  std::string token_;
  std::optional<Server> server_;
};

TEST_F(Hostile, TenThousandIdleConnectionsCostLittleAndAllAreServed) {
  constexpr std::size_t kConnections = 10'000;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < kConnections + 500) GTEST_SKIP() << "only " << limit.rlim_max << " descriptors are allowed";
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  start({"--max-connections", std::to_string(kConnections + 10)});
  EXPECT_EQ(ask(request("GET /api/v1/tasks")), 200u);
  const double before = resident_mb();
  std::vector<Raw> clients;
  clients.reserve(kConnections);
  for (std::size_t i = 0; i < kConnections; ++i) {
    clients.emplace_back(server_->port());
    ASSERT_TRUE(clients.back().open()) << i;
    clients.back().send(request("GET /api/v1/me"));
    ASSERT_EQ(status_of(clients.back().reply()), 200u) << i;
  }
  EXPECT_EQ(connections(), kConnections);
  EXPECT_LT(resident_mb() - before, 200.0);  // 20 KB each
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(request("GET /api/v1/tasks")), 200u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  for (std::size_t i = 0; i < kConnections; i += 97) {
    clients[i].send(request("GET /api/v1/me"));
    ASSERT_EQ(status_of(clients[i].reply()), 200u) << i;
  }
  clients.clear();
  EXPECT_TRUE(eventually([&] { return connections() == 0; })) << connections();
}

// Hundreds that send their heads, and as many that send their bodies, a byte now and then.
TEST_F(Hostile, SlowClientsAreEndedAndDelayNobody) {
  constexpr int kEach = 500;
  start({"--header-timeout", "700", "--body-timeout", "700"});
  const double before = resident_mb();
  std::vector<Raw> heads, bodies;
  for (int i = 0; i < kEach; ++i) {
    heads.emplace_back(server_->port());
    heads.back().send("GET /api/v1/tasks HTTP/1.1\r\nHost: x\r\nX-Filling: " + std::string(8'000, 'a'));
    bodies.emplace_back(server_->port());
    bodies.back().send(request("POST /api/v1/tasks", std::string(60'000, ' ')).substr(0, 20'000));
  }
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < kEach; ++i)
      heads[static_cast<std::size_t>(i)].send("a"), bodies[static_cast<std::size_t>(i)].send(" ");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(ask(request("POST /api/v1/tasks", R"({"title": "meanwhile"})")), 201u);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  }
  EXPECT_LT(resident_mb() - before, 200.0);
  for (auto* clients : {&heads, &bodies}) {
    for (const Raw& client : *clients) {
      bool ended = false;
      EXPECT_EQ(status_of(client.rest(&ended)), 408u);
      EXPECT_TRUE(ended);
    }
  }
}

// What has no end, or is too large wherever something may be large: the status of the contract, at once, and no 500.
TEST_F(Hostile, OversizeEverythingIsRefusedByItsName) {
  start();
  const auto repeated = [](std::string_view what, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += what;
    return out;
  };
  const auto title = [](std::size_t size) { return R"({"title": ")" + std::string(size, 't') + "\"}"; };
  const std::string link = R"({"id": "0a000000-0000-4000-8000-000000000001", "type": "contacts"},)";
  const auto links = [&](std::size_t count) {
    const auto all = repeated(link, count);
    return R"({"title": "t", "linked_entities": [)" + all.substr(0, all.size() - 1) + "]}";
  };
  const auto records = [&](std::size_t count) {
    const auto all = repeated(R"({"title": "t"},)", count);
    return R"({"records": [)" + all.substr(0, all.size() - 1) + "]}";
  };
  const auto conditions = [&](std::size_t count) {
    const auto all = repeated("%7B%22field%22:%22title%22,%22operator%22:%22eq%22,%22value%22:%22%22%7D,", count);
    return "GET /api/v1/tasks?filters=%7B%22conditions%22:[" + all.substr(0, all.size() - 1) + "]%7D";
  };
  const struct {
    std::string bytes;
    unsigned status;
    const char* what;
  } cases[] = {
      {request("GET /" + std::string(70'000, 'a')), 414, "a request line"},
      {std::string(200'000, 'G'), 414, "a request line without an end"},
      {request("GET /api/v1/tasks?search=" + std::string(60'000, 'a')), 200, "a long search"},
      {request("GET /api/v1/tasks?" + repeated("a&", 20'000)), 400, "many parameters"},
      {request("GET /api/v1/tasks?cursor=" + std::string(60'000, 'a')), 400, "a cursor"},
      {request("GET /api/v1/tasks?limit=" + std::string(1'000, '9')), 200, "a number above the highest"},
      {request("GET /api/v1/tasks?limit=-" + std::string(1'000, '9')), 400, "a number"},
      {request("GET /api/v1/tasks?filters=" + std::string(20'000, '[')), 400, "filters"},
      {request("GET /api/v1/tasks?filters=" + repeated("%7B%22rules%22:[", 1'000)), 400, "levels of filters"},
      {request(conditions(100)), 200, "conditions, as many as may be"},
      {request(conditions(101)), 400, "conditions"},
      {request("GET /api/v1/tasks?sort=" + std::string(60'000, '[')), 200, "no sort"},
      {request("GET /api/v1/tasks?timezone=" + std::string(60'000, 'a')), 400, "a time zone"},
      {request("GET " + repeated("/a", 10'000)), 404, "segments of a path"},
      {request("GET /api/v1/me", "", "X-Long: " + std::string(20'000, 'a') + "\r\n"), 431, "a field"},
      {request("GET /api/v1/me", "", repeated("A: b\r\n", 5'000)), 431, "many fields"},
      {request("GET /api/v1/me", "", "X-Endless: ").substr(0, 90) + std::string(200'000, 'a'), 431, "an endless field"},
      {"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + std::string(10'000, 'k') + "\r\n\r\n", 401,
       "a token"},
      {request("POST /api/v1/tasks", title(500)), 201, "a title, as long as may be"},
      {request("POST /api/v1/tasks", title(501)), 400, "a title"},
      {request("POST /api/v1/tasks", title(65'536)), 413, "a body"},
      {request("POST /api/v1/tasks", title(4 << 20)), 413, "a long body"},
      {request("POST /api/v1/tasks", "{\"title\": " + repeated("[", 60'000)), 400, "levels of JSON"},
      {request("POST /api/v1/tasks", "{" + repeated("\"a\":1,", 10'000) + "\"b\":1}"), 400, "fields of JSON"},
      {request("POST /api/v1/tasks", links(101)), 400, "links"},
      {request("POST /api/v1/tasks/batch/create", records(100)), 200, "records, as many as may be"},
      {request("POST /api/v1/tasks/batch/create", records(101)), 400, "records"},
      {request("POST /api/v1/tasks/batch/create", title(5 << 20)), 413, "a batch"},
      {request("POST /api/v1/tasks", title(3), "Idempotency-Key: " + std::string(255, 'k') + "\r\n"), 201,
       "a key, as long as may be"},
      {request("POST /api/v1/tasks", title(3), "Idempotency-Key: " + std::string(256, 'k') + "\r\n"), 400, "a key"},
      {request("GET /api/v1/me", "", "X-Min-Position: " + std::string(1'000, 'a') + "\r\n"), 400, "a position"},
      {request("GET /api/v1/tasks/" + std::string(5'000, '0')), 404, "an id"},
  };
  for (int round = 0; round < 3; ++round) {
    for (const auto& [bytes, status, what] : cases) EXPECT_EQ(ask(bytes), status) << what;
  }
  // Chunks without an end, and a length that is only announced: refused before it is there, none of it kept.
  const double before = resident_mb();
  for (int i = 0; i < 20; ++i) {
    const Raw chunks(server_->port()), announced(server_->port());
    chunks.send(request("POST /api/v1/tasks", "", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"));
    const std::string chunk = "10000\r\n" + std::string(0x10000, ' ') + "\r\n";
    chunks.send(chunk), chunks.send(chunk);
    EXPECT_EQ(status_of(chunks.rest()), 413u);
    announced.send(
        request("POST /api/v1/tasks", "", "Content-Type: application/json\r\nContent-Length: 4000000000\r\n"));
    EXPECT_EQ(status_of(announced.rest()), 413u);
  }
  EXPECT_LT(resident_mb() - before, 50.0);
  EXPECT_EQ(ask(request("GET /api/v1/tasks")), 200u);
}

// A peer that has sent its last byte still gets its answer; one that stops in the middle gets none, and is let go.
TEST_F(Hostile, HalfClosedConnections) {
  start();
  const std::string whole = request("POST /api/v1/tasks", R"({"title": "half closed"})");
  Raw complete(server_->port());
  complete.send(whole);
  complete.end_sending();
  EXPECT_EQ(status_of(complete.rest()), 201u);
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, whole.find("\r\n\r\n"), whole.size() - 1}) {
    Raw cut(server_->port());
    cut.send(std::string_view(whole).substr(0, size));
    cut.end_sending();
    bool ended = false;
    EXPECT_EQ(cut.rest(&ended), "") << size;
    EXPECT_TRUE(ended);
  }
  complete.close();
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

// Peers whose machine went away: nothing ever comes from them again. Idle ones, one that owes a body, one that has not
// read its answer, one on a stream: the server finds out by its own deadlines.
TEST_F(Hostile, PeersThatVanishAreLetGo) {
  start({"--idle-timeout", "300", "--header-timeout", "300", "--body-timeout", "300", "--write-timeout", "300",
         "--stream-heartbeat", "100"});
  const std::string whole = request("POST /api/v1/tasks", R"({"title": "gone"})");
  std::vector<Raw> peers;
  for (const auto& bytes : {std::string(), request("GET /api/v1/me"), whole.substr(0, 20),
                            whole.substr(0, whole.size() - 5), request("GET /api/v1/events/stream")}) {
    peers.emplace_back(server_->port());
    peers.back().send(bytes);
  }
  ASSERT_TRUE(eventually([&] { return connections() == peers.size(); }));
  std::this_thread::sleep_for(100ms);
  for (Raw& peer : peers) {
    if (!peer.vanish()) GTEST_SKIP() << "a connection cannot be dropped without a word here (TCP_REPAIR)";
  }
  EXPECT_TRUE(eventually([&] { return connections() == 0; })) << connections();
  EXPECT_EQ(ask(request("GET /api/v1/me")), 200u);
}

// Requests that a proxy in front may read otherwise, each with another hidden behind it: one refusal, and the end.
TEST_F(Hostile, NothingIsSmuggledPastTheApi) {
  start();
  const std::string hidden = request("POST /api/v1/tasks", R"({"title": "smuggled"})");
  const std::string head = request("POST /api/v1/tasks", "", "Content-Type: application/json\r\n");
  const auto with = [&](std::string_view fields, std::string_view body) {
    return head.substr(0, head.size() - 2).append(fields).append("\r\n").append(body) + hidden;
  };
  const std::string cases[] = {
      with("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      with("Transfer-Encoding: chunked\r\nContent-Length: 200\r\n", "0\r\n\r\n"),
      with("Content-Length: 0\r\nContent-Length: 200\r\n", ""),
      with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
      with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
      with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
      with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
      with("Transfer-Encoding: chunked\r\n", "0;\n\r\n\r\n"),
      with("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n"),
      with("Content-Length: +0\r\n", ""),
      with("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
  };
  for (const std::string& bytes : cases) {
    const Raw client(server_->port());
    client.send(bytes);
    const std::string all = client.rest();
    EXPECT_EQ(status_of(all), 400u) << bytes;
    EXPECT_EQ(all.find("HTTP/1.1", 9), std::string::npos) << all;
  }
  HttpConnection reader(server_->port(), token_);
  EXPECT_THAT(reader.get("/api/v1/tasks").body, HasSubstr(R"("total":0)"));
}

}  // namespace
}  // namespace taskledger::e2e
