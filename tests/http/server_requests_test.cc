// Requests well and badly formed, and the shape of the answers.
#include "server_fixture.h"

namespace taskledger::http {
namespace {

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  auto client = connect();
  const Response first = client.ask(get("/a"));
  EXPECT_EQ(first.head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(first.body, "GET /a");
  EXPECT_EQ(client.ask(get("/b")).body, "GET /b");
  EXPECT_TRUE(eventually([&] { return service.finished_with(200) == 2; }));
}

// The log goes by that (storage/group_pace.h).
TEST_F(ServerTest, SaysHowBusyItsThreadsAre) {
  struct Watched : FakeService {
    explicit Watched(const RequestLoad& of) : load(of) {}
    std::optional<Reply> answer_now(const RequestHead& head, const Admission& admission,
                                    std::string_view body) override {
      idle_while_it_answered = idle_while_it_answered || load.is_idle();
      return FakeService::answer_now(head, admission, body);
    }
    const RequestLoad& load;
    std::atomic<bool> idle_while_it_answered{false};
  };
  auto with = options();
  with.threads = 1;
  with.load = std::make_shared<RequestLoad>(1);
  Watched watched(*with.load);
  Server of_watched(with, watched);
  of_watched.start();
  RawClient client(of_watched.port(), 0);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    EXPECT_TRUE(eventually([&] { return with.load->is_idle(); }));
    EXPECT_EQ(client.ask(i % 2 ? get("/a") : post("/later", "b")).status, 200);
    EXPECT_TRUE(eventually([&] { return with.load->answered() == i; }));
  }
  EXPECT_FALSE(watched.idle_while_it_answered);
  of_watched.stop();
  EXPECT_TRUE(with.load->is_idle());
}

TEST_F(ServerTest, StampsTheDateWhenGivenAClock) {
  auto with = options();
  with.clock = [] { return Timestamp{784111777000}; };
  start(with);
  EXPECT_TRUE(connect().ask(get("/")).has("Date: Sun, 06 Nov 1994 08:49:37 GMT"));
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  auto client = connect();
  std::string all;
  for (int i = 0; i < 200; ++i) all += i % 3 ? get("/p" + std::to_string(i)) : post("/later", std::to_string(i));
  std::thread sender([&] { client.send(all); });
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(client.read().body, i % 3 ? "GET /p" + n : "42 /later " + n);
  }
  sender.join();
}

TEST_F(ServerTest, ReadsRequestsByteByByte) {
  auto client = connect();
  const std::string sized = post("/sized", "{\"a\":1}");
  const std::string chunked =
      "POST /chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: "
      "t\r\n\r\n";
  for (const char byte : "\r\n" + sized + chunked + get("/last")) {
    ASSERT_TRUE(client.send({&byte, 1}));
    std::this_thread::yield();
  }
  EXPECT_EQ(client.read().body, "POST /sized {\"a\":1}");
  EXPECT_EQ(client.read().body, "POST /chunked abcde");
  EXPECT_EQ(client.read().body, "GET /last");
}

TEST_F(ServerTest, PassesWhatTheServiceNeedsOfTheHead) {
  const Response response = connect().ask(
      get("/fields",
          "authorization: Bearer t\r\nContent-Type:application/json\r\nIF-MATCH: \"1\" \r\nIf-None-Match: "
          "*\r\nIdempotency-Key: k\r\n"
          "X-Min-Position: 7\r\nLast-Event-ID: 9\r\nTraceparent: 00-a\r\nX-Request-ID: r\r\nOrigin: http://o\r\n"
          "Access-Control-Request-Method: PUT\r\n"));
  EXPECT_EQ(response.body,
            "auth=Bearer t;type=application/json;match=\"1\";none=*;key=k;min=7;last=9;trace=00-a;id=r;origin=http://o;"
            "acrm=PUT;repeated=;from=127.0.0.1;KMPA");
}

TEST_F(ServerTest, NotesRepeatedAndEmptyFields) {
  auto client = connect();
  EXPECT_NE(client.ask(get("/fields", "Idempotency-Key: a\r\nidempotency-key: b\r\n"))
                .body.find(";key=a;min=;last=;trace=;id=;origin=;acrm=;repeated=Idempotency-Key;"),
            std::string::npos);
  EXPECT_NE(client.ask(get("/fields", "X-Request-Id: a\r\nAuthorization: a\r\nauthorization: b\r\nx-request-id: b\r\n"))
                .body.find("repeated=Authorization,X-Request-Id;"),
            std::string::npos)
      << "whichever comes last";
  EXPECT_NE(client.ask(get("/fields", "If-Match:\r\nIf-Match:\r\n")).body.find("repeated=If-Match;from=127.0.0.1;M"),
            std::string::npos);
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAlone) {
  auto client = connect();
  client.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.read(true).has("Content-Length: 7"));
  client.send("HEAD /later HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.read(true).has("Content-Length: 10"));
  EXPECT_EQ(client.ask(get("/after")).body, "GET /after");
}

TEST_F(ServerTest, LeavesOutTheBodyWhereThereIsNone) {
  auto client = connect();
  EXPECT_EQ(client.ask(get("/nothing")).head, "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(client.ask(get("/unchanged")).head, "HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n");
  EXPECT_EQ(client.ask(get("/after")).body, "GET /after");
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
  auto client = connect();
  EXPECT_TRUE(client.ask(get("/a", "Connection: close\r\n")).has("Connection: close"));
  EXPECT_TRUE(client.closed());
  auto other = connect();
  EXPECT_TRUE(other.ask(get("/close")).has("Connection: close"));
  EXPECT_TRUE(other.closed());
}

TEST_F(ServerTest, SpeaksHttp10) {
  auto client = connect();
  EXPECT_EQ(client.ask("GET /a HTTP/1.0\r\n\r\n").body, "GET /a");
  EXPECT_TRUE(client.closed());
  auto kept = connect();
  EXPECT_TRUE(kept.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").has("Connection: keep-alive"));
  EXPECT_EQ(kept.ask("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body, "GET /b");
}

TEST_F(ServerTest, TakesTheFormsOfATarget) {
  const std::pair<const char*, const char*> cases[] = {
      {"GET http://host/a?b=c HTTP/1.1", "GET /a?b=c"},
      {"GET HTTP://host:80 HTTP/1.1", "GET /"},
      {"GET https://host?b=c HTTP/1.1", "GET /?b=c"},
      {"OPTIONS * HTTP/1.1", "OPTIONS *"},
      {"OPTIONS /a HTTP/1.1", "OPTIONS /a"},
      {"TRACE /a HTTP/1.1", "other /a"},
      {"CONNECT host:443 HTTP/1.1", "other host:443"},
      {"BREW /pot HTTP/1.1", "other /pot"},
      {"DELETE /a HTTP/1.1", "DELETE /a"},
      {"PATCH /a HTTP/1.1", "PATCH /a"},
      {"PUT /a HTTP/1.1", "PUT /a"},
  };
  auto client = connect();
  for (const auto& [line, body] : cases)
    EXPECT_EQ(client.ask(std::string(line) + "\r\nHost: host\r\n\r\n").body, body) << line;
}

// Each of these could be read otherwise by a proxy in front: answered 400, and the connection ends, so that what
// follows is never taken for a request.
TEST_F(ServerTest, RefusesMalformedRequestsAndCloses) {
  using namespace std::string_literals;
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string cases[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n",
      "GET / HTTP/1.1\nHost: x\n\n",
      "GET / HTTP/1.1\r\nHost: x\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s,
      "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s,
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA:\r\n\tc\r\n\r\n",
      "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
      "GET / HTTP/1.2\r\nHost: x\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
      "GET / HTTP/0.9\r\nHost: x\r\n\r\n",
      "GET / http/1.1\r\nHost: x\r\n\r\n",
      "GET /\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
      "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET a HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x00\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 4\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(20'000, '1') + "\r\n",
      "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (const std::string& bytes : cases) {
    SCOPED_TRACE(::testing::PrintToString(bytes.substr(0, 200)));
    auto client = connect();
    client.send(bytes + smuggled);
    const Response response = client.read();
    EXPECT_TRUE(response.status == 400 || (response.status == 413 && bytes.size() > 10'000)) << response.status;
    EXPECT_TRUE(response.has("Connection: close"));
    EXPECT_EQ(response.body.substr(0, 9), "refused: ");
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(service.answered, 0);
}

// What has no end yet is refused once it is too long, and not waited for.
TEST_F(ServerTest, RefusesEndlessChunkHeadersAndNamesLineEndings) {
  auto endless = connect();
  endless.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;" + std::string(20'000, 'x'));
  EXPECT_EQ(endless.read().body, "refused: Malformed chunk");
  for (const char* bytes : {"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\n\r\n", "\nGET / HTTP/1.1\r\n"})
    EXPECT_EQ(connect().ask(bytes).body, "refused: Lines must end with CRLF") << bytes;
  EXPECT_EQ(service.answered, 0);
}

TEST_F(ServerTest, TakesARepeatedContentLengthThatAgrees) {
  EXPECT_EQ(connect().ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc").body,
            "POST /x abc");
}

TEST_F(ServerTest, HoldsTheHeadToItsLimits) {
  auto with = options();
  with.max_request_line = 1000;
  with.max_header_bytes = 2000;
  start(with);
  const std::string line = "GET /" + std::string(1000 - 5 - 9, 'a') + " HTTP/1.1\r\n";
  EXPECT_EQ(connect().ask(line + "Host: x\r\n\r\n").status, 200u);
  for (const std::string& bytes : {"GET /a" + line.substr(5) + "Host: x\r\n\r\n", std::string(2000, 'G')}) {
    auto client = connect();
    EXPECT_EQ(client.ask(bytes).status, 414u);
    EXPECT_TRUE(client.closed());
  }
  const std::string field = "A: " + std::string(2000 - 9 - 5, 'a') + "\r\n";
  EXPECT_EQ(connect().ask(get("/", field)).status, 200u);
  for (const std::string& bytes : {get("/", "B" + field), "GET / HTTP/1.1\r\nA: " + std::string(3000, 'a')}) {
    auto client = connect();
    EXPECT_EQ(client.ask(bytes).status, 431u);
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, ReadsARequestLineOf64KiB) {
  const std::string target = "/" + std::string(60'000, 'a');
  auto client = connect();
  EXPECT_EQ(client.ask(get(target)).body, "GET " + target);
  EXPECT_EQ(client.ask(get("/b")).body, "GET /b");
}

TEST_F(ServerTest, TurnsExceptionsInto500) {
  for (const char* target : {"/throw-admit", "/throw-now", "/throw-later"}) {
    auto client = connect();
    const Response response = client.ask(get(target));
    EXPECT_EQ(response.status, 500u) << target;
    EXPECT_EQ(response.body, "refused: Internal error");
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(connect().ask(get("/a")).status, 200u);
}

TEST_F(ServerTest, NamesWhyItCannotListen) {
  start();
  auto with = options();
  with.port = server->port();
  EXPECT_THROW(
      {
        try {
          Server second(with, service);
        } catch (const std::runtime_error& error) {
          EXPECT_EQ(error.what(),
                    "cannot listen on 127.0.0.1:" + std::to_string(with.port) + ": Address already in use");
          throw;
        }
      },
      std::runtime_error);
  with.address = "localhost";
  EXPECT_THROW(Server(with, service), std::runtime_error);
}

}  // namespace
}  // namespace taskledger::http
