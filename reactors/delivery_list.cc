// The part of DeliveryQueue that people use: lists, pings, redelivery.
#include <algorithm>

#include "reactors/delivery_keys.h"
#include "reactors/delivery_queue.h"

namespace taskledger::reactors {
namespace {

constexpr std::size_t kMaxLookedAt = 10'000;  // records of the log that one page of pending ones may cost

}  // namespace

std::string DeliveryQueue::rows_of(const WebhookId& webhook) { return keys::webhook(webhook); }

DeliveryQueue::Outcome<std::vector<WebhookId>> DeliveryQueue::webhooks_with_rows(const storage::ReactorStore& store) {
  std::vector<WebhookId> found;
  std::string from = "W";
  for (bool more = true; more;) {
    more = false;
    auto done = store.scan(from, "X", [&](std::string_view key, std::string_view) {
      more = key.size() >= keys::kPrefixBytes;
      if (!more) return false;
      WebhookId id;
      std::copy_n(key.begin() + 1, id.value.bytes.size(), id.value.bytes.begin());
      found.push_back(id);
      return false;
    });
    if (!done) return done.error();
    if (more) from = storage::prefix_end(keys::webhook(found.back()));
  }
  return found;
}

DeliveryQueue::Outcome<void> DeliveryQueue::record_ping(const Delivery& ping) {
  Changes changes;
  if (ping.error.empty()) {
    add_done(changes, ping);
  } else {
    auto parked = park(changes, ping);
    if (!parked) return parked;
  }
  return commit(std::move(changes));
}

DeliveryQueue::Outcome<std::optional<Delivery>> DeliveryQueue::delivery_in_log(DeliveryNumber number) const {
  std::optional<Delivery> found;
  if (number & kPingBit) return found;
  auto read = parts_.log.read_workspace(identity_.workspace, {number - 1}, [&](const storage::Record& record) {
    if (record.in_workspace.value == number && is_wanted(record, identity_.types))
      found = delivery_of(record, identity_.workspace_id);
    return false;
  });
  if (!read) return read.error();
  return found;
}

DeliveryQueue::Outcome<DeliveryQueue::Redelivery> DeliveryQueue::redeliver(std::string_view id, Timestamp now) {
  const auto number = parse_message_id(id);
  if (!number) return Redelivery::not_found;
  Changes changes;
  auto delivery = row(keys::kWaiting, *number);
  if (!delivery) return delivery.error();
  const bool waits = delivery->has_value();
  if (!waits) delivery = row(keys::kParked, *number);
  if (!delivery) return delivery.error();
  const bool parked = !waits && delivery->has_value();
  if (!waits && !parked) delivery = delivery_in_log(*number);
  if (!delivery) return delivery.error();
  if (!*delivery || message_id(identity_.webhook, **delivery) != id) return Redelivery::not_found;
  const auto body = body_of(**delivery);
  if (!body) return body.error();
  if (body->empty()) return Redelivery::erased;  // its row stays until its turn comes
  if (waits) {
    // One that is under way or waits for an earlier one of its task comes in its turn.
    if (in_flight_.contains(*number) || (*delivery)->kind == DeliveryKind::held) return Redelivery::accepted;
    remove_waiting(changes, **delivery);
  } else {
    if (parked) {
      remove_parked(changes, *number);
    } else if (*number > cursor().value && (*number > scanned_ || buffer_.contains(*number))) {
      return Redelivery::accepted;
    }
    // A new series of attempts; what comes later of its task has gone its way already.
    if (!(*delivery)->is_ping()) (*delivery)->kind = DeliveryKind::redelivery;
    (*delivery)->attempts = 0;
  }
  (*delivery)->due = now;
  add_waiting(changes, **delivery);
  if (auto written = commit(std::move(changes)); !written) return written.error();
  if (auto found = find_due(); !found) return found.error();
  return Redelivery::accepted;
}

DeliveryQueue::Outcome<DeliveryPage> DeliveryQueue::list(DeliveryState state, std::optional<std::uint64_t> after,
                                                         std::size_t limit) {
  if (auto flushed = flush(); !flushed) return flushed.error();
  DeliveryPage page;
  Outcome<void> done;
  switch (state) {
    case DeliveryState::pending:
      done = list_pending(page, after.value_or(0), limit);
      break;
    case DeliveryState::parked:
      done = list_rows(page, keys::kParked, after.value_or(0), limit, state);
      break;
    case DeliveryState::done:
      done = list_done(page, after.value_or(UINT64_MAX), limit);
      break;
  }
  if (!done) return done.error();
  return page;
}

DeliveryQueue::Outcome<void> DeliveryQueue::list_rows(DeliveryPage& page, char table, std::uint64_t after,
                                                      std::size_t limit, DeliveryState state) const {
  const std::string end = storage::prefix_end(keys::table(prefix_, table));
  bool damaged = false;
  auto done =
      parts_.store.scan(keys::number(prefix_, table, after + 1), end, [&](std::string_view, std::string_view value) {
        if (page.rows.size() == limit) {
          page.next = page.rows.back().delivery.number;
          return false;
        }
        auto delivery = decode(value);
        damaged = !delivery;
        if (delivery) page.rows.push_back({*std::move(delivery), state});
        return !damaged;
      });
  if (!done) return done.error();
  if (damaged) return storage::ReadError{"reactor store: a delivery is damaged"};
  return {};
}

// Rows and what is still to be read from the log, merged by number. The log's part ends where a page is full or has
// cost enough; rows past that point are left for the next page.
DeliveryQueue::Outcome<void> DeliveryQueue::list_pending(DeliveryPage& page, std::uint64_t after, std::size_t limit) {
  if (auto done = list_rows(page, keys::kWaiting, after, limit, DeliveryState::pending); !done) return done.error();
  std::size_t looked_at = 0;
  std::uint64_t end = UINT64_MAX;  // the log was looked at up to here
  const std::uint64_t from = std::max(after, cursor().value);
  std::vector<ListedDelivery> unsent;
  std::optional<storage::ReadError> fault;
  auto done =
      parts_.log.read_workspace(identity_.workspace, {std::min(from, kPingBit)}, [&](const storage::Record& record) {
        const DeliveryNumber number = record.in_workspace.value;
        if (unsent.size() == limit || ++looked_at > kMaxLookedAt) {
          end = number - 1;
          return false;
        }
        if (number <= scanned_ && !buffer_.contains(number)) return true;  // done already, or among the rows
        if (!is_deliverable(record, identity_.types)) return true;
        const auto parked = is_parked(number);
        if (!parked) {
          fault = parked.error();
          return false;
        }
        if (*parked) return true;
        unsent.push_back({delivery_of(record, identity_.workspace_id), DeliveryState::pending});
        return true;
      });
  if (!done) return done.error();
  if (fault) return *fault;
  if (waiting_ > 0) {
    const auto has_row = [&](const ListedDelivery& listed) {
      return std::any_of(page.rows.begin(), page.rows.end(),
                         [&](const ListedDelivery& row) { return row.delivery.number == listed.delivery.number; });
    };
    std::erase_if(unsent, has_row);  // to be read again by a replay, and waiting
  }
  std::uint64_t last = std::min(end, page.next.value_or(UINT64_MAX));
  page.rows.insert(page.rows.end(), unsent.begin(), unsent.end());
  std::sort(page.rows.begin(), page.rows.end(),
            [](const auto& a, const auto& b) { return a.delivery.number < b.delivery.number; });
  std::erase_if(page.rows, [&](const auto& row) { return row.delivery.number > last; });
  if (page.rows.size() > limit) {
    page.rows.resize(limit);
    last = page.rows.back().delivery.number;
  }
  page.next = last == UINT64_MAX ? std::nullopt : std::optional(last);
  return {};
}

DeliveryQueue::Outcome<void> DeliveryQueue::list_done(DeliveryPage& page, std::uint64_t before,
                                                      std::size_t limit) const {
  const std::string table = keys::table(prefix_, keys::kDone);
  std::vector<std::pair<std::uint64_t, Delivery>> found;
  auto done = parts_.store.scan(table, storage::prefix_end(table), [&](std::string_view, std::string_view value) {
    storage::ByteReader in(value);
    const auto age = in.integer<std::uint64_t>();
    if (auto delivery = decode(in.rest()); delivery && age < before) found.emplace_back(age, *std::move(delivery));
    return true;
  });
  if (!done) return done.error();
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [age, delivery] : found) {
    if (page.rows.size() == limit) return {};
    page.rows.push_back({std::move(delivery), DeliveryState::done});
    page.next = age;
  }
  page.next.reset();
  return {};
}

}  // namespace taskledger::reactors
