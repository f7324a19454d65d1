// Bytes of a connection through the real session: head, fields, bodies and what is pipelined behind them, whole and in
// pieces, with a service that only writes down what it is given.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "http/session.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/targets.h"

namespace taskledger::fuzz {
namespace {

using http::Admission;
using http::Answer;
using http::Reply;
using http::RequestHead;

constexpr std::uint64_t kBodyLimit = 1'000;

// Answers have no bodies, so that those of HEAD need no telling apart. Every other one comes from a coroutine.
class Listing final : public http::Service {
 public:
  std::variant<Admission, Reply> admit(const RequestHead& head) override {
    if (head.target.starts_with("/deny")) return refuse(nullptr, nullptr, 401, "");
    Admission admission;
    admission.body_limit = kBodyLimit;
    return admission;
  }
  std::optional<Reply> answer_now(const RequestHead& head, const Admission&, std::string_view body) override {
    FUZZ_CHECK(body.size() <= kBodyLimit);
    FUZZ_CHECK(!head.target.empty());
    for (const auto field : {head.target, head.authorization, head.content_type, head.if_match, head.if_none_match,
                             head.idempotency_key, head.traceparent, head.request_id, head.origin}) {
      FUZZ_CHECK(field.find_first_of(std::string_view("\r\n\0", 3)) == field.npos);
    }
    requests.append(std::to_string(static_cast<int>(head.method))).append(" ").append(head.target).append(" ");
    requests.append(head.authorization).append(" ").append(head.idempotency_key).append("\n").append(body).append("\n");
    if (++count % 2 == 0) return std::nullopt;
    return Reply{};
  }
  http::Task<Answer> answer(const RequestHead&, const Admission&, std::string) override { co_return Answer(Reply{}); }
  Reply refuse(const RequestHead*, const Admission*, unsigned status, std::string_view) override {
    FUZZ_CHECK(status >= 400 && status != 500 && status < 600);
    Reply reply;
    reply.status = status;
    return reply;
  }
  void finished(const RequestHead&, const Admission*, unsigned, std::uint64_t, std::uint64_t) override { ++told; }

  std::string requests;
  std::size_t count = 0, told = 0;
};

// The statuses of a connection's answers; each is whole, and nothing stands between them.
std::vector<unsigned> statuses_of(std::string_view out) {
  std::vector<unsigned> statuses;
  while (!out.empty()) {
    FUZZ_CHECK(out.starts_with("HTTP/1.1 "));
    unsigned status = 0;
    std::from_chars(out.data() + 9, out.data() + 12, status);
    FUZZ_CHECK(status >= 100 && status < 600);
    const auto end = out.find("\r\n\r\n");
    FUZZ_CHECK(end != out.npos);
    const auto head = out.substr(0, end + 2);
    FUZZ_CHECK(status == 100 || head.find("\r\nContent-Length: 0\r\n") != head.npos);
    if (status != 100) statuses.push_back(status);
    out.remove_prefix(end + 4);
  }
  return statuses;
}

struct Connection {
  std::string requests;
  std::vector<unsigned> statuses;
};

Connection connect(std::string_view bytes, std::size_t step) {
  Listing service;
  std::atomic<std::size_t> connections{1};
  http::ServerOptions options;
  options.max_request_line = 300, options.max_header_bytes = 600;
  options.request_ids = [](std::span<std::uint8_t>) {};
  http::ReceiveBudgets received(options.max_body_bytes);
  RequestLoad load(1);
  http::IoShard shard(options, service, connections, received, load.slot(0));
  int pair[2];
  FUZZ_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  http::Socket socket(shard.io);
  socket.assign(boost::asio::ip::tcp::v4(), pair[0]);  // a stream of bytes like another
  http::start_plain_session(shard, std::move(socket), http::Admit::yes);
  std::string out;
  char piece[16384];
  const auto receive = [&] {
    for (ssize_t got = 0; (got = ::recv(pair[1], piece, sizeof piece, 0)) > 0;)
      out.append(piece, static_cast<std::size_t>(got));
  };
  for (std::size_t at = 0; at < bytes.size() && connections > 0; at += step) {
    const auto part = bytes.substr(at, step);
    (void)!::send(pair[1], part.data(), part.size(), MSG_NOSIGNAL);
    shard.io.poll();
    receive();
  }
  ::shutdown(pair[1], SHUT_WR);
  shard.io.restart();
  shard.io.run();  // a session that never ends hangs here
  receive();
  ::close(pair[1]);
  FUZZ_CHECK(connections == 0);
  auto statuses = statuses_of(out);
  FUZZ_CHECK(service.told == statuses.size() && service.count <= statuses.size());
  return {std::move(service.requests), std::move(statuses)};
}

}  // namespace

// However the bytes are cut, the service gets the same requests: there is one reading of them.
void run_session(std::string_view input) {
  if (input.empty()) return;
  const std::size_t step = 1 + static_cast<unsigned char>(input.front()) % 61;
  const auto bytes = input.substr(1);
  const Connection whole = connect(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Connection pieces = connect(bytes, step);
  FUZZ_CHECK(whole.requests == pieces.requests);
}

}  // namespace taskledger::fuzz
