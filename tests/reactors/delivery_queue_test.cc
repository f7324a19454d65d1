// The rules of delivery, without a network: an endpoint played by hand, the time set by hand.
#include "reactors/delivery_queue.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/reactors/fixture.h"

namespace taskledger::reactors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const WebhookId kWebhook{*parse_uuid("0190a000-0000-7000-8000-000000000001")};

class DeliveryQueueTest : public testing::Test {
 protected:
  DeliveryQueueTest() : fixture([this] { return now; }) {
    settings.retry = {.first = std::chrono::milliseconds(1'000),
                      .longest = std::chrono::milliseconds(8'000),
                      .jitter = 0,
                      .max_attempts = 4};
    settings.in_flight = 4;
    settings.kept_done = 5;
    settings.buffered_events = 8;
  }

  DeliveryQueue& open() {
    queue =
        std::make_unique<DeliveryQueue>(QueueParts{*fixture.log, fixture.store, settings, [] { return 0.5; }, erasures},
                                        QueueIdentity{kWebhook, kWorkspace, kWorkspaceId, types});
    EXPECT_TRUE(queue->open({0}));
    return *queue;
  }
  // All that may be sent now, as numbers; or, without `all`, up to where the others get their turn.
  std::vector<std::uint64_t> take(bool all = true) {
    std::vector<std::uint64_t> out;
    for (int turns = 0; turns < 10'000;) {
      auto attempt = queue->next(now);
      EXPECT_TRUE(attempt);
      if (*attempt) {
        out.push_back((*attempt)->delivery.number);
      } else if (const auto wake = queue->wake_at(); all && wake && *wake <= now) {
        ++turns;
      } else {
        return out;
      }
    }
    ADD_FAILURE() << "it wakes for nothing, again and again";
    return out;
  }
  void ok(std::uint64_t number) { ASSERT_TRUE(queue->succeeded(number, 204, now)); }
  void fail(std::uint64_t number) { ASSERT_TRUE(queue->failed(number, 500, "answered 500", now)); }
  std::vector<std::uint64_t> listed(DeliveryState state, std::size_t page_size = 3) {
    std::vector<std::uint64_t> out;
    std::optional<std::uint64_t> after;
    do {
      const auto page = queue->list(state, after, page_size);
      EXPECT_TRUE(page);
      EXPECT_LE(page->rows.size(), page_size);
      for (const auto& row : page->rows) out.push_back(row.delivery.number);
      after = page->next;
    } while (after);
    return out;
  }

  Timestamp now{1'700'000'000'000};
  LogFixture fixture;
  WebhookSettings settings;
  WebhookTypes types = WebhookTypes::all();
  std::atomic<std::uint64_t> erasures{0};
  std::unique_ptr<DeliveryQueue> queue;
};

TEST_F(DeliveryQueueTest, TasksInParallelEachInOrder) {
  for (const unsigned task : {1, 1, 2, 1, 3}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 3, 5));
  ok(1);
  EXPECT_THAT(take(), ElementsAre(2));
  ok(3);
  EXPECT_THAT(take(), IsEmpty());
  ok(2);
  EXPECT_THAT(take(), ElementsAre(4));
  EXPECT_EQ(queue->cursor().value, 3u);
  ok(4), ok(5);
  EXPECT_EQ(queue->cursor().value, 5u);
}

// One that is sent again by hand and fails again is among them.
TEST_F(DeliveryQueueTest, OfPingsThatFailedTheLastFewAreKept) {
  settings.kept_pings = 3;
  fixture.add(1);
  settings.retry.max_attempts = 1;
  open();
  EXPECT_THAT(take(), ElementsAre(1));
  fail(1);
  Delivery ping;
  ping.kind = DeliveryKind::ping;
  ping.attempts = 1;
  ping.error = "status 500";
  const auto number = [](std::uint64_t n) { return n | kPingBit; };
  std::string third;
  for (std::uint64_t n = 1; n <= 5; ++n) {
    ping.number = number(n);
    if (n == 3) third = message_id(kWebhook, ping);
    ASSERT_TRUE(queue->record_ping(ping));
  }
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(1, number(3), number(4), number(5)));
  EXPECT_EQ(*queue->redeliver(third, now), DeliveryQueue::Redelivery::accepted);
  ping.number = number(6);
  ASSERT_TRUE(queue->record_ping(ping));
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(1, number(4), number(5), number(6)));
  EXPECT_THAT(take(), ElementsAre(number(3)));
  fail(number(3));
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(1, number(3), number(5), number(6)));
  EXPECT_EQ(queue->parked(), 4u);
}

TEST_F(DeliveryQueueTest, ImportedErasedAndUnwantedEventsAreNotSent) {
  types = {};
  types.add(EventType::task_created);
  fixture.add(1, true);
  fixture.add(2);
  fixture.add(2);
  fixture.add(3);
  fixture.append(3, TaskDeleted{});
  fixture.append(3, TaskErased{});
  fixture.add(4);
  fixture.add(9, false, kOtherWorkspace);
  open();
  EXPECT_THAT(take(), ElementsAre(2, 7));
}

TEST_F(DeliveryQueueTest, AFailureHoldsBackItsTaskOnlyAndIsTriedAgainWithDoublingWaits) {
  for (const unsigned task : {1, 1, 2}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 3));
  fail(1), ok(3);
  fixture.add(1), fixture.add(2);  // 4, 5
  EXPECT_THAT(take(), ElementsAre(5));
  ok(5);
  EXPECT_EQ(queue->cursor().value, 5u);
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(1, 2, 4));
  EXPECT_EQ(queue->wake_at(), Timestamp{now.ms + 1'000});
  now.ms += 999;
  EXPECT_THAT(take(), IsEmpty());
  now.ms += 1;
  EXPECT_THAT(take(), ElementsAre(1));
  fail(1);
  EXPECT_EQ(queue->wake_at(), Timestamp{now.ms + 2'000});
  now.ms += 2'000;
  EXPECT_THAT(take(), ElementsAre(1));
  ok(1);
  EXPECT_THAT(take(), ElementsAre(2));
  ok(2);
  EXPECT_THAT(take(), ElementsAre(4));
  ok(4);
  EXPECT_EQ(queue->waiting(), 0u);
  EXPECT_THAT(listed(DeliveryState::done), ElementsAre(4, 2, 1, 5, 3));
}

TEST_F(DeliveryQueueTest, ParkedAfterTheLastAttemptAndThenTheNextOfItsTaskGoes) {
  fixture.add(1), fixture.add(1);
  open();
  for (unsigned attempt = 1; attempt <= settings.retry.max_attempts; ++attempt) {
    EXPECT_THAT(take(), ElementsAre(1)) << attempt;
    fail(1);
    if (attempt == settings.retry.max_attempts) break;
    EXPECT_THAT(take(), IsEmpty());
    now = *queue->wake_at();
  }
  ASSERT_THAT(listed(DeliveryState::parked), ElementsAre(1));
  EXPECT_THAT(take(), ElementsAre(2));
  ok(2);
  EXPECT_THAT(listed(DeliveryState::pending), IsEmpty());
  EXPECT_EQ(queue->parked(), 1u);
  const auto page = queue->list(DeliveryState::parked, {}, 1);
  EXPECT_EQ(page->rows[0].delivery.attempts, 4u);
  EXPECT_EQ(page->rows[0].delivery.error, "answered 500");
  // Redelivered: a new series.
  const std::string id = message_id(kWebhook, page->rows[0].delivery);
  EXPECT_EQ(*queue->redeliver(id, now), DeliveryQueue::Redelivery::accepted);
  EXPECT_THAT(take(), ElementsAre(1));
  fail(1);
  EXPECT_EQ(queue->parked(), 0u);
  now = *queue->wake_at();
  EXPECT_THAT(take(), ElementsAre(1));
  ok(1);
  EXPECT_THAT(listed(DeliveryState::done), ElementsAre(1, 2));
}

TEST_F(DeliveryQueueTest, ARedeliveryHoldsNothingBack) {
  fixture.add(1);
  open();
  take(), ok(1);
  const auto page = queue->list(DeliveryState::done, {}, 1);
  const std::string id = message_id(kWebhook, page->rows[0].delivery);
  EXPECT_EQ(*queue->redeliver(id, now), DeliveryQueue::Redelivery::accepted);
  EXPECT_THAT(take(), ElementsAre(1));
  fail(1);
  fixture.add(1);
  EXPECT_THAT(take(), ElementsAre(2));
  EXPECT_EQ(*queue->redeliver("msg_00000000000000000000000000000000_1", now), DeliveryQueue::Redelivery::not_found);
  EXPECT_EQ(*queue->redeliver("nonsense", now), DeliveryQueue::Redelivery::not_found);
  EXPECT_EQ(*queue->redeliver("msg_00000000000000000000000000000000_99", now), DeliveryQueue::Redelivery::not_found);
}

TEST_F(DeliveryQueueTest, ARestartGoesOnFromTheStoreAndLosesNone) {
  for (const unsigned task : {1, 2, 3, 1, 2}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 2, 3));
  fail(1), ok(3);
  // A crash: 2 was under way, 3 is done but past the cursor, 4 is held back.
  open();
  EXPECT_THAT(take(), ElementsAre(2, 3));
  ok(2), ok(3);
  EXPECT_THAT(take(), ElementsAre(5));
  ok(5);
  ASSERT_TRUE(queue->flush());
  open();
  EXPECT_EQ(queue->cursor().value, 5u);
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(1, 4));
  now.ms += 1'000;
  EXPECT_THAT(take(), ElementsAre(1));
  ok(1);
  EXPECT_THAT(take(), ElementsAre(4));
}

TEST_F(DeliveryQueueTest, AReplaySendsAllAgainInOrderAndOnceOnly) {
  for (const unsigned task : {1, 2, 1}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 2));
  ok(2), fail(1);
  take();
  queue->replay({0}, 7);
  EXPECT_THAT(take(), ElementsAre(1, 2));
  ok(1), ok(2);
  EXPECT_THAT(take(), ElementsAre(3));
  ok(3);
  EXPECT_EQ(queue->waiting(), 0u);
  ASSERT_TRUE(queue->flush());
  open();
  queue->replay({0}, 7);  // carried out before the restart
  EXPECT_THAT(take(), IsEmpty());
  queue->replay({2}, 8);
  EXPECT_THAT(take(), ElementsAre(3));
}

// A redelivery that waits would be left out of its place, and come at its own time.
TEST_F(DeliveryQueueTest, AReplayTakesWaitingRedeliveriesInTheirPlace) {
  for (unsigned i = 0; i < 4; ++i) fixture.add(1);
  open();
  for (std::uint64_t number = 1; number <= 4; ++number) {
    EXPECT_THAT(take(), ElementsAre(number));
    ok(number);
  }
  const auto done = queue->list(DeliveryState::done, {}, 10);
  for (const std::uint64_t number : {1u, 3u}) {
    const Delivery& delivery = done->rows[4 - number].delivery;
    EXPECT_EQ(*queue->redeliver(message_id(kWebhook, delivery), now), DeliveryQueue::Redelivery::accepted);
  }
  EXPECT_THAT(take(), ElementsAre(1, 3));
  fail(1), fail(3);
  queue->replay({1}, 1);  // 1 is not asked for: it goes on waiting
  for (std::uint64_t number = 2; number <= 4; ++number) {
    EXPECT_THAT(take(), ElementsAre(number));
    ok(number);
  }
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(1));
  queue->replay({0}, 2);
  for (std::uint64_t number = 1; number <= 4; ++number) {
    EXPECT_THAT(take(), ElementsAre(number));
    ok(number);
  }
  EXPECT_EQ(queue->waiting(), 0u);
  now.ms += 10'000;
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(DeliveryQueueTest, AReplayTakesWhatWasParkedAlong) {
  settings.retry.max_attempts = 1;
  settings.slice_rows = 2;
  for (const unsigned task : {1, 2, 3, 4, 5}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 2, 3, 4));
  fail(1), fail(2), fail(3), ok(4);
  EXPECT_THAT(take(), ElementsAre(5));
  fail(5);
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(1, 2, 3, 5));
  queue->replay({1}, 1);
  EXPECT_THAT(take(), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(1));
  ok(2), ok(3), fail(4), fail(5);
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(1, 4, 5));
  EXPECT_EQ(queue->parked(), 3u);
}

TEST_F(DeliveryQueueTest, WhatIsParkedIsNotTriedAgainAfterACrash) {
  settings.retry.max_attempts = 1;
  fixture.add(1), fixture.add(2);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 2));
  fail(2);
  open();  // a crash: 1 was under way, so the cursor is before both
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(1));
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(2));
  EXPECT_THAT(take(), ElementsAre(1));
  ok(1);
  EXPECT_EQ(queue->parked(), 1u);
  EXPECT_EQ(queue->cursor().value, 2u);
}

TEST_F(DeliveryQueueTest, AReplayWaitsForWhatIsUnderWayAndNeverSkips) {
  for (const unsigned task : {1, 2, 3}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 2, 3));
  queue->replay({3}, 1);
  EXPECT_THAT(take(), IsEmpty());
  ok(1), fail(2);
  EXPECT_THAT(take(), IsEmpty());
  ok(3);
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(2));
}

// Rows of one task are removed over many turns; what is held back never outlives what holds it, wherever it is killed.
TEST_F(DeliveryQueueTest, AReplayOverManyWaitingRowsTakesTurnsAndGoesOnAfterACrash) {
  settings.slice_rows = 10;
  for (unsigned i = 0; i < 200; ++i) fixture.add(1);
  for (int turns_before_the_crash = 0; turns_before_the_crash < 25; ++turns_before_the_crash) {
    open();
    queue->replay({0}, static_cast<std::uint64_t>(3 * turns_before_the_crash + 1));
    EXPECT_THAT(take(), ElementsAre(1));
    fail(1);
    EXPECT_THAT(take(), IsEmpty());
    EXPECT_EQ(queue->waiting(), 200u);
    queue->replay({0}, static_cast<std::uint64_t>(3 * turns_before_the_crash + 2));
    std::uint64_t before = queue->waiting();
    for (int turn = 0; turn < turns_before_the_crash && queue->waiting() > 10; ++turn) {
      EXPECT_THAT(take(false), IsEmpty());
      EXPECT_EQ(before - queue->waiting(), 10u);
      before = queue->waiting();
      EXPECT_LE(*queue->wake_at(), now);
    }
    open();
    now.ms += 1'000;
    std::uint64_t expected = 1;
    for (auto taken = take(); !taken.empty(); taken = take()) {
      EXPECT_THAT(taken, ElementsAre(expected));
      ok(expected++);
    }
    EXPECT_EQ(expected, 201u);
    EXPECT_EQ(queue->waiting(), 0u);
    ASSERT_TRUE(queue->flush());
  }
}

TEST_F(DeliveryQueueTest, HoldingBackManyEventsTakesTurns) {
  settings.slice_rows = 10;
  for (unsigned i = 0; i < 100; ++i) fixture.add(1);
  open();
  EXPECT_THAT(take(), ElementsAre(1));
  fail(1);
  for (std::uint64_t waiting = 11; waiting <= 91; waiting += 10) {
    EXPECT_THAT(take(false), IsEmpty());
    EXPECT_EQ(queue->waiting(), waiting);
    EXPECT_LE(*queue->wake_at(), now);
  }
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(queue->waiting(), 100u);
}

// Written before replays took turns: without what is being forgotten.
TEST_F(DeliveryQueueTest, ReadsTheCheckpointOfAnEarlierVersion) {
  for (const unsigned task : {1, 2, 3}) fixture.add(task);
  open();
  take();
  ok(1), ok(2), ok(3);
  ASSERT_TRUE(queue->flush());
  const auto key = DeliveryQueue::rows_of(kWebhook) + 'c';
  std::string checkpoint = **fixture.store.get(key);
  checkpoint.resize(40);
  ASSERT_TRUE(fixture.store.write({{key, checkpoint}}));
  fixture.add(4);
  open();
  EXPECT_THAT(take(), ElementsAre(4));
}

TEST_F(DeliveryQueueTest, ADeadEndpointIsTriedSeldomAndTheRestStaysInTheLog) {
  settings.failures_to_slow = 3;
  for (unsigned task = 0; task < 1'000; ++task) fixture.add(task);
  open();
  std::size_t attempts = 0;
  for (int second = 0; second < 60; ++second, now.ms += 1'000) {
    for (auto taken = take(); !taken.empty(); taken = take()) {
      for (const auto number : taken) fail(number), ++attempts;
    }
  }
  EXPECT_LT(attempts, 300u);  // a new one each second, each four times
  EXPECT_LT(fixture.store.size(), 400u);
  EXPECT_EQ(queue->in_flight(), 0u);
  // It comes back: everything arrives, the parked ones aside.
  std::set<std::uint64_t> seen;
  for (int second = 0; second < 60; ++second, now.ms += 1'000) {
    for (auto taken = take(); !taken.empty(); taken = take()) {
      for (const auto number : taken) ok(number), seen.insert(number);
    }
  }
  EXPECT_EQ(seen.size() + queue->parked(), 1'000u);
  EXPECT_EQ(queue->waiting(), 0u);
}

TEST_F(DeliveryQueueTest, OnePoisonedTaskWithManyEventsDelaysNoOther) {
  for (unsigned i = 0; i < 500; ++i) fixture.add(1);
  for (unsigned task = 2; task < 40; ++task) fixture.add(task);
  open();
  std::set<std::uint64_t> delivered;
  for (auto taken = take(); !taken.empty(); taken = take()) {
    for (const auto number : taken) {
      if (number <= 500) {
        fail(number);
      } else {
        ok(number), delivered.insert(number);
      }
    }
  }
  EXPECT_EQ(delivered.size(), 38u);
  EXPECT_EQ(queue->waiting(), 500u);
}

TEST_F(DeliveryQueueTest, AnErasedPayloadIsNotSentAnyMore) {
  fixture.add(1), fixture.add(1), fixture.add(2), fixture.add(2);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 3));
  fail(1);
  fixture.append(1, TaskDeleted{}), fixture.append(1, TaskErased{});
  fixture.append(2, TaskDeleted{}), fixture.append(2, TaskErased{});
  ++erasures;
  ok(3);
  EXPECT_THAT(take(), IsEmpty());
  now.ms += 1'000;
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(queue->waiting(), 0u);
  EXPECT_EQ(queue->cursor().value, 8u);
}

// Between the reading of its payload and the note of when that was.
TEST_F(DeliveryQueueTest, APayloadErasedWhileItIsReadIsNotSent) {
  fixture.add(1);
  open();
  EXPECT_THAT(take(), ElementsAre(1));
  fail(1);  // a row waits, so that each record read is looked up in the store
  fixture.add(2), fixture.add(2), fixture.add(3);
  bool erased = false;
  fixture.store.fail_when([&](storage::MemoryReactorStore::Access) {
    if (!std::exchange(erased, true)) {
      fixture.append(2, TaskDeleted{}), fixture.append(2, TaskErased{});
      ++erasures;
    }
    return false;
  });
  EXPECT_THAT(take(), ElementsAre(4));
  EXPECT_TRUE(erased);
}

// Whatever row it has; and the row stays until its turn comes.
TEST_F(DeliveryQueueTest, AnErasedEventIsNotRedelivered) {
  using Redelivery = DeliveryQueue::Redelivery;
  settings.retry.max_attempts = 2;
  for (const unsigned task : {1, 1, 2, 3, 4}) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 3, 4, 5));
  const auto all = queue->list(DeliveryState::pending, {}, 10);
  fail(3), ok(4);
  now.ms += 1'000;
  EXPECT_THAT(take(), ElementsAre(3));
  fail(3), fail(1);
  EXPECT_THAT(take(), IsEmpty());
  // 1 waits, 2 is held back by it, 3 is parked, 4 is done, 5 is under way.
  for (const unsigned task : {1, 2, 3, 4}) fixture.append(task, TaskDeleted{}), fixture.append(task, TaskErased{});
  ++erasures;
  ASSERT_EQ(all->rows.size(), 5u);
  for (const ListedDelivery& row : all->rows) {
    EXPECT_EQ(*queue->redeliver(message_id(kWebhook, row.delivery), now), Redelivery::erased) << row.delivery.number;
  }
  const std::string other(32, '0');
  for (const char* number : {"1", "2", "3", "4", "5", "9223372036854775807"})
    EXPECT_EQ(*queue->redeliver("msg_" + other + '_' + number, now), Redelivery::not_found) << number;
  EXPECT_THAT(listed(DeliveryState::pending), ElementsAre(1, 2));
  EXPECT_THAT(listed(DeliveryState::parked), ElementsAre(3));
}

TEST_F(DeliveryQueueTest, ListsPendingFromRowsWindowAndLog) {
  for (unsigned task = 0; task < 30; ++task) fixture.add(task);
  open();
  EXPECT_THAT(take(), ElementsAre(1, 2, 3, 4));
  ok(2), fail(3);
  std::vector<std::uint64_t> expected{1};
  for (std::uint64_t n = 3; n <= 30; ++n) expected.push_back(n);
  EXPECT_EQ(listed(DeliveryState::pending, 3), expected);
  EXPECT_EQ(listed(DeliveryState::pending, 100), expected);
  EXPECT_THAT(listed(DeliveryState::done), ElementsAre(2));
}

TEST_F(DeliveryQueueTest, KeepsTheLastDoneOnesOnly) {
  for (unsigned task = 0; task < 12; ++task) fixture.add(task);
  open();
  for (auto taken = take(); !taken.empty(); taken = take()) {
    for (const auto number : taken) ok(number);
  }
  EXPECT_THAT(listed(DeliveryState::done, 2), ElementsAre(12, 11, 10, 9, 8));
}

}  // namespace
}  // namespace taskledger::reactors
