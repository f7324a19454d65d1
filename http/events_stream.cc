// GET /events/stream: the workspace's log live, as Server-Sent Events. A stream holds one position and nothing else:
// what it sends next is asked of the hub, or, further back, of the log on a worker; so a slow reader costs no memory,
// and one that comes back goes on where it was.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "http/async_call.h"
#include "http/errors.h"
#include "http/feed_hub.h"
#include "http/feed_query.h"
#include "http/parameters.h"
#include "storage/feed_block.h"

namespace taskledger::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, FeedHub::Executor>;

constexpr std::array<std::string_view, 4> kParameters{"after", "type", "task_id", "actor"};
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr milliseconds kBusyPause{100};  // between attempts to get a worker

struct Following {
  const Api& api;
  Principal caller;
  FeedQuery query;
  WorkspacePosition at;  // sent, or passed over
  std::uint64_t token_generation = 0;

  [[nodiscard]] WorkspaceNumber workspace() const { return caller.token.workspace; }
};
using State = std::shared_ptr<Following>;

// Whether the token still is one; looked up only when tokens have changed.
bool may_go_on(Following& stream) {
  const auto& token = stream.caller.token;
  if (token.expires_at && *token.expires_at <= stream.api.parts.clock()) return false;
  const auto& directory = stream.api.parts.models.directory();
  const auto generation = directory.token_generation();
  if (generation == stream.token_generation) return true;
  stream.token_generation = generation;
  return directory.token_by_hash(token.hash) != nullptr;
}

// From the log: on a worker.
struct Batch {
  std::string text;
  WorkspacePosition at;
  std::optional<std::string> failure;
  bool busy = false;
};

Batch read_batch(const Following& stream, WorkspacePosition after, WorkspacePosition to) {
  Batch batch;
  batch.at = to;
  const auto visit = [&](const storage::Record& record) {
    if (record.in_workspace > to) return false;
    append_server_sent_event(batch.text, record, stream.caller.workspace_id);
    batch.at = record.in_workspace;
    return batch.text.size() < kPieceBytes;
  };
  const auto& log = stream.api.parts.log;
  const auto read = stream.query.filtered ? log.read_feed(stream.workspace(), after, stream.query.filter, visit)
                                          : log.read_workspace(stream.workspace(), after, visit);
  if (!read) batch.failure = read.error().what;
  // A walk that was not broken off has looked at all up to `to`.
  if (batch.text.size() < kPieceBytes) batch.at = to;
  return batch;
}

Task<Batch> read_on_worker(State stream, WorkspacePosition to) {
  auto initiate = [stream, to](std::function<void(Batch)> done) {
    auto job = [stream, to, after = stream->at, done] {
      Batch batch;
      try {
        batch = read_batch(*stream, after, to);
      } catch (const std::exception& error) {
        batch.failure = error.what();
      }
      done(std::move(batch));
    };
    auto unread = [done] {
      Batch none;
      none.busy = true;
      done(std::move(none));
    };
    if (!stream->api.parts.workers.post(std::move(job), unread)) unread();
  };
  Batch batch = co_await resume_here<Batch>(std::move(initiate));
  co_return batch;
}

// What of `events` the filter lets through; moves the stream's position past all of them.
std::string piece_of(Following& stream, const FeedEvents& events) {
  std::string piece;
  for (const auto& event : events) {
    if (!stream.query.filtered || storage::matches(stream.query.filter, event->record)) piece += event->text;
    stream.at = event->record.in_workspace;
  }
  return piece;
}

milliseconds until_look(const Following& stream, SteadyClock::time_point heartbeat) {
  auto wait = std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(heartbeat - SteadyClock::now()));
  if (const auto expires = stream.caller.token.expires_at) {
    wait = std::min(wait, std::max(milliseconds{1}, milliseconds{expires->ms - stream.api.parts.clock().ms}));
  }
  return wait;
}

Task<void> pause(Timer& timer, milliseconds time) {
  boost::system::error_code cancelled;
  constexpr asio::use_awaitable_t<FeedHub::Executor> token{};
  timer.expires_after(time);
  co_await timer.async_wait(asio::redirect_error(token, cancelled));
}

// Sends what there is, and returns once it has to wait: true; or false when the stream is over.
Task<bool> send_all(State stream, FeedHub::Follower& follower, Timer& timer, StreamWriter& writer,
                    SteadyClock::time_point& last_sent) {
  FeedEvents events;
  while (!writer.closing() && may_go_on(*stream)) {
    events.clear();
    const auto look = follower.look(stream->at, kPieceBytes, events);
    std::string piece;
    if (look.behind) {
      Batch batch = co_await read_on_worker(stream, look.head);
      if (batch.failure) {
        spdlog::error("event stream: {}", *batch.failure);
        co_return false;
      }
      if (batch.busy) {
        co_await pause(timer, kBusyPause);
        continue;
      }
      stream->at = batch.at;
      piece = std::move(batch.text);
    } else if (events.empty()) {
      co_return true;
    } else {
      piece = piece_of(*stream, events);
    }
    if (piece.empty()) continue;
    const bool sent = co_await writer.write(piece);
    if (!sent) co_return false;
    last_sent = SteadyClock::now();
  }
  co_return false;
}

Task<void> follow(State stream, StreamWriter& writer) {
  const FeedHub::Executor executor = co_await asio::this_coro::executor;
  Timer timer(executor);
  const std::function<void()> wake = [&timer] { timer.cancel(); };
  FeedHub::Follower follower(stream->api.hub, stream->workspace(), stream->caller.workspace_id, executor, wake);
  writer.on_closing(wake);
  const milliseconds heartbeat = stream->api.options.stream_heartbeat;
  auto last_sent = SteadyClock::now();
  for (;;) {
    const bool more = co_await send_all(stream, follower, timer, writer, last_sent);
    if (!more) break;
    if (SteadyClock::now() - last_sent >= heartbeat) {
      static constexpr std::string_view kHeartbeat = ": heartbeat\n\n";
      const bool sent = co_await writer.write(kHeartbeat);
      if (!sent) break;
      last_sent = SteadyClock::now();
      continue;  // something may have come meanwhile, when nobody waited to be woken
    }
    const auto wait = until_look(*stream, last_sent + heartbeat);
    co_await pause(timer, wait);
  }
}

struct Wanted {
  FeedQuery query;
  std::optional<WorkspacePosition> after;  // none: from now on
};

Result<Wanted> wanted_by(const Request& request) {
  auto query = parse_feed_query(request, kParameters);
  if (!query) return query.error();
  Wanted wanted{*query, query->after};
  std::string_view given = "Parameter 'after'";
  if (!request.head.last_event_id.empty()) {
    given = "Header 'Last-Event-ID'";
    const auto last = parse_count(request.head.last_event_id);
    if (!last) return Invalid{"Header 'Last-Event-ID' must be a position"};
    wanted.after = WorkspacePosition{*last};
  }
  // Whoever received that event received it of another log, of before a restore, say: going on there would leave out
  // what has these positions now.
  const auto head = request.api.parts.log.workspace_head(request.workspace()).position;
  if (wanted.after > head)
    return Invalid{fmt::format("{} is {}, but the last event is {}", given, wanted.after->value, head.value)};
  return wanted;
}

}  // namespace

std::optional<Handled> check_stream(const Request& request) {
  const auto wanted = wanted_by(request);
  if (!wanted) return Handled(reply_of(wanted.error()));
  return std::nullopt;
}

Task<Handled> stream_events(Request request, std::string) {
  auto wanted = wanted_by(request);
  if (!wanted) co_return Handled(reply_of(wanted.error()));
  const WorkspacePosition now = request.api.parts.models.position(request.workspace());
  State stream(new Following{request.api, *request.caller, wanted->query, wanted->after.value_or(now)});
  Reply head;
  head.content_type = "text/event-stream";
  head.headers = "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
  Stream body = [stream](StreamWriter& writer) { return follow(stream, writer); };
  co_return Handled(std::move(head), std::move(body), now);
}

}  // namespace taskledger::http
