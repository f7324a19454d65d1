// Timeouts and the number of connections. The timeouts are short and met up to two sweeps late; nothing here asserts
// that something happened soon, only that it happened, and that what should not be cut off was not.
#include "server_fixture.h"

namespace taskledger::http {
namespace {

ServerOptions short_of(std::chrono::milliseconds ServerOptions::*which) {
  ServerOptions options;
  options.port = 0;
  options.threads = 1;
  options.*which = 100ms;
  return options;
}

TEST_F(ServerTest, AnswersASlowHeadWith408) {
  start(short_of(&ServerOptions::header_timeout));
  auto client = connect();
  std::atomic<bool> over{false};
  std::thread loris([&] {  // each byte comes in time; the head as a whole does not
    for (const char byte : "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2'000, 'a')) {
      if (over || !client.send({&byte, 1})) break;
      std::this_thread::sleep_for(5ms);
    }
  });
  const Response response = client.read();
  over = true;
  loris.join();
  EXPECT_EQ(response.status, 408u);
  EXPECT_TRUE(response.has("Connection: close"));
  EXPECT_TRUE(client.gone());
}

TEST_F(ServerTest, ClosesANewConnectionThatSaysNothing) {
  start(short_of(&ServerOptions::header_timeout));
  auto silent = connect();
  EXPECT_TRUE(silent.closed());
  auto empty_lines = connect();
  empty_lines.send("\r\n\r\n");
  EXPECT_TRUE(empty_lines.closed());
}

TEST_F(ServerTest, AnswersASlowBodyWith408) {
  start(short_of(&ServerOptions::body_timeout));
  for (const char* framing : {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nab"}) {
    auto client = connect();
    EXPECT_EQ(client.ask(std::string("POST /x HTTP/1.1\r\nHost: x\r\n") + framing).status, 408u);
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, ClosesAnIdleConnectionWithoutAnAnswer) {
  start(short_of(&ServerOptions::idle_timeout));
  auto client = connect();
  EXPECT_EQ(client.ask(get("/a")).status, 200u);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, DoesNotCutOffAnAnswerThatTakesLong) {
  auto with = short_of(&ServerOptions::header_timeout);
  with.body_timeout = with.idle_timeout = with.write_timeout = 10ms;
  start(with);
  EXPECT_EQ(connect().ask(post("/later-long", "b")).body, "42 /later-long b");
}

TEST_F(ServerTest, GivesUpOnAPeerThatDoesNotRead) {
  start(short_of(&ServerOptions::write_timeout));
  auto client = connect(4096);
  client.send(get("/big"));
  EXPECT_TRUE(eventually([&] { return server->connections() == 0 && service.answered == 1; }));
  EXPECT_LT(client.read().body.size(), 32u << 20);
}

TEST_F(ServerTest, TurnsAwayWhatIsOverTheLimitOfConnections) {
  auto with = options();
  with.max_connections = 3;
  start(with);
  std::vector<RawClient> inside;
  for (int i = 0; i < 3; ++i) {
    inside.push_back(connect());
    EXPECT_EQ(inside.back().ask(get("/a")).status, 200u);
  }
  for (int i = 0; i < 5; ++i) {
    auto surplus = connect();
    surplus.send(get("/b"));
    const Response response = surplus.read();
    EXPECT_EQ(response.status, 503u);
    EXPECT_TRUE(response.has("Retry-After: 1"));
    EXPECT_TRUE(response.has("Connection: close"));
    EXPECT_TRUE(surplus.closed());
  }
  EXPECT_EQ(service.admitted, 3);
  inside.pop_back();
  EXPECT_TRUE(eventually([&] { return server->connections() == 2; }));
  EXPECT_EQ(connect().ask(get("/c")).status, 200u);
}

TEST_F(ServerTest, BodiesOfAllConnectionsTogetherAreLimited) {
  auto with = options();
  with.max_body_bytes = 1 << 20;
  start(with);
  const std::string body(450'000, 'b'), whole = post("/count", body);
  const std::string chunked =
      "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6ddd0\r\n" + body + "\r\n0\r\n\r\n";
  ASSERT_EQ(body.size(), 0x6ddd0u);
  const auto refused = [&](const std::string& request) {
    auto surplus = connect();
    surplus.send(request);
    const Response response = surplus.read();
    return response.status == 503 && response.has("Retry-After: 1") && response.has("Connection: close") &&
           response.body == "refused: Too much is being received at once";
  };
  const std::array kinds{whole, chunked};
  for (const std::string& request : kinds) {
    auto first = connect();
    first.send(request.substr(0, 430'000));
    {
      auto second = connect();
      second.send(request.substr(0, 430'000));
      // What is chunked has room for another step beside what has come.
      const std::size_t each = &request == &kinds[0] ? 450'000 : 429'000 + 64 * 1024;
      ASSERT_TRUE(eventually([&] { return server->body_bytes() >= 2 * each; }));
      EXPECT_TRUE(refused(whole));
      EXPECT_TRUE(refused(chunked));
      EXPECT_EQ(connect().ask(get("/a")).status, 200u);
      EXPECT_EQ(connect().ask(post("/count", std::string(1'000, 'b'))).body, "1000");
    }  // it vanishes, and what it held is free
    EXPECT_TRUE(eventually([&] { return connect().ask(whole).body == "450000"; }));
    first.send(std::string_view(request).substr(430'000));
    EXPECT_EQ(first.read().body, "450000");
    EXPECT_EQ(first.ask(chunked).body, "450000") << "the connection goes on";
    for (int i = 0; i < 5; ++i) EXPECT_EQ(connect().ask(request).body, "450000") << "what was received is given back";
    EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
    EXPECT_TRUE(eventually([&] { return server->body_bytes() == 0; }));
  }
}

TEST_F(ServerTest, LongHeadsHaveALimitOfTheirOwn) {
  auto with = options();
  with.max_body_bytes = 400'000;  // and a quarter of it for heads
  start(with);
  const std::string begun = "GET /" + std::string(50'000, 'a');
  auto first = connect();
  first.send(begun);
  ASSERT_TRUE(eventually([&] { return server->body_bytes() >= 50'000; }));
  auto second = connect();
  second.send(begun);
  const Response refused = second.read();
  EXPECT_EQ(refused.status, 503u);
  EXPECT_TRUE(refused.has("Retry-After: 1") && refused.has("Connection: close"));
  EXPECT_EQ(connect().ask(get("/a")).status, 200u);
  auto body = connect();
  const std::string whole = post("/count", std::string(300'000, 'b'));
  body.send(whole.substr(0, 200'000));
  ASSERT_TRUE(eventually([&] { return server->body_bytes() >= 64 * 1024 + 200'000; })) << "bodies have their room";
  first.send(" HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.read().status, 200u);
  EXPECT_EQ(first.ask(get("/a")).body, "GET /a") << "the connection goes on";
  body.send(whole.substr(200'000));
  EXPECT_EQ(body.read().body, "300000");
  EXPECT_TRUE(eventually([&] { return server->body_bytes() == 0; }));
}

TEST_F(ServerTest, ARefusedHeadKeepsNoRoomWhileItsSenderIsStillRead) {
  auto with = options();
  with.max_request_line = 20'000;
  start(with);
  auto client = connect();
  client.send("GET /" + std::string(18'000, 'a'));
  ASSERT_TRUE(eventually([&] { return server->body_bytes() >= 18'000; }));
  client.send(std::string(10'000, 'a'));
  EXPECT_EQ(client.read().status, 414u);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // of the second in which more would be read
  EXPECT_EQ(server->body_bytes(), 0u);
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(ServerTest, HoldsAThousandConnections) {
  std::vector<RawClient> clients;
  for (int i = 0; i < 1'000; ++i) clients.push_back(connect());
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) client.send(round == 1 ? post("/x", "abc") : get("/a"));
    for (auto& client : clients) ASSERT_EQ(client.read().body, round == 1 ? "POST /x abc" : "GET /a");
  }
  EXPECT_EQ(server->connections(), 1'000u);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(ServerTest, WaitsForManyAnswersOnFewThreads) {
  std::vector<RawClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(connect());
  for (auto& client : clients) client.send(post("/later-long", "b"));
  EXPECT_EQ(connect().ask(get("/meanwhile")).body, "GET /meanwhile");
  for (auto& client : clients) ASSERT_EQ(client.read().body, "42 /later-long b");
}

}  // namespace
}  // namespace taskledger::http
