// Open-ended answers.
#include "server_fixture.h"

namespace taskledger::http {
namespace {

TEST_F(ServerTest, StreamsInChunks) {
  auto client = connect();
  const Response response = client.ask(get("/stream"));
  EXPECT_EQ(
      response.head,
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response.body, "one\ntwo\nthree\n<end>");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(eventually([&] { return service.finished_with(200) == 1; }));
}

TEST_F(ServerTest, StreamsUntilTheEndToHttp10) {
  auto client = connect();
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.read_to_end(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\none\ntwo\nthree\n");
}

TEST_F(ServerTest, SendsOnlyTheHeadOfAStreamToHead) {
  auto client = connect();
  client.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read(true).status, 200u);
  EXPECT_TRUE(client.closed());
}

// The read that watches a stream's peer may have something when the stream ends.
TEST_F(ServerTest, EndsAStreamWhosePeerSendsMeanwhileAndThenNothing) {
  const std::string junk(16 << 10, 'j');
  std::vector<RawClient> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(connect());
    silent.back().send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" + junk);
  }
  EXPECT_TRUE(eventually([&] { return service.finished_with(200) == 200 && server->connections() == 0; }));
}

TEST_F(ServerTest, NoticesThatTheReaderOfAStreamHangsUp) {
  auto client = connect();
  client.send(get("/stream-idle"));
  EXPECT_TRUE(eventually([&] { return service.streams == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return service.streams_ended == 1 && server->connections() == 0; }));
}

TEST_F(ServerTest, DropsTheReaderOfAStreamThatIsTooSlow) {
  auto with = options();
  with.write_timeout = 100ms;
  start(with);
  auto client = connect(4096);
  client.send(get("/stream-fast"));
  EXPECT_TRUE(eventually([&] { return service.streams_ended == 1 && server->connections() == 0; }));
}

TEST_F(ServerTest, DoesNotLetABrokenStreamLookFinished) {
  auto client = connect();
  const Response response = client.ask(get("/stream-throw"));
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, "half");
}

}  // namespace
}  // namespace taskledger::http
