#include "http/feed_hub.h"

#include <boost/asio/post.hpp>

#include "core/access.h"
#include "core/event.h"
#include "http/event_page.h"
#include "http/handlers.h"

namespace taskledger::http {
namespace {

bool is_revocation(const storage::Record& record) {
  if (!record.payload) return false;
  const auto event = parse_system_payload(*record.payload, record.stream, record.time);
  return event && std::holds_alternative<TokenRevoked>(*event);
}

}  // namespace

void append_server_sent_event(std::string& out, const storage::Record& record, const WorkspaceId& workspace) {
  out += "id: ";
  append_number(out, record.in_workspace.value);
  out.append("\nevent: ").append(name_of(static_cast<EventType>(record.type))).append("\ndata: ");
  append_event(out, record, workspace);
  out += "\n\n";
}

std::shared_ptr<FeedHub> FeedHub::create(storage::EventLog& log, projections::Runner& models) {
  std::shared_ptr<FeedHub> hub(new FeedHub(log, models));
  log.observe([hub](std::span<const storage::Record> records) { hub->appended(records); });
  return hub;
}

void FeedHub::appended(std::span<const storage::Record> records) {
  if (followers_ == 0) return;
  std::optional<Position> revoked;
  {
    const std::lock_guard lock(mutex_);
    std::vector<Channel*> touched;
    for (const auto& record : records) {
      if (record.workspace == kSystemWorkspace) {
        if (is_revocation(record)) revoked = record.position;
        continue;
      }
      const auto found = channels_.find(record.workspace);
      if (found == channels_.end()) continue;
      keep(*found->second, record);
      if (touched.empty() || touched.back() != found->second.get()) touched.push_back(found->second.get());
    }
    for (Channel* channel : touched) wake_later(*channel);
  }
  // Streams look into the directory, which has to know of it by then.
  if (revoked)
    models_.when_passed(*revoked, [weak = weak_from_this()] {
      if (const auto hub = weak.lock()) hub->wake_everyone();
    });
}

void FeedHub::keep(Channel& channel, const storage::Record& record) {
  if (record.in_workspace <= channel.head) return;
  // What an erasure took away must not live on here. A gap: records that came past the observer.
  if (record.type == static_cast<std::uint8_t>(EventType::task_erased) || record.in_workspace != channel.head.next()) {
    channel.kept.clear();
    channel.kept_bytes = 0;
  }
  channel.head = record.in_workspace;
  auto event = std::make_shared<FeedEvent>();
  append_server_sent_event(event->text, record, channel.id);
  event->record = record;
  event->record.payload.reset();
  event->record.trace = {};
  event->record.before = nullptr;
  event->record.event = nullptr;
  channel.kept_bytes += event->text.size();
  channel.kept.push_back(std::move(event));
  while (channel.kept.size() > kKeptEvents || channel.kept_bytes > kKeptBytes) {
    channel.kept_bytes -= channel.kept.front()->text.size();
    channel.kept.pop_front();
  }
}

void FeedHub::wake_later(Channel& channel) {
  for (auto& [context, loop] : channel.loops) {
    if (loop.waking) continue;
    loop.waking = true;
    boost::asio::post(context->get_executor(), [weak = weak_from_this(), number = channel.number, context = context] {
      if (const auto hub = weak.lock()) hub->wake(number, *context);
    });
  }
}

// On the thread of `loop`, where alone its followers come and go.
void FeedHub::wake(WorkspaceNumber number, boost::asio::io_context& loop) {
  std::vector<Follower*> followers;
  {
    const std::lock_guard lock(mutex_);
    const auto channel = channels_.find(number);
    if (channel == channels_.end()) return;
    const auto found = channel->second->loops.find(&loop);
    if (found == channel->second->loops.end()) return;
    found->second.waking = false;
    followers = found->second.followers;
  }
  for (Follower* follower : followers) follower->wake_();
}

void FeedHub::wake_everyone() {
  const std::lock_guard lock(mutex_);
  for (auto& [number, channel] : channels_) wake_later(*channel);
}

FeedHub::Follower::Follower(std::shared_ptr<FeedHub> hub, WorkspaceNumber number, const WorkspaceId& id,
                            Executor executor, std::function<void()> wake)
    : hub_(std::move(hub)), executor_(executor), wake_(std::move(wake)) {
  const std::lock_guard lock(hub_->mutex_);
  ++hub_->followers_;
  auto& channel = hub_->channels_[number];
  if (!channel) {
    channel = std::make_unique<Channel>();
    channel->number = number;
    channel->id = id;
    // Heads are published before observers are called: what this head does not hold yet, the observer will bring.
    channel->head = hub_->log_.workspace_head(number).position;
  }
  channel_ = channel.get();
  auto& followers = channel_->loops[&executor_.context()].followers;
  index_ = followers.size();
  followers.push_back(this);
}

FeedHub::Follower::~Follower() {
  const std::lock_guard lock(hub_->mutex_);
  --hub_->followers_;
  const auto loop = channel_->loops.find(&executor_.context());
  auto& followers = loop->second.followers;
  followers[index_] = followers.back();
  followers[index_]->index_ = index_;
  followers.pop_back();
  if (followers.empty()) channel_->loops.erase(loop);
  if (channel_->loops.empty()) hub_->channels_.erase(channel_->number);
}

FeedHub::Follower::Look FeedHub::Follower::look(WorkspacePosition after, std::size_t bytes, FeedEvents& out) const {
  const std::lock_guard lock(hub_->mutex_);
  const Channel& channel = *channel_;
  Look look{channel.head, false};
  if (after >= channel.head) return look;
  const std::uint64_t missing = channel.head.value - after.value;
  look.behind = missing > channel.kept.size();
  if (look.behind) return look;
  std::size_t taken = 0;
  for (std::size_t at = channel.kept.size() - missing; at < channel.kept.size() && taken < bytes; ++at) {
    taken += channel.kept[at]->text.size();
    out.push_back(channel.kept[at]);
  }
  return look;
}

}  // namespace taskledger::http
