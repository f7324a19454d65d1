// Bodies: sizes, limits, Expect: 100-continue, what is left unread.
#include "server_fixture.h"

namespace taskledger::http {
namespace {

std::string chunked(std::string_view body, std::size_t step) {
  std::string out;
  for (std::size_t at = 0; at < body.size(); at += step) {
    char size[20];
    const auto piece = body.substr(at, step);
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    out.append(size).append(piece).append("\r\n");
  }
  return out + "0\r\n\r\n";
}
const std::string kChunkedPost = "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(ServerTest, ReadsBodiesOfAllSizes) {
  auto client = connect();
  for (const std::size_t size : {0u, 1u, 8'000u, 8'192u, 65'536u, 1'000'000u, 8u << 20}) {
    const std::string body(size, 'z');
    std::thread sender(
        [&] { client.send(post("/count", body) + kChunkedPost + chunked(body, 10'007) + get("/next")); });
    EXPECT_EQ(client.read().body, std::to_string(size));
    EXPECT_EQ(client.read().body, std::to_string(size));
    EXPECT_EQ(client.read().body, "GET /next");
    sender.join();
  }
}

TEST_F(ServerTest, SendsWhatAnswersShareInItsPlace) {
  auto client = connect();
  for (const std::size_t size : {0u, 1u, 2'048u, 2'049u, 20'000u, 32u << 20}) {
    const std::string target = "/shared/" + std::to_string(size);
    const Response response = client.ask(get(target));
    EXPECT_TRUE(response.has("Content-Length: " + std::to_string(size + 2)));
    EXPECT_TRUE(response.body == "[" + std::string(size, 'x') + "]") << size;
    client.send("HEAD " + target + " HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"));
    EXPECT_TRUE(client.read(true).has("Content-Length: " + std::to_string(size + 2)));
    EXPECT_EQ(client.read().body, "GET /next");
  }
}

// Or many idle connections would hold on to pages that the cache has let go of.
TEST_F(ServerTest, AnIdleConnectionHoldsNothingShared) {
  auto client = connect();
  EXPECT_EQ(client.ask(get("/shared/20000")).body.size(), 20'002u);
  for (int i = 0; i < 200 && service.shared_is_held(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(service.shared_is_held());
  EXPECT_EQ(client.ask(get("/next")).body, "GET /next");
}

// Answers wait for each other for a moment: each still gets to whom it belongs, in order, whoever leaves meanwhile.
TEST_F(ServerTest, ManyAtOnceGetTheirOwnAnswers) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<RawClient>(connect()));
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const std::string name = "/" + std::to_string(round) + "/" + std::to_string(i);
      clients[i]->send(get(name) + get(name + "/more") + get("/shared/" + std::to_string(5'000 * i)));
    }
    clients[static_cast<std::size_t>(round)] =
        std::make_unique<RawClient>(connect());  // this one does not wait for its answers
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (i == static_cast<std::size_t>(round)) continue;
      const std::string name = "/" + std::to_string(round) + "/" + std::to_string(i);
      EXPECT_EQ(clients[i]->read().body, "GET " + name);
      EXPECT_EQ(clients[i]->read().body, "GET " + name + "/more");
      EXPECT_EQ(clients[i]->read().body.size(), 5'000 * i + 2);
    }
  }
}

TEST_F(ServerTest, RefusesABodyOverTheLimitWithoutReadingIt) {
  auto client = connect();
  const Response response = client.ask("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(response.status, 413u);
  EXPECT_TRUE(response.has("Connection: close"));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(connect().ask(post("/small", std::string(100, 'a'))).status, 200u);
}

TEST_F(ServerTest, RefusesAChunkedBodyWhenItGrowsOverTheLimit) {
  auto client = connect();
  const std::string head = "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(client.ask(head + chunked(std::string(100, 'a'), 40)).status, 200u);
  EXPECT_EQ(client.ask(head + chunked(std::string(101, 'a'), 40)).status, 413u);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(connect().ask(head + "ffffffffffffffff\r\n").status, 413u);
  EXPECT_EQ(service.answered, 1);
}

TEST_F(ServerTest, SaysContinueOnlyAfterAdmission) {
  auto client = connect();
  const std::string expect = "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  client.send("POST /x HTTP/1.1\r\nHost: x\r\n" + expect);
  EXPECT_EQ(client.read().head, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("abc").body, "POST /x abc");
  client.send("POST /deny HTTP/1.1\r\nHost: x\r\n" + expect);
  EXPECT_EQ(client.read().status, 401u);
  EXPECT_TRUE(client.closed());
  auto chunking = connect();
  chunking.send("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(chunking.read().status, 100u);
  EXPECT_EQ(chunking.ask("3\r\nabc\r\n0\r\n\r\n").body, "POST /x abc");
}

TEST_F(ServerTest, DoesNotSayContinueToABodyThatIsThere) {
  EXPECT_EQ(connect().ask(post("/x", "abc", "Expect: 100-continue\r\n")).body, "POST /x abc");
}

TEST_F(ServerTest, KeepsTheConnectionWhenARefusedBodyIsAllHere) {
  auto client = connect();
  EXPECT_EQ(client.ask(post("/deny", "abc") + get("/next")).status, 401u);
  EXPECT_EQ(client.read().body, "GET /next");
}

TEST_F(ServerTest, LetsAClientThatIsStillSendingSeeItsRefusal) {
  for (const std::string& head : {std::string("POST /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"),
                                  std::string("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")}) {
    auto client = connect();
    client.send(head + std::string(20'000, 'a'));
    std::this_thread::sleep_for(20ms);
    client.send(std::string(30'000, 'a'));
    const unsigned status = client.read().status;
    EXPECT_TRUE(status == 401 || status == 413) << status;
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, AClientThatSendsAllBeforeItReadsSeesItsRefusal) {
  constexpr std::size_t kSize = 4 << 20;
  const std::string length = "Content-Length: " + std::to_string(kSize) + "\r\n\r\n";
  for (const std::string target : {"/deny", "/small"}) {
    auto client = connect();
    EXPECT_TRUE(client.send("POST " + target + " HTTP/1.1\r\nHost: x\r\n" + length));
    for (std::size_t sent = 0; sent < kSize; sent += kSize / 8) {
      std::this_thread::sleep_for(5ms);
      ASSERT_TRUE(client.send(std::string(kSize / 8, 'a'))) << target << " after " << sent;
    }
    EXPECT_EQ(client.read().status, target == "/deny" ? 401u : 413u);
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, ChunksAreFramedStrictly) {
  EXPECT_EQ(connect().ask(kChunkedPost + "3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n").body, "3");
  for (const std::string& chunks :
       {std::string("3\nabc\n0\n\n"), std::string("3\r\nabc\n0\r\n\r\n"), std::string("3\r\nabc\r\n0\n"),
        std::string("3\r\nabc\r\n0\r\nTrailer: x\n"), std::string("3;ext=\"a\nb\"\r\nabc\r\n0\r\n\r\n"),
        std::string("3\r\nabc\r\n0;ext=\"\n\"\r\n\r\n"), "3;" + std::string(20'000, 'x') + "\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nTrailer: " + std::string(30'000, 'x') + "\r\n\r\n"}) {
    auto client = connect();
    EXPECT_EQ(client.ask(kChunkedPost + chunks).status, 400u) << chunks.substr(0, 40);
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, SurvivesACloseInTheMiddleOfABody) {
  for (int i = 0; i < 50; ++i) {
    auto client = connect();
    client.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
                std::string(static_cast<std::size_t>(i) * 10, 'a'));
    auto chunking = connect();
    chunking.send(kChunkedPost + "5\r\nab");
  }
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
  EXPECT_EQ(service.answered, 0);
}

TEST_F(ServerTest, WritesALargeAnswerToASlowReader) {
  auto client = connect(4096);
  client.send(get("/big") + get("/next"));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(client.read().body.size(), 32u << 20);
  EXPECT_EQ(client.read().body, "GET /next");
}

}  // namespace
}  // namespace taskledger::http
