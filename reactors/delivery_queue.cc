#include "reactors/delivery_queue.h"

#include <algorithm>

#include "reactors/delivery_keys.h"
#include "storage/bytes.h"

namespace taskledger::reactors {
namespace {

using storage::ReadError;

constexpr std::size_t kMaxScanned = 4'096;  // records looked at in one go, for the other webhooks' sake
constexpr std::size_t kCheckpointBytes = 6 * sizeof(std::uint64_t);
constexpr std::size_t kOldCheckpointBytes = 5 * sizeof(std::uint64_t);  // without what is being forgotten

ReadError damaged(std::string_view what) { return {"reactor store: " + std::string(what) + " is damaged"}; }

}  // namespace

DeliveryQueue::DeliveryQueue(QueueParts parts, QueueIdentity identity)
    : parts_(std::move(parts)), identity_(identity), prefix_(keys::webhook(identity.webhook)) {}

DeliveryQueue::Outcome<void> DeliveryQueue::open(WorkspacePosition after) {
  auto checkpoint = parts_.store.get(keys::table(prefix_, keys::kCheckpoint));
  if (!checkpoint) return checkpoint.error();
  if (!*checkpoint) {
    scanned_ = after.value;
    return commit({});
  }
  const std::size_t size = (*checkpoint)->size();
  if (size != kCheckpointBytes && size != kOldCheckpointBytes) return damaged("a checkpoint");
  storage::ByteReader in(**checkpoint);
  scanned_ = in.integer<std::uint64_t>();
  replays_applied_ = in.integer<std::uint64_t>();
  done_count_ = in.integer<std::uint64_t>();
  waiting_ = in.integer<std::uint64_t>();
  parked_ = in.integer<std::uint64_t>();
  if (size == kCheckpointBytes) {
    if (const auto forgetting = in.integer<std::uint64_t>(); forgetting > 0) forgetting_ = forgetting - 1;
  }
  // A log that lost its tail (a restored copy) ends before the cursor; what comes then is new.
  scanned_ = std::min(scanned_, parts_.log.workspace_head(identity_.workspace).position.value);
  return find_due();
}

WorkspacePosition DeliveryQueue::cursor() const { return {buffer_.empty() ? scanned_ : buffer_.begin()->first - 1}; }

void DeliveryQueue::replay(WorkspacePosition after, std::uint64_t request) {
  if (request <= replays_applied_ || (replay_ && request <= replay_->request)) return;
  replay_ = Replay{replay_ ? std::min(replay_->after, after.value) : after.value, request};
}

DeliveryQueue::Outcome<void> DeliveryQueue::apply_replay() {
  scanned_ = std::min(cursor().value, replay_->after);
  replays_applied_ = replay_->request;
  replay_.reset();
  buffer_.clear();
  buffered_bytes_ = 0;
  lanes_.clear();
  ready_.clear();
  // What waited or was parked is read again in its order. First the cursor, then the rows: a crash between them loses
  // nothing, and goes on forgetting, since an event held back must not outlive the one that held it.
  forgetting_ = scanned_;
  return commit({});
}

DeliveryQueue::Outcome<void> DeliveryQueue::forget_rows() {
  struct Row {
    DeliveryNumber number;
    char table;
    std::optional<Delivery> delivery;
  };
  const std::size_t slice = parts_.settings.slice_rows;
  std::vector<Row> rows;
  // Redeliveries too: one left waiting would be left out of its place among the others. Pings are not in the log.
  for (const char table : {keys::kWaiting, keys::kParked}) {
    std::size_t found = 0;
    auto scanned =
        parts_.store.scan(keys::number(prefix_, table, *forgetting_ + 1), keys::number(prefix_, table, kPingBit),
                          [&](std::string_view key, std::string_view value) {
                            rows.push_back({keys::last_number(key), table, decode(value)});
                            return ++found <= slice;  // one more says that there are more
                          });
    if (!scanned) return scanned;
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.number < b.number; });
  std::size_t end = std::min(rows.size(), slice);
  while (end < rows.size() && rows[end].number == rows[end - 1].number) ++end;
  const bool more = end < rows.size();
  Changes changes;
  for (std::size_t i = 0; i < end; ++i) {
    if (rows[i].table == keys::kParked) {
      remove_parked(changes, rows[i].number);
    } else if (rows[i].delivery) {
      remove_waiting(changes, *rows[i].delivery);
    }
  }
  forgetting_ = more ? std::optional(rows[end - 1].number) : std::nullopt;
  if (auto written = commit(std::move(changes)); !written) return written;
  return more ? Outcome<void>() : find_due();
}

DeliveryQueue::Outcome<std::optional<Attempt>> DeliveryQueue::next(Timestamp now) {
  if (replay_) {
    if (!in_flight_.empty()) return std::optional<Attempt>();
    if (auto done = apply_replay(); !done) return done.error();
  }
  if (forgetting_) {
    if (auto done = forget_rows(); !done) return done.error();
    if (forgetting_) return std::optional<Attempt>();
  }
  if (in_flight_.size() >= (slowed() ? 1 : parts_.settings.in_flight)) return std::optional<Attempt>();
  auto due = next_due(now);
  if (!due || *due) return due;
  if (slowed() && now < next_first_) return std::optional<Attempt>();
  return next_new(now);
}

DeliveryQueue::Outcome<std::optional<Attempt>> DeliveryQueue::next_due(Timestamp now) {
  while (next_due_ && *next_due_ <= now) {
    std::optional<DeliveryNumber> found;
    const std::string table = keys::table(prefix_, keys::kDue);
    auto scanned = parts_.store.scan(table, storage::prefix_end(table), [&](std::string_view key, std::string_view) {
      const DeliveryNumber number = keys::last_number(key);
      if (!in_flight_.contains(number)) found = number;
      return !found;
    });
    if (!scanned) return scanned.error();
    if (!found) {
      next_due_.reset();
      break;
    }
    auto delivery = row(keys::kWaiting, *found);
    if (!delivery) return delivery.error();
    if (!*delivery) return damaged("a waiting delivery");
    auto body = body_of(**delivery);
    if (!body) return body.error();
    if (body->empty()) {  // erased meanwhile: there is nothing to send any more
      in_flight_.emplace(*found, UnderWay{**delivery, false});
      if (auto done = succeeded(*found, 0, now); !done) return done.error();
      continue;
    }
    in_flight_.emplace(*found, UnderWay{**delivery, false});
    if (auto done = find_due(); !done) return done.error();
    return std::optional<Attempt>(Attempt{**delivery, *std::move(body)});
  }
  return std::optional<Attempt>();
}

DeliveryQueue::Outcome<std::optional<Attempt>> DeliveryQueue::next_new(Timestamp now) {
  for (std::size_t changed = 0; changed < parts_.settings.slice_rows;) {
    if (ready_.empty()) {
      if (auto done = read_more(); !done) return done.error();
      if (ready_.empty()) return std::optional<Attempt>();
    }
    const DeliveryNumber number = ready_.front();
    ready_.pop_front();
    Buffered& entry = buffer_.at(number);
    const auto holder = held_back_by(entry.delivery.task);
    if (!holder) return holder.error();
    if (*holder && **holder > number) {
      // A later one of the task was tried, so this one was done before a crash that lost only the note of it.
      leave_buffer(number);
      dirty_ = true;
      continue;
    }
    if (*holder) {
      if (auto done = hold(number); !done) return done.error();
      ++changed;
      continue;
    }
    if (entry.erasures != parts_.erasures.load()) {
      auto body = body_of(entry.delivery);
      if (!body) return body.error();
      if (body->empty()) {
        leave_buffer(number);
        dirty_ = true;
        continue;
      }
    }
    if (slowed()) next_first_ = {now.ms + parts_.settings.retry.first.count()};
    in_flight_.emplace(number, UnderWay{entry.delivery, true});
    return std::optional<Attempt>(Attempt{entry.delivery, entry.body});
  }
  unread_ = true;
  return std::optional<Attempt>();
}

DeliveryQueue::Outcome<void> DeliveryQueue::read_more() {
  unread_ = false;
  const std::uint64_t begin = scanned_;
  const std::uint64_t head = parts_.log.workspace_head(identity_.workspace).position.value;
  const auto full = [&] {
    return buffer_.size() >= parts_.settings.buffered_events || buffered_bytes_ >= parts_.settings.buffered_bytes;
  };
  if (scanned_ >= head || full()) return {};
  std::size_t looked_at = 0;
  std::optional<ReadError> fault;
  const std::uint64_t erasures = parts_.erasures.load();  // before the read: one that it misses is counted later
  auto done = parts_.log.read_workspace(identity_.workspace, {scanned_}, [&](const storage::Record& record) {
    scanned_ = record.in_workspace.value;
    if (is_deliverable(record, identity_.types)) {
      const auto kept = has_row(scanned_);
      if (!kept) {
        fault = kept.error();
        return false;
      }
      if (!*kept) buffer(record, erasures);
    }
    return !full() && ++looked_at < kMaxScanned && scanned_ < head;
  });
  if (!done) return done.error();
  if (fault) return *fault;
  unread_ = scanned_ < head;
  dirty_ = dirty_ || scanned_ != begin;
  return {};
}

void DeliveryQueue::buffer(const storage::Record& record, std::uint64_t erasures) {
  const DeliveryNumber number = record.in_workspace.value;
  Buffered entry{delivery_of(record, identity_.workspace_id), event_body(record, identity_.workspace_id), erasures};
  auto& lane = lanes_[record.stream];
  lane.push_back(number);
  if (lane.size() == 1) ready_.push_back(number);
  buffered_bytes_ += entry.body.size();
  buffer_.emplace(number, std::move(entry));
}

void DeliveryQueue::leave_buffer(DeliveryNumber number) {
  const auto entry = buffer_.find(number);
  const auto lane = lanes_.find(entry->second.delivery.task.value);
  lane->second.pop_front();
  if (lane->second.empty()) {
    lanes_.erase(lane);
  } else {
    ready_.push_back(lane->second.front());
  }
  buffered_bytes_ -= entry->second.body.size();
  buffer_.erase(entry);
}

DeliveryQueue::Outcome<void> DeliveryQueue::hold(DeliveryNumber number) {
  Delivery delivery = buffer_.at(number).delivery;
  delivery.kind = DeliveryKind::held;
  Changes changes;
  add_waiting(changes, delivery);
  leave_buffer(number);
  return commit(std::move(changes));
}

DeliveryQueue::Outcome<void> DeliveryQueue::flush() { return dirty_ ? commit({}) : Outcome<void>(); }

DeliveryQueue::Outcome<void> DeliveryQueue::commit(Changes changes) {
  pending_.insert(pending_.end(), std::make_move_iterator(changes.begin()), std::make_move_iterator(changes.end()));
  std::string checkpoint;
  for (const std::uint64_t value :
       {cursor().value, replays_applied_, done_count_, waiting_, parked_, forgetting_ ? *forgetting_ + 1 : 0}) {
    storage::put_int(checkpoint, value);
  }
  pending_.push_back({keys::table(prefix_, keys::kCheckpoint), std::move(checkpoint)});
  auto written = parts_.store.write(pending_);
  pending_.clear();
  dirty_ = false;
  return written;
}

DeliveryQueue::Outcome<void> DeliveryQueue::find_due() {
  next_due_.reset();
  const std::string table = keys::table(prefix_, keys::kDue);
  return parts_.store.scan(table, storage::prefix_end(table), [&](std::string_view key, std::string_view) {
    if (in_flight_.contains(keys::last_number(key))) return true;
    next_due_ = Timestamp{storage::get_int<std::int64_t>(key.data() + table.size())};
    return false;
  });
}

std::optional<Timestamp> DeliveryQueue::wake_at() const {
  if (in_flight_.size() >= (slowed() ? 1 : parts_.settings.in_flight)) return std::nullopt;
  if (replay_ || forgetting_) return in_flight_.empty() ? std::optional(Timestamp{}) : std::nullopt;
  std::optional<Timestamp> at = next_due_;
  if (unread_ || !ready_.empty()) {
    const Timestamp first = slowed() ? next_first_ : Timestamp{};
    at = at ? std::min(*at, first) : first;
  }
  return at;
}

DeliveryQueue::Outcome<std::optional<Delivery>> DeliveryQueue::row(char table, DeliveryNumber number) const {
  auto bytes = parts_.store.get(keys::number(prefix_, table, number));
  if (!bytes) return bytes.error();
  if (!*bytes) return std::optional<Delivery>();
  auto delivery = decode(**bytes);
  if (!delivery) return damaged("a delivery");
  return delivery;
}

DeliveryQueue::Outcome<bool> DeliveryQueue::is_parked(DeliveryNumber number) const {
  if (parked_ == 0) return false;
  const auto bytes = parts_.store.get(keys::number(prefix_, keys::kParked, number));
  if (!bytes) return bytes.error();
  return bytes->has_value();
}

DeliveryQueue::Outcome<bool> DeliveryQueue::has_row(DeliveryNumber number) const {
  if (waiting_ == 0) return is_parked(number);
  const auto bytes = parts_.store.get(keys::number(prefix_, keys::kWaiting, number));
  if (!bytes) return bytes.error();
  return bytes->has_value() ? Outcome<bool>(true) : is_parked(number);
}

DeliveryQueue::Outcome<std::optional<DeliveryNumber>> DeliveryQueue::held_back_by(const TaskId& task) const {
  if (waiting_ == 0) return std::optional<DeliveryNumber>();
  auto holder = parts_.store.get(keys::task(prefix_, keys::kBlocked, task));
  if (!holder) return holder.error();
  if (!*holder) return std::optional<DeliveryNumber>();
  if ((*holder)->size() != sizeof(DeliveryNumber)) return damaged("a task's row");
  return std::optional(storage::get_int<DeliveryNumber>((*holder)->data()));
}

DeliveryQueue::Outcome<std::string> DeliveryQueue::body_of(const Delivery& delivery) {
  if (delivery.is_ping()) return {boost::system::in_place_value, ping_body(identity_.webhook, delivery.time)};
  std::string body;
  auto read = parts_.log.read_workspace(identity_.workspace, {delivery.number - 1}, [&](const storage::Record& record) {
    if (record.in_workspace.value == delivery.number && record.payload)
      body = event_body(record, identity_.workspace_id);
    return false;
  });
  if (!read) return read.error();
  return {boost::system::in_place_value, std::move(body)};
}

}  // namespace taskledger::reactors
