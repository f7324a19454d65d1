// start_plain_session, declared in http/session.h: sessions over TCP.
#include "http/session_impl.h"

namespace taskledger::http {
namespace {

// The session lives in this coroutine's frame, and so exactly as long as the connection.
Task<void> serve(IoShard& shard, Socket socket, Admit admit) {
  Session<Socket> session(shard, std::move(socket), admit);
  co_await session.run();
}

}  // namespace

void start_plain_session(IoShard& shard, Socket socket, Admit admit) {
  boost::asio::co_spawn(shard.io.get_executor(), serve(shard, std::move(socket), admit), LogFailure{"connection"});
}

}  // namespace taskledger::http
