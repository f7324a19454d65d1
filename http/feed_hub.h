// What is appended, to the streams that follow it. The log's observer renders each event once for the workspaces that
// are followed, and keeps the latest in memory; a stream that is further behind reads the log. Waking costs the
// appender one post for each io thread, however many streams there are. Ownership: shared by the service, the log's
// observer and the followers. Threads: appended() on the log's appender thread; a Follower belongs to its stream's io
// thread.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "projections/runner.h"
#include "storage/event_log.h"

namespace taskledger::http {

struct FeedEvent {
  storage::Record record;  // without its views
  std::string text;        // as Server-Sent Event
};
using FeedEvents = std::vector<std::shared_ptr<const FeedEvent>>;

// Appends `id`, `event` and `data` of one event and the empty line that ends it.
void append_server_sent_event(std::string& out, const storage::Record& record, const WorkspaceId& workspace);

class FeedHub : public std::enable_shared_from_this<FeedHub> {
  struct Channel;

 public:
  static constexpr std::size_t kKeptEvents = 1024, kKeptBytes = std::size_t{1} << 20;  // of each followed workspace
  using Executor = boost::asio::io_context::executor_type;

  // Attaches itself as an observer of the log. Both outlive it.
  static std::shared_ptr<FeedHub> create(storage::EventLog& log, projections::Runner& models);

  class Follower {
   public:
    // `wake` is called on the executor's thread when there may be something new, and after a token was revoked.
    Follower(std::shared_ptr<FeedHub> hub, WorkspaceNumber number, const WorkspaceId& id, Executor executor,
             std::function<void()> wake);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    struct Look {
      WorkspacePosition head;  // the workspace's last event
      bool behind = false;     // what follows `after` is not in memory any more: read the log, up to `head`
    };
    // Appends to `out` what follows `after`, about `bytes` of it.
    Look look(WorkspacePosition after, std::size_t bytes, FeedEvents& out) const;

   private:
    friend class FeedHub;
    std::shared_ptr<FeedHub> hub_;
    Channel* channel_;
    const Executor executor_;
    const std::function<void()> wake_;
    std::size_t index_ = 0;  // in its loop's list
  };

 private:
  struct Loop {  // the followers of one io thread
    std::vector<Follower*> followers;
    bool waking = false;
  };
  struct Channel {  // one followed workspace
    WorkspaceNumber number;
    WorkspaceId id;
    std::deque<std::shared_ptr<const FeedEvent>> kept;  // gapless, the last of them at `head`
    std::size_t kept_bytes = 0;
    WorkspacePosition head;
    std::unordered_map<boost::asio::io_context*, Loop> loops;
  };

  FeedHub(const storage::EventLog& log, projections::Runner& models) : log_(log), models_(models) {}
  void appended(std::span<const storage::Record> records);
  void keep(Channel& channel, const storage::Record& record);
  void wake_later(Channel& channel);  // under the mutex
  void wake(WorkspaceNumber number, boost::asio::io_context& loop);
  void wake_everyone();

  const storage::EventLog& log_;
  projections::Runner& models_;
  std::atomic<std::size_t> followers_ = 0;
  mutable std::mutex mutex_;
  std::unordered_map<WorkspaceNumber, std::unique_ptr<Channel>> channels_;
};

}  // namespace taskledger::http
