// Stopping: what is under way is finished, what is idle closed, what hangs abandoned.
#include "server_fixture.h"

namespace taskledger::http {
namespace {

TEST_F(ServerTest, StopsTwiceAndWithoutAStart) {
  start();
  server->stop();
  server->stop();
  server.emplace(options(), service);
  server->stop();
}

TEST_F(ServerTest, ClosesIdleConnectionsOnStop) {
  auto idle = connect();
  auto used = connect();
  EXPECT_EQ(used.ask(get("/a")).status, 200u);
  server->stop();
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(used.closed());
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_THROW(RawClient{server->port()}, std::runtime_error);
}

TEST_F(ServerTest, FinishesWhatIsUnderWayOnStop) {
  auto waiting = connect();
  auto sending = connect();
  waiting.send(post("/later-long", "a"));
  sending.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  EXPECT_TRUE(eventually([&] { return service.admitted == 2 && service.answered == 1; }));
  std::thread stopping([&] { server->stop(); });
  std::this_thread::sleep_for(20ms);
  sending.send("bc");
  const Response answer = waiting.read();
  EXPECT_EQ(answer.body, "42 /later-long a");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_EQ(sending.read().body, "POST /x abc");
  EXPECT_TRUE(waiting.closed());
  EXPECT_TRUE(sending.closed());
  stopping.join();
}

TEST_F(ServerTest, TellsStreamsToEndOnStop) {
  auto client = connect();
  client.send(get("/stream-idle"));
  EXPECT_TRUE(eventually([&] { return service.streams == 1; }));
  server->stop();
  EXPECT_EQ(service.streams_ended, 1);
  EXPECT_EQ(client.read().body, "xxxx<end>");
}

TEST_F(ServerTest, AbandonsWhatDoesNotEndInTime) {
  auto with = options();
  with.drain_timeout = 50ms;
  start(with);
  auto half_a_head = connect();
  half_a_head.send("GET / HT");
  auto half_a_body = connect();
  half_a_body.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  auto not_reading = connect(4096);
  not_reading.send(get("/big"));
  EXPECT_TRUE(eventually([&] { return service.admitted == 2; }));
  server->stop();
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_TRUE(half_a_head.gone());
}

// Each request that was sent on an open connection gets its whole answer or none, and the last answer says so.
TEST_F(ServerTest, StopsUnderLoad) {
  start();
  const std::uint16_t port = server->port();
  std::atomic<bool> over{false};
  std::atomic<int> answers{0}, broken{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&, i] {
      while (!over) {
        try {
          RawClient client(port);
          while (client.send(i % 2 ? get("/a") : post("/later", "b"))) {
            const Response response = client.read();
            if (response.status == 0) break;
            ++answers;
            if (response.body != (i % 2 ? "GET /a" : "42 /later b")) ++broken;
            if (response.has("Connection: close")) break;
          }
        } catch (const std::runtime_error&) {
          break;  // nobody listens any more
        }
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return answers > 2'000; }));
  server->stop();
  over = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(broken, 0);
  EXPECT_EQ(server->connections(), 0u);
}

}  // namespace
}  // namespace taskledger::http
