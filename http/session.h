// One connection, from its first byte to its end, as a coroutine on its thread's io_context.
#pragma once

#include <memory>

#include "http/io_shard.h"

namespace boost::asio::ssl {
class context;
}

namespace taskledger::http {

enum class Admit { yes, turn_away };  // turn_away: answer 503 and close

// Both are called on the shard's thread; the connection counts among `shard.connections` (or, turned away, among
// `shard.turned_away`) until it ends.
void start_plain_session(IoShard& shard, Socket socket, Admit admit);
// `context` is kept until the connection ends, so that a reload only concerns new connections.
void start_tls_session(IoShard& shard, Socket socket, std::shared_ptr<boost::asio::ssl::context> context);

}  // namespace taskledger::http
