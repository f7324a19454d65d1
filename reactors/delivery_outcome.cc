// The part of DeliveryQueue that settles attempts: what becomes of a delivery, and the rows that say so.
#include <algorithm>

#include "reactors/delivery_keys.h"
#include "reactors/delivery_queue.h"
#include "storage/bytes.h"

namespace taskledger::reactors {
namespace {

constexpr std::size_t kMaxUnwritten = 1'000;  // done rows kept back until the next flush
constexpr std::size_t kMaxErrorBytes = 200;

}  // namespace

DeliveryQueue::Outcome<void> DeliveryQueue::succeeded(DeliveryNumber number, std::uint16_t status, Timestamp now) {
  const auto under_way = in_flight_.extract(number);
  if (under_way.empty()) return {};
  UnderWay& done = under_way.mapped();
  first_failures_ = 0;
  Delivery& delivery = done.delivery;
  const Delivery before = delivery;
  ++delivery.attempts;
  delivery.last_attempt = now;
  delivery.status = status;
  delivery.error.clear();
  if (done.buffered) {
    leave_buffer(number);
    if (status != 0) add_done(pending_, delivery);
    dirty_ = true;
    return pending_.size() >= kMaxUnwritten ? flush() : Outcome<void>();
  }
  Changes changes;
  remove_waiting(changes, before);
  if (status != 0) add_done(changes, delivery);
  if (before.kind == DeliveryKind::event) {
    if (auto promoted = promote(changes, delivery.task, now); !promoted) return promoted.error();
  }
  if (auto written = commit(std::move(changes)); !written) return written.error();
  return find_due();
}

DeliveryQueue::Outcome<void> DeliveryQueue::failed(DeliveryNumber number, std::uint16_t status, std::string error,
                                                   Timestamp now) {
  const auto under_way = in_flight_.extract(number);
  if (under_way.empty()) return {};
  const bool buffered = under_way.mapped().buffered;
  Delivery delivery = under_way.mapped().delivery;
  Changes changes;
  if (buffered) {
    ++first_failures_;
    if (slowed()) next_first_ = {now.ms + parts_.settings.retry.first.count()};
    leave_buffer(number);
  } else {
    remove_waiting(changes, delivery);
  }
  ++delivery.attempts;
  delivery.last_attempt = now;
  delivery.status = status;
  delivery.error = std::move(error);
  delivery.error.resize(std::min(delivery.error.size(), kMaxErrorBytes));
  const unsigned allowed = delivery.kind == DeliveryKind::ping ? 1 : parts_.settings.retry.max_attempts;
  if (delivery.attempts >= allowed) {
    if (auto parked = park(changes, delivery); !parked) return parked.error();
    if (delivery.kind == DeliveryKind::event) {
      if (auto promoted = promote(changes, delivery.task, now); !promoted) return promoted.error();
    }
  } else {
    delivery.due = {now.ms + parts_.settings.retry.wait_after(delivery.attempts, parts_.random()).count()};
    add_waiting(changes, delivery);
  }
  if (auto written = commit(std::move(changes)); !written) return written.error();
  return find_due();
}

void DeliveryQueue::add_waiting(Changes& changes, const Delivery& delivery) {
  ++waiting_;
  changes.push_back({keys::number(prefix_, keys::kWaiting, delivery.number), encode(delivery)});
  if (delivery.kind == DeliveryKind::held) {
    changes.push_back({keys::held(prefix_, delivery), ""});
    return;
  }
  changes.push_back({keys::due(prefix_, delivery), ""});
  if (delivery.kind != DeliveryKind::event) return;
  std::string number;
  storage::put_int(number, delivery.number);
  changes.push_back({keys::task(prefix_, keys::kBlocked, delivery.task), std::move(number)});
}

void DeliveryQueue::remove_waiting(Changes& changes, const Delivery& delivery) {
  --waiting_;
  changes.push_back({keys::number(prefix_, keys::kWaiting, delivery.number), std::nullopt});
  if (delivery.kind == DeliveryKind::held) {
    changes.push_back({keys::held(prefix_, delivery), std::nullopt});
    return;
  }
  changes.push_back({keys::due(prefix_, delivery), std::nullopt});
  if (delivery.kind == DeliveryKind::event) {
    changes.push_back({keys::task(prefix_, keys::kBlocked, delivery.task), std::nullopt});
  }
}

// Pings can be asked for without end, and nobody has to look at those that failed.
DeliveryQueue::Outcome<void> DeliveryQueue::park(Changes& changes, const Delivery& delivery) {
  ++parked_;
  changes.push_back({keys::number(prefix_, keys::kParked, delivery.number), encode(delivery)});
  if (!delivery.is_ping()) return {};
  std::deque<DeliveryNumber> earlier;
  auto scanned = parts_.store.scan(keys::number(prefix_, keys::kParked, kPingBit),
                                   storage::prefix_end(keys::table(prefix_, keys::kParked)),
                                   [&](std::string_view key, std::string_view) {
                                     earlier.push_back(keys::last_number(key));
                                     return true;
                                   });
  for (; earlier.size() >= parts_.settings.kept_pings; earlier.pop_front()) remove_parked(changes, earlier.front());
  return scanned;
}

void DeliveryQueue::remove_parked(Changes& changes, DeliveryNumber number) {
  --parked_;
  changes.push_back({keys::number(prefix_, keys::kParked, number), std::nullopt});
}

DeliveryQueue::Outcome<void> DeliveryQueue::promote(Changes& changes, const TaskId& task, Timestamp now) {
  std::optional<DeliveryNumber> first;
  const std::string held = keys::task(prefix_, keys::kHeld, task);
  auto scanned = parts_.store.scan(held, storage::prefix_end(held), [&](std::string_view key, std::string_view) {
    first = keys::last_number(key);
    return false;
  });
  if (!scanned) return scanned.error();
  if (!first) return {};
  auto delivery = row(keys::kWaiting, *first);
  if (!delivery) return delivery.error();
  if (!*delivery) return storage::ReadError{"reactor store: a held delivery is damaged"};
  remove_waiting(changes, **delivery);
  (*delivery)->kind = DeliveryKind::event;
  (*delivery)->due = now;
  add_waiting(changes, **delivery);
  return {};
}

void DeliveryQueue::add_done(Changes& changes, const Delivery& delivery) {
  std::string value;
  storage::put_int(value, ++done_count_);
  value += encode(delivery);
  const auto slot = static_cast<std::uint16_t>(done_count_ % parts_.settings.kept_done);
  changes.push_back({keys::done(prefix_, slot), std::move(value)});
}

}  // namespace taskledger::reactors
