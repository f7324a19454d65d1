#include "reactors/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "tests/reactors/certificate.h"
#include "tests/reactors/receiver.h"

namespace taskledger::reactors {
namespace {

namespace asio = boost::asio;

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() {
    settings.allow_private = true;
    settings.total_timeout = std::chrono::milliseconds(2'000);
    settings.connect_timeout = std::chrono::milliseconds(1'000);
  }
  void open(const std::string& url) {
    trust = std::make_unique<TlsTrust>(settings.extra_ca_file);
    client = std::make_unique<HttpClient>(io, *parse_url(url), settings, resolver, *trust, idle);
  }
  HttpOutcome post(const std::string& body = "{}") {
    HttpPost request;
    request.headers.emplace_back("webhook-id", "msg_1");
    request.body = body;
    auto future = asio::co_spawn(io, client->post(std::move(request)), asio::use_future);
    io.restart();
    io.run();
    return future.get();
  }
  WebhookSettings settings;
  Resolver resolver;
  std::unique_ptr<TlsTrust> trust;
  asio::io_context io;
  ConnectionGate gate{io, 256};
  IdleConnections idle{gate};
  std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientTest, PostsAndKeepsTheConnection) {
  Receiver receiver;
  open(receiver.url("/hook?a=b"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post("{\"n\":1}").status, 204);
  const auto all = receiver.all();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].head.starts_with("POST /hook?a=b HTTP/1.1\r\n")) << all[0].head;
  EXPECT_EQ(all[0].headers.at("host"), "127.0.0.1:" + std::to_string(receiver.port()));
  EXPECT_EQ(all[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(all[0].headers.at("user-agent"), "taskledger");
  EXPECT_EQ(all[0].headers.at("webhook-id"), "msg_1");
  EXPECT_EQ(all[0].body, "{\"n\":1}");
  EXPECT_EQ(all[2].connection, 1u);
}

// Whoever has a place at the gate gets his connection, and those kept open for nobody make room for it.
TEST_F(HttpClientTest, IdleConnectionsMakeRoom) {
  ConnectionGate small(io, 2);
  ConnectionGate::Visitor visitor(small, [] {});
  IdleConnections few(small);
  trust = std::make_unique<TlsTrust>("");
  std::vector<std::unique_ptr<Receiver>> receivers;
  std::vector<std::unique_ptr<HttpClient>> clients;
  const auto post_to = [&](std::size_t i) {
    const auto place = visitor.enter();
    EXPECT_TRUE(place);
    auto future = asio::co_spawn(io, clients[i]->post({}), asio::use_future);
    io.restart();
    io.run();
    EXPECT_LE(few.size(), 2u);
    return future.get().status;
  };
  for (std::size_t i = 0; i < 3; ++i) {
    receivers.push_back(std::make_unique<Receiver>());
    clients.push_back(
        std::make_unique<HttpClient>(io, *parse_url(receivers[i]->url()), settings, resolver, *trust, few));
    EXPECT_EQ(post_to(i), 204);
  }
  EXPECT_EQ(few.size(), 2u);
  EXPECT_EQ(post_to(1), 204);
  EXPECT_EQ(receivers[1]->all().back().connection, 1u) << "the first made room, not this one";
  EXPECT_EQ(post_to(0), 204);
  EXPECT_EQ(receivers[0]->all().back().connection, 2u);
  EXPECT_EQ(post_to(1), 204);
  EXPECT_EQ(receivers[1]->all().back().connection, 1u) << "the third was unused for longer";
  clients.erase(clients.begin());
  EXPECT_EQ(few.size(), 1u);
  few.close_old(std::chrono::milliseconds(-1));
  EXPECT_EQ(few.size(), 0u);
}

TEST_F(HttpClientTest, AnIdleConnectionThatThePeerClosedIsReplaced) {
  Receiver receiver;
  open(receiver.url());
  EXPECT_EQ(post().status, 204);
  receiver.set([](const Received& request) { return Reaction{.reset = request.connection == 1}; });
  EXPECT_EQ(post().status, 204);
  EXPECT_EQ(receiver.all().back().connection, 2u);
}

// What comes after an answer belongs to no request: it must not become the answer to the next one.
TEST_F(HttpClientTest, NothingLeftOverIsTakenForTheNextAnswer) {
  const std::string ok = "HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n";
  struct Case {
    const char* what;
    std::string answer, more;  // `more`: sent by itself, a moment later
    bool close = false;
  };
  const Case cases[] = {
      {"answered twice", ok + ok, {}},
      {"answered twice, one by one", ok, ok},
      {"204 with a body", "HTTP/1.1 204 x\r\n\r\nOK", {}},
      {"no length, but a body", ok + "OK", {}},
      {"a line too many", ok + "\r\n", {}},
      {"a line too many, later", ok, "\r\n"},
      {"unasked", ok, "HTTP/1.1 408 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", true},
      {"closed", ok, {}, true},
  };
  const auto certificate = make_certificate("localhost");
  const auto file =
      std::filesystem::path(testing::TempDir()) / ("taskledger-left-" + std::to_string(::getpid()) + ".pem");
  std::ofstream(file) << certificate.certificate;
  settings.extra_ca_file = file;
  for (const bool secure : {false, true}) {
    for (const Case& it : cases) {
      SCOPED_TRACE(std::string(it.what) + (secure ? ", TLS" : ""));
      std::promise<void> sent;
      Receiver receiver(
          [&](const Received& request) {
            if (request.body == "2") return Reaction{.status = 500};
            return Reaction{
                .close = it.close, .raw = it.answer, .more = it.more, .sent = [&sent] { sent.set_value(); }};
          },
          secure ? certificate.certificate : "", secure ? certificate.key : "");
      open(receiver.url());
      EXPECT_EQ(post("1").status / 100, 2);
      sent.get_future().wait();
      EXPECT_EQ(post("2").status, 500);
      const auto all = receiver.all();
      EXPECT_EQ(all.size(), 2u);
      EXPECT_EQ(all.back().body, "2");
      EXPECT_EQ(all.back().connection, 2u);
    }
  }
  std::filesystem::remove(file);
}

TEST_F(HttpClientTest, AnswersOfAllKindsAreStatuses) {
  unsigned status = 200;
  Receiver receiver([&](const Received&) {
    return Reaction{.status = status, .headers = "Location: http://127.0.0.1:1/\r\n", .body = "text"};
  });
  open(receiver.url());
  for (const unsigned wanted : {200u, 201u, 301u, 302u, 307u, 404u, 410u, 500u, 503u}) {
    status = wanted;
    EXPECT_EQ(post().status, wanted);
  }
  EXPECT_EQ(receiver.all().size(), 9u);  // no redirect was followed
}

TEST_F(HttpClientTest, AHugeAnswerCostsTheConnectionOnly) {
  Receiver receiver([](const Received&) { return Reaction{.status = 200, .body = std::string(1 << 20, 'x')}; });
  open(receiver.url());
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(receiver.all().back().connection, 2u);
}

TEST_F(HttpClientTest, FailuresSayWhatHappened) {
  Receiver receiver([](const Received&) { return Reaction{.reset = true}; });
  open(receiver.url());
  HttpOutcome outcome = post();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.error.find("waiting for the answer"), outcome.error.npos) << outcome.error;
  settings.total_timeout = std::chrono::milliseconds(200);
  receiver.set([](const Received&) { return Reaction{.hang = true}; });
  EXPECT_EQ(post().error, "waiting for the answer took too long");
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor silent(
      io, boost::asio::ip::tcp::v4());  // bound, so that nobody else gets the port, and not listening
  silent.bind({boost::asio::ip::address_v4::loopback(), 0});
  open("http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/");
  EXPECT_NE(post().error.find("connecting: Connection refused"), std::string::npos);
  open("http://no-such-host.invalid/");
  EXPECT_NE(post().error.find("look"), std::string::npos);
}

TEST_F(HttpClientTest, PrivateAddressesAreNotConnectedTo) {
  settings.allow_private = false;
  Receiver receiver;
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"}) {
    open("http://" + host + ":" + std::to_string(receiver.port()) + "/");
    EXPECT_EQ(post().error, "the host's address is not a public one") << host;
  }
  EXPECT_TRUE(receiver.all().empty());
}

// An address of this machine where nobody answers: as many connections wait there as may.
class SilentAddress {
 public:
  SilentAddress(const char* address, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    EXPECT_EQ(::inet_pton(AF_INET, address, &to.sin_addr), 1);
    for (int& fd : sockets_) {
      fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      const auto* at = reinterpret_cast<const sockaddr*>(&to);
      if (&fd == sockets_.begin()) {
        EXPECT_EQ(::bind(fd, at, sizeof to), 0);
        EXPECT_EQ(::listen(fd, 0), 0);
      } else {
        static_cast<void>(::connect(fd, at, sizeof to));
      }
    }
  }
  ~SilentAddress() {
    for (const int fd : sockets_) ::close(fd);
  }
  SilentAddress(const SilentAddress&) = delete;
  SilentAddress& operator=(const SilentAddress&) = delete;

 private:
  std::array<int, 5> sockets_{};
};

TEST_F(HttpClientTest, AnAddressThatKeepsSilentLeavesTimeToTheNext) {
  Receiver receiver;
  const SilentAddress silent("127.0.0.2", receiver.port());
  const auto of = [](std::initializer_list<const char*> addresses) {
    Resolver::Answer answer;
    for (const char* address : addresses) answer.addresses.push_back(asio::ip::make_address(address));
    return answer;
  };
  Resolver answering([&](const std::string& host) {
    if (host == "one.example") return of({"127.0.0.2"});
    return host == "last.example" ? of({"127.0.0.2", "127.0.0.2", "127.0.0.1"}) : of({"127.0.0.2", "127.0.0.3"});
  });
  trust = std::make_unique<TlsTrust>("");
  const auto post_to = [&](const std::string& host) {
    const auto url = parse_url("http://" + host + ":" + std::to_string(receiver.port()) + "/");
    client = std::make_unique<HttpClient>(io, *url, settings, answering, *trust, idle);
    return post();
  };
  settings.connect_timeout = std::chrono::seconds(3);
  settings.total_timeout = std::chrono::seconds(5);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(post_to("last.example").status, 204);
  EXPECT_LT(std::chrono::steady_clock::now() - start, settings.connect_timeout) << "there was time left";
  settings.connect_timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(post_to("one.example").error, "connecting took too long");
  EXPECT_EQ(post_to("refuses.example").error, "connecting: Connection refused") << "what the last one said";
  client.reset();
}

// A public name is whatever its name server says, and may say otherwise the next time: checked at each connection.
TEST_F(HttpClientTest, ANameThatLeadsInsideIsNotConnectedTo) {
  settings.allow_private = false;
  Receiver receiver;
  Resolver answering([](const std::string&) {
    return Resolver::Answer{{asio::ip::make_address("127.0.0.1"), asio::ip::make_address("10.0.0.1")}, {}};
  });
  trust = std::make_unique<TlsTrust>("");
  auto url = parse_url("http://hooks.example.com:" + std::to_string(receiver.port()) + "/");
  client = std::make_unique<HttpClient>(io, *std::move(url), settings, answering, *trust, idle);
  EXPECT_EQ(post().error, "the host's address is not a public one");
  EXPECT_TRUE(receiver.all().empty());
  settings.allow_private = true;  // the same name is connected to where that is allowed
  EXPECT_EQ(post().status, 204);
  client.reset();
}

TEST_F(HttpClientTest, CertificatesAndHostNamesAreChecked) {
  const auto trusted = make_certificate("localhost"), other_name = make_certificate("example.org"),
             expired = make_certificate("localhost", -1), of_old = make_certificate("localhost", 1, NamedIn::subject);
  const auto file =
      std::filesystem::path(testing::TempDir()) / ("taskledger-ca-" + std::to_string(::getpid()) + ".pem");
  std::ofstream(file) << trusted.certificate << other_name.certificate << expired.certificate << of_old.certificate;
  {
    Receiver receiver({}, trusted.certificate, trusted.key);
    open(receiver.url());
    HttpOutcome outcome = post();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_NE(outcome.error.find("certificate"), outcome.error.npos) << outcome.error;
    settings.extra_ca_file = file;
    open(receiver.url());
    outcome = post();
    EXPECT_EQ(outcome.status, 204) << outcome.error;
    EXPECT_EQ(post().status, 204);
    EXPECT_EQ(receiver.all().back().connection, receiver.all().front().connection);
  }
  for (const auto& bad : {other_name, expired, of_old}) {
    Receiver receiver({}, bad.certificate, bad.key);
    open(receiver.url());
    const HttpOutcome outcome = post();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_FALSE(outcome.error.empty());
    EXPECT_TRUE(receiver.all().empty());
  }
  std::filesystem::remove(file);
  EXPECT_THROW(TlsTrust("/no/such/file.pem"), std::runtime_error);
}

// A resolver of the system that hangs until it is let go; shared with look-ups that outlive their test's body.
struct Hanging {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  unsigned asked = 0, ended = 0;
  Resolver::LookUp look_up(std::shared_ptr<Hanging> self) {
    return [self](const std::string& host) -> Resolver::Answer {
      std::unique_lock lock(self->mutex);
      if (host.starts_with("quick")) return {{asio::ip::make_address("127.0.0.1")}, {}};
      ++self->asked, self->changed.notify_all();
      self->changed.wait(lock, [&] { return self->released; });
      ++self->ended, self->changed.notify_all();
      return {{asio::ip::make_address("127.0.0.2")}, {}};
    };
  }
  void wait_for(unsigned Hanging::*count, unsigned wanted) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return this->*count == wanted; }));
  }
  void release() {
    const std::lock_guard lock(mutex);
    released = true, changed.notify_all();
  }
};

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

// Destroying it waits for no look-up, answers who waits, and nobody afterwards: the event loop may be gone by then.
TEST(Resolver, StoppingWaitsForNoLookUp) {
  auto hanging = std::make_shared<Hanging>();
  auto resolver = std::make_unique<Resolver>(hanging->look_up(hanging));
  auto io = std::make_unique<asio::io_context>();
  auto answer = asio::co_spawn(*io, resolver->resolve("host.example", std::chrono::seconds(60)), asio::use_future);
  asio::co_spawn(*io, resolver->resolve("other.example", std::chrono::seconds(60)), asio::use_future);
  auto blocking = std::async([&] { return resolver->resolve_now("host.example", std::chrono::seconds(60)); });
  io->poll();
  hanging->wait_for(&Hanging::asked, 2);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the blocking one asks for the same name
  const auto start = std::chrono::steady_clock::now();
  resolver->close();
  io->run();
  EXPECT_EQ(answer.get().error, "the server is stopping");
  EXPECT_EQ(blocking.get().error, "the server is stopping");
  EXPECT_EQ(resolver->resolve_now("late.example", std::chrono::seconds(60)).error, "the server is stopping");
  io.reset();
  resolver.reset();
  EXPECT_LT(since(start), std::chrono::seconds(5));
  hanging->release();
  hanging->wait_for(&Hanging::ended, 2);
}

TEST(Resolver, NamesThatWaitAreBounded) {
  auto hanging = std::make_shared<Hanging>();
  Resolver resolver(hanging->look_up(hanging), 1);
  std::atomic<int> turned_away = 0, answered = 0;
  const auto ask = [&](int name) {
    resolver.look_up("host" + std::to_string(name) + ".example", [&](const Resolver::Answer& answer) {
      ++answered;
      if (answer.turned_away) ++turned_away;
    });
  };
  ask(0);
  hanging->wait_for(&Hanging::asked, 1);
  for (int name = 1; name <= 1'000; ++name) ask(name);
  EXPECT_EQ(turned_away, 0);
  ask(1'001);
  EXPECT_EQ(turned_away, 1);
  ask(7);
  EXPECT_EQ(turned_away, 1) << "one that waits already";
  resolver.close();
  EXPECT_EQ(answered, 1'003) << "who waits is told";
  hanging->release();
}

TEST(Resolver, AHangingNameDelaysNoOtherAndThoseWhoAskForItShareIt) {
  auto hanging = std::make_shared<Hanging>();
  Resolver resolver(hanging->look_up(hanging), 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(resolver.resolve_now("hangs.example", std::chrono::milliseconds(20)).error,
              "looking up the host took too long");
  }
  EXPECT_EQ(hanging->asked, 1u);
  const auto quick = resolver.resolve_now("quick.example", std::chrono::seconds(10));
  ASSERT_EQ(quick.addresses.size(), 1u);
  hanging->release();
  EXPECT_EQ(resolver.resolve_now("hangs.example", std::chrono::seconds(10)).addresses.size(), 1u);
}

// With as many names hanging as there are threads another waits for one of them, and then gets its answer.
TEST(Resolver, LooksUpWhatHadToWait) {
  auto hanging = std::make_shared<Hanging>();
  Resolver resolver(hanging->look_up(hanging), 1);
  EXPECT_FALSE(resolver.resolve_now("hangs.example", std::chrono::milliseconds(20)).error.empty());
  EXPECT_FALSE(resolver.resolve_now("quick.example", std::chrono::milliseconds(20)).error.empty());
  hanging->release();
  EXPECT_EQ(resolver.resolve_now("quick.example", std::chrono::seconds(10)).addresses.size(), 1u);
}

}  // namespace
}  // namespace taskledger::reactors
