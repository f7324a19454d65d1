// X-Request-Id in and out, and the lines that every answer has.
#include <atomic>
#include <memory>
#include <set>
#include <span>

#include "http/request_id.h"
#include "server_fixture.h"

namespace taskledger::http {
namespace {

std::string header(const Response& response, std::string_view name) {
  const auto at = response.head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const auto start = at + name.size() + 4;
  return response.head.substr(start, response.head.find("\r\n", start) - start);
}

class RequestIdTest : public ServerTest {
 protected:
  RequestIdTest() {
    auto with = options();
    with.request_ids = [made = std::make_shared<std::atomic<std::uint8_t>>(0)](std::span<std::uint8_t> bytes) {
      bytes[0] = ++*made;
    };
    with.standard_headers = "X-Content-Type-Options: nosniff\r\n";
    start(with);
  }
};

TEST_F(RequestIdTest, KeepsTheRequestsOwnAndReplacesWhatIsNone) {
  auto client = connect();
  EXPECT_EQ(header(client.ask(get("/a", "X-Request-Id: req-1.b:7\r\n")), "X-Request-Id"), "req-1.b:7");
  for (const std::string bad : {"", "two words", "quote\"", "caf\xc3\xa9"}) {
    const auto id = header(client.ask(get("/a", "X-Request-Id: " + bad + "\r\n")), "X-Request-Id");
    EXPECT_TRUE(id.size() == 16 && is_request_id(id)) << bad << " gave " << id;
  }
  const std::string longest(kMaxRequestId, 'x');
  EXPECT_EQ(header(client.ask(get("/a", "X-Request-Id: " + longest + "\r\n")), "X-Request-Id"), longest);
  EXPECT_NE(header(client.ask(get("/a", "X-Request-Id: " + longest + "x\r\n")), "X-Request-Id"), longest + "x");
}

// Somebody who knows two of them must not know how many were made between: they are nothing but the bytes given.
TEST(MadeRequestId, IsTheRandomBytesThatWereGiven) {
  const auto id = make_request_id([](std::span<std::uint8_t> bytes) {
    ASSERT_EQ(bytes.size(), 8u);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(0x11 * i + 2);
  });
  EXPECT_EQ(std::string(id.begin(), id.end()), "2031425364758697");
}

TEST_F(RequestIdTest, EveryAnswerHasOneAndTheStandardLines) {
  std::set<std::string> seen;
  const auto check = [&](const Response& response) {
    EXPECT_TRUE(seen.insert(header(response, "X-Request-Id")).second) << response.head;
    EXPECT_FALSE(seen.contains(""));
    EXPECT_TRUE(response.has("X-Content-Type-Options: nosniff")) << response.head;
  };
  auto client = connect();
  for (const auto* target : {"/a", "/deny", "/later", "/nothing", "/a"}) check(client.ask(get(target)));
  check(connect().ask(get("/throw-now")));
  check(connect().ask(get("/stream")));
  auto malformed = connect();
  malformed.send("NONSENSE\r\n\r\n");
  check(malformed.read());
}

}  // namespace
}  // namespace taskledger::http
