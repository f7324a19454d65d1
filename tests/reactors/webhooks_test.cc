// Webhooks as a whole, but for the disk: a log in memory, the engine on its thread, receivers on real sockets.
#include "reactors/webhooks.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <future>
#include <random>
#include <set>

#include "core/base64.h"
#include "reactors/secrets.h"
#include "storage/bulk_append.h"
#include "tests/reactors/fixture.h"
#include "tests/reactors/receiver.h"

namespace taskledger::reactors {
namespace {

using Kind = WebhookFailure::Kind;

Timestamp wall_clock() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

// `"key":value` of a JSON text, the value's text up to the next comma or brace.
std::string value_of(const std::string& json, const std::string& key) {
  const std::size_t at = json.find('"' + key + "\":");
  if (at == json.npos) return {};
  const std::size_t begin = at + key.size() + 3;
  std::string value = json.substr(begin, json.find_first_of(",}", begin) - begin);
  if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
  return value;
}
std::uint64_t position_of(const Received& received) { return std::stoull(value_of(received.body, "position")); }

class WebhooksTest : public testing::Test {
 protected:
  WebhooksTest() : fixture([this] { return Timestamp{wall_clock().ms + clock_offset_ms.load()}; }) {
    settings.allow_private = true;
    settings.retry = {.first = std::chrono::milliseconds(20),
                      .longest = std::chrono::milliseconds(100),
                      .jitter = 0.2,
                      .max_attempts = 4};
    settings.connect_timeout = std::chrono::milliseconds(500);
    settings.total_timeout = std::chrono::milliseconds(500);
    settings.flush_interval = std::chrono::milliseconds(5);
    start();
  }
  ~WebhooksTest() override { stop(); }

  void start() {
    WebhookParts parts{*fixture.log,
                       fixture.store,
                       server_key,
                       [this] { return Timestamp{wall_clock().ms + clock_offset_ms.load()}; },
                       seeded_bytes(++starts),
                       look_up};
    webhooks = std::make_unique<Webhooks>(std::move(parts), settings);
    ASSERT_TRUE(webhooks->start());
  }
  void stop() { webhooks.reset(); }
  RegisteredWebhook create(const std::string& url, WebhookTypes types = WebhookTypes::all()) {
    auto made = webhooks->create(caller, {url, types});
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  // What check_address() says, where it says it soon.
  Webhooks::Answer<void> checked(const std::string& url) {
    auto answer = std::make_shared<std::promise<Webhooks::Answer<void>>>();
    webhooks->check_address({url, WebhookTypes::all()},
                            [answer](Webhooks::Answer<void> allowed) { answer->set_value(std::move(allowed)); });
    auto future = answer->get_future();
    const bool soon = future.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
    EXPECT_TRUE(soon) << url;
    return soon ? future.get() : WebhookFailure{};
  }
  // Waits (at most a minute) until `holds`.
  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 6'000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  std::vector<DeliveryStatus> listed(const WebhookId& id, std::optional<DeliveryState> state) {
    std::vector<DeliveryStatus> out;
    std::string cursor;
    for (;;) {
      auto page = webhooks->deliveries(caller, id, state, cursor, 7);
      EXPECT_TRUE(page) << page.error().message;
      EXPECT_TRUE(page->rows.size() == 7 || !page->next) << "pages but the last are full";
      EXPECT_TRUE(!page->rows.empty() || cursor.empty()) << "no page is empty but that of an empty list";
      out.insert(out.end(), page->rows.begin(), page->rows.end());
      if (!page->next) return out;
      cursor = *page->next;
    }
  }

  std::atomic<std::int64_t> clock_offset_ms{0};
  LogFixture fixture;
  WebhookSettings settings;
  Resolver::LookUp look_up;  // before start()
  WebhookCaller caller{kWorkspace, kWorkspaceId, kActor}, stranger{kOtherWorkspace, workspace_id_of("other"), kActor};
  std::unique_ptr<Webhooks> webhooks;
  std::string server_key = std::string(32, 'k');
  std::uint64_t starts = 0;
};

TEST_F(WebhooksTest, DeliversSignedEventsFromItsRegistrationOn) {
  Receiver receiver;
  fixture.add(1);
  const auto webhook = create(receiver.url());
  fixture.add(1), fixture.add(2);
  ASSERT_TRUE(receiver.wait_for(2));
  for (const Received& received : receiver.all()) {
    EXPECT_EQ(received.headers.at("webhook-signature"),
              sign(webhook.secret, received.headers.at("webhook-id"),
                   std::stoll(received.headers.at("webhook-timestamp")), received.body));
    EXPECT_LE(std::abs(std::stoll(received.headers.at("webhook-timestamp")) - wall_clock().ms / 1000), 30);
    EXPECT_GE(position_of(received), 2u);
  }
  EXPECT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::done).size() == 2; }));
  EXPECT_TRUE(listed(webhook.id, DeliveryState::pending).empty());
  const auto status = webhooks->get(caller, webhook.id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->cursor.value, 3u);
  EXPECT_EQ(status->lag, 0u);
}

TEST_F(WebhooksTest, SecretsAreNotInTheLogInTheClear) {
  const auto webhook = create("http://127.0.0.1:9/");
  const std::string bytes = *from_base64(std::string_view(webhook.secret).substr(6));
  ASSERT_TRUE(fixture.log->read_all({0}, fixture.log->head().position, [&](const storage::Record& record) {
    EXPECT_EQ(record.payload->find(webhook.secret.substr(6, 20)), std::string_view::npos);
    EXPECT_EQ(record.payload->find(bytes), std::string_view::npos);
    return true;
  }));
}

TEST_F(WebhooksTest, AnswersOtherThan2xxAreTriedAgainWithTheSameIdAndInTheTasksOrder) {
  std::atomic<int> failures{3};
  Receiver receiver(
      [&](const Received& r) { return Reaction{.status = position_of(r) == 1 && failures-- > 0 ? 500u : 200u}; });
  const auto webhook = create(receiver.url());
  fixture.add(1), fixture.add(1), fixture.add(2);
  ASSERT_TRUE(receiver.wait_for(6));
  std::vector<std::uint64_t> of_task_1;
  std::set<std::string> ids;
  for (const Received& received : receiver.all()) {
    if (position_of(received) != 3) of_task_1.push_back(position_of(received));
    if (position_of(received) == 1) ids.insert(received.headers.at("webhook-id"));
  }
  EXPECT_THAT(of_task_1, testing::ElementsAre(1, 1, 1, 1, 2));
  EXPECT_EQ(ids.size(), 1u);
}

TEST_F(WebhooksTest, ParksListsAndRedelivers) {
  std::atomic<bool> broken{true};
  Receiver receiver([&](const Received&) { return Reaction{.status = broken ? 503u : 200u}; });
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::parked).size() == 1; }));
  const auto parked = listed(webhook.id, std::nullopt);
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked[0].state, DeliveryState::parked);
  EXPECT_EQ(parked[0].delivery.attempts, 4u);
  EXPECT_EQ(parked[0].delivery.error, "status 503");
  EXPECT_EQ(parked[0].id, receiver.all()[0].headers.at("webhook-id"));
  EXPECT_EQ(receiver.all().size(), 4u);
  broken = false;
  EXPECT_EQ(webhooks->redeliver(stranger, webhook.id, parked[0].id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->redeliver(caller, webhook.id, "msg_x").error().kind, Kind::not_found);
  ASSERT_TRUE(webhooks->redeliver(caller, webhook.id, parked[0].id));
  ASSERT_TRUE(receiver.wait_for(5));
  EXPECT_EQ(receiver.all()[4].headers.at("webhook-id"), parked[0].id);
  EXPECT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::done).size() == 1; }));
  EXPECT_TRUE(listed(webhook.id, DeliveryState::parked).empty());
}

TEST_F(WebhooksTest, ADeadAHangingAndAResettingEndpointDelayNoOther) {
  Receiver hanging([](const Received&) { return Reaction{.hang = true}; });
  Receiver resetting([](const Received&) { return Reaction{.reset = true}; });
  Receiver good;
  settings.total_timeout = std::chrono::minutes(5);
  settings.retry.first = std::chrono::minutes(5);
  stop(), start();
  create(hanging.url()), create(resetting.url()), create("http://127.0.0.1:1/"),
      create("http://does-not-exist.invalid/");
  create(good.url());
  for (unsigned task = 0; task < 300; ++task) fixture.add(task);
  EXPECT_TRUE(good.wait_for(300));  // long before the others' times are over
}

TEST_F(WebhooksTest, PauseWaitsAndResumeGoesOn) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  ASSERT_TRUE(webhooks->pause(caller, webhook.id));
  ASSERT_TRUE(webhooks->pause(caller, webhook.id));
  const std::uint64_t records = fixture.log->head().position.value;
  fixture.add(1), fixture.add(2);
  EXPECT_EQ(fixture.log->head().position.value, records + 2);  // the second pause wrote nothing
  EXPECT_TRUE(webhooks->get(caller, webhook.id)->paused);
  EXPECT_EQ(listed(webhook.id, DeliveryState::pending).size(), 2u);
  EXPECT_TRUE(receiver.all().empty());
  ASSERT_TRUE(webhooks->resume(caller, webhook.id));
  EXPECT_TRUE(receiver.wait_for(2));
}

TEST_F(WebhooksTest, ReplaySendsTheWholeHistoryAgainWithTheSameIds) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  for (unsigned i = 0; i < 20; ++i) fixture.add(i % 5);
  ASSERT_TRUE(receiver.wait_for(20));
  ASSERT_TRUE(webhooks->replay(caller, webhook.id, {10}));
  ASSERT_TRUE(receiver.wait_for(30));
  std::map<std::uint64_t, std::set<std::string>> ids;
  std::map<std::uint64_t, int> times;
  for (const Received& received : receiver.all()) {
    ids[position_of(received)].insert(received.headers.at("webhook-id"));
    ++times[position_of(received)];
  }
  for (const auto& [position, seen] : ids) {
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_EQ(times[position], position > 10 ? 2 : 1) << position;
  }
  EXPECT_EQ(webhooks->replay(caller, webhook.id, {21}).error().message,
            "Field 'after' must be at most the workspace's position, 20");
}

TEST_F(WebhooksTest, ARestartGoesOnWhereItWasAndRepeatsNothingDone) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  for (unsigned i = 0; i < 10; ++i) fixture.add(i);
  ASSERT_TRUE(receiver.wait_for(10));
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::done).size() == 10; }));
  stop();
  for (unsigned i = 0; i < 10; ++i) fixture.add(i);
  start();
  ASSERT_TRUE(receiver.wait_for(20));
  std::set<std::uint64_t> seen;
  for (const Received& received : receiver.all()) EXPECT_TRUE(seen.insert(position_of(received)).second);
}

TEST_F(WebhooksTest, RotationSignsWithBothSecretsForADay) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  const auto second = webhooks->rotate_secret(caller, webhook.id);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, webhook.secret);
  const auto signatures = [&](std::size_t index) {
    const auto received = receiver.all()[index];
    const auto by = [&](const std::string& secret) {
      return sign(secret, received.headers.at("webhook-id"), std::stoll(received.headers.at("webhook-timestamp")),
                  received.body);
    };
    const std::string& header = received.headers.at("webhook-signature");
    if (header == by(*second) + ' ' + by(webhook.secret)) return "both";
    return header == by(*second) ? "new" : "other";
  };
  fixture.add(1);
  ASSERT_TRUE(receiver.wait_for(1));
  EXPECT_STREQ(signatures(0), "both");
  clock_offset_ms = 24 * 60 * 60 * 1'000;
  fixture.add(1);
  ASSERT_TRUE(receiver.wait_for(2));
  EXPECT_STREQ(signatures(1), "new");
}

// Each of them signs for its day: as many as one message names are kept, and a further rotation has to wait.
TEST_F(WebhooksTest, ARotationThatWouldDropASecretWithinItsDayIsRefused) {
  constexpr std::int64_t kHour = 60 * 60 * 1'000;
  Receiver receiver;
  const auto webhook = create(receiver.url());
  std::vector<std::string> secrets{webhook.secret};  // newest first
  std::optional<WebhookFailure> refused;
  while (secrets.size() < 20 && !refused) {
    clock_offset_ms += kHour;
    const auto secret = webhooks->rotate_secret(caller, webhook.id);
    if (secret) {
      secrets.insert(secrets.begin(), *secret);
    } else {
      refused = secret.error();
    }
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(secrets.size(), 10u);
  EXPECT_EQ(refused->kind, Kind::conflict);
  std::vector<Timestamp> changes;  // the registration, then the rotations
  ASSERT_TRUE(fixture.log->read_all({0}, fixture.log->head().position, [&](const storage::Record& record) {
    changes.push_back(record.time);
    return true;
  }));
  ASSERT_EQ(changes.size(), 10u);
  const Timestamp possible{changes[1].ms + 24 * kHour};
  EXPECT_EQ(refused->message,
            "10 secrets sign at the moment; another rotation is possible from " + to_rfc3339(possible));
  fixture.add(1);
  ASSERT_TRUE(receiver.wait_for(1));
  const auto received = receiver.all()[0];
  std::string signatures;
  for (const std::string& secret : secrets) {
    signatures +=
        (signatures.empty() ? "" : " ") + sign(secret, received.headers.at("webhook-id"),
                                               std::stoll(received.headers.at("webhook-timestamp")), received.body);
  }
  EXPECT_EQ(received.headers.at("webhook-signature"), signatures);
  clock_offset_ms = possible.ms - wall_clock().ms + 1;
  EXPECT_TRUE(webhooks->rotate_secret(caller, webhook.id));
}

// After a change of the server's key a rotation mends a webhook at once: what cannot be read signs nothing.
TEST_F(WebhooksTest, SecretsThatCannotBeReadHoldNoRotationUp) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  for (int i = 0; i < 20; ++i) static_cast<void>(webhooks->rotate_secret(caller, webhook.id));
  server_key = std::string(32, 'K');
  stop(), start();
  const auto secret = webhooks->rotate_secret(caller, webhook.id);
  ASSERT_TRUE(secret);
  const auto id = webhooks->ping(caller, webhook.id);
  ASSERT_TRUE(id);
  ASSERT_TRUE(receiver.wait_for(1));
  const auto received = receiver.all()[0];
  EXPECT_EQ(received.headers.at("webhook-signature"),
            sign(*secret, *id, std::stoll(received.headers.at("webhook-timestamp")), received.body));
}

TEST_F(WebhooksTest, NothingIsSentThatCannotBeSigned) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  server_key = std::string(32, 'K');
  stop(), start();
  fixture.add(1);
  const std::string problem = "the secret cannot be decrypted with this server's key; rotate it";
  EXPECT_EQ(webhooks->get(caller, webhook.id)->problem, problem);
  const auto refused = webhooks->ping(caller, webhook.id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::conflict);
  EXPECT_EQ(refused.error().message, "Nothing can be sent: " + problem);
  EXPECT_TRUE(receiver.all().empty());
  EXPECT_EQ(listed(webhook.id, std::nullopt).size(), 1u);  // the event, waiting
  const auto secret = webhooks->rotate_secret(caller, webhook.id);
  ASSERT_TRUE(secret);
  EXPECT_TRUE(webhooks->ping(caller, webhook.id));
  ASSERT_TRUE(receiver.wait_for(2));
  for (const Received& received : receiver.all()) {
    EXPECT_EQ(received.headers.at("webhook-signature"),
              sign(*secret, received.headers.at("webhook-id"), std::stoll(received.headers.at("webhook-timestamp")),
                   received.body));
  }
}

TEST_F(WebhooksTest, AnAddressThatIsNotTakenAnyMoreSaysSoAndLosesNothing) {
  const WebhookId id{*parse_uuid("0190a000-0000-7000-8000-000000000001")};
  const SecretBox box(server_key);
  const auto secret = box.seal(make_secret(seeded_bytes(7)), id, seeded_bytes(8));
  storage::Commit commit;
  commit.workspace = kSystemWorkspace;
  commit.expected.push_back({id.value, {0}});
  commit.records.push_back({.stream = id.value,
                            .type = storage::kSystemRecord,
                            .payload = webhook_payload(WebhookCreated{.workspace = kWorkspace,
                                                                      .workspace_id = kWorkspaceId,
                                                                      .url = "http://user@example.com/",
                                                                      .types = WebhookTypes::all(),
                                                                      .sealed_secret = secret,
                                                                      .after = {0}}),
                            .time = {},
                            .id = {},
                            .trace = {}});
  fixture.log->append(std::move(commit), [](const storage::EventLog::Appending& done) { ASSERT_TRUE(done); });
  fixture.add(1);
  const std::string problem = webhooks->get(caller, id)->problem;
  EXPECT_NE(problem.find("url"), problem.npos) << problem;
  EXPECT_EQ(webhooks->ping(caller, id).error().message, "Nothing can be sent: " + problem);
  const auto pending = listed(id, std::nullopt);
  ASSERT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending[0].delivery.attempts, 0u);
}

TEST_F(WebhooksTest, PingIsSignedTriedOnceAndListed) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  ASSERT_TRUE(webhooks->pause(caller, webhook.id));  // a ping is sent all the same
  const auto id = webhooks->ping(caller, webhook.id);
  ASSERT_TRUE(id);
  ASSERT_TRUE(receiver.wait_for(1));
  const auto received = receiver.all()[0];
  EXPECT_EQ(received.headers.at("webhook-id"), *id);
  EXPECT_EQ(value_of(received.body, "type"), "ping");
  EXPECT_EQ(received.headers.at("webhook-signature"),
            sign(webhook.secret, *id, std::stoll(received.headers.at("webhook-timestamp")), received.body));
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::done).size() == 1; }));
  receiver.set([](const Received&) { return Reaction{.status = 500}; });
  ASSERT_TRUE(webhooks->ping(caller, webhook.id));
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::parked).size() == 1; }));
  EXPECT_EQ(receiver.all().size(), 2u);
}

TEST_F(WebhooksTest, GonePausesAndLosesNothing) {
  std::atomic<unsigned> status{410};
  Receiver receiver([&](const Received&) { return Reaction{.status = status}; });
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(eventually([&] { return webhooks->get(caller, webhook.id)->paused; }));
  EXPECT_EQ(webhooks->get(caller, webhook.id)->problem, "the endpoint answered 410 Gone");
  EXPECT_EQ(receiver.all().size(), 1u);
  status = 200;
  ASSERT_TRUE(webhooks->resume(caller, webhook.id));
  EXPECT_TRUE(receiver.wait_for(2));
}

// The bulk append that is open lets no other commit pass.
TEST_F(WebhooksTest, GoneIsNotForgottenWhereThePauseIsRefused) {
  std::mutex mutex;
  std::unique_ptr<storage::BulkAppend> bulk;
  std::atomic<int> requests{0};
  Receiver receiver([&](const Received&) {
    const std::lock_guard lock(mutex);
    if (++requests == 1) bulk = std::move(*fixture.log->begin_bulk(kOtherWorkspace));
    return Reaction{.status = 410};
  });
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(eventually([&] { return requests >= 2; }));  // it was not paused, and says so by trying again
  EXPECT_FALSE(webhooks->get(caller, webhook.id)->paused);
  {
    const std::lock_guard lock(mutex);
    bulk.reset();
  }
  fixture.add(2);
  EXPECT_TRUE(eventually([&] { return webhooks->get(caller, webhook.id)->paused; }));
  EXPECT_EQ(listed(webhook.id, std::nullopt).size(), 2u);
}

// A failure that could not be recorded must not be passed over by what is recorded later.
TEST_F(WebhooksTest, AFailingStoreLosesNoDelivery) {
  std::atomic<unsigned> status{200};
  std::atomic<bool> fails{false};
  fixture.store.fail_when([&](auto access) { return fails && access == storage::MemoryReactorStore::Access::write; });
  settings.store_retry = std::chrono::seconds(1);
  stop(), start();
  Receiver receiver([&](const Received&) { return Reaction{.status = status}; });
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::done).size() == 1; }));
  const std::string first = receiver.all()[0].headers.at("webhook-id");
  status = 500, fails = true;
  fixture.add(2);
  ASSERT_TRUE(eventually([&] { return !webhooks->get(caller, webhook.id)->problem.empty(); }));
  status = 200, fails = false;
  static_cast<void>(webhooks->redeliver(caller, webhook.id, first));
  static_cast<void>(webhooks->deliveries(caller, webhook.id, std::nullopt, "", 20));
  ASSERT_TRUE(eventually([&] { return webhooks->get(caller, webhook.id)->problem.empty(); }));
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::pending).empty(); }));
  const auto all = receiver.all();
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const Received& one) { return position_of(one) == 2; }), 2);
}

TEST_F(WebhooksTest, AStoreThatFailsWhilePeopleAskIsNotUsedOn) {
  std::atomic<bool> fails{false};
  fixture.store.fail_when([&](auto) { return fails.load(); });
  settings.store_retry = std::chrono::seconds(2);
  stop(), start();
  Receiver receiver;
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::done).size() == 1; }));
  const std::string id = receiver.all()[0].headers.at("webhook-id");
  const auto failing = [&](const std::function<std::optional<WebhookFailure>()>& ask) {
    fails = true;
    const auto failure = ask();
    fails = false;
    EXPECT_TRUE(failure && failure->kind == Kind::unavailable);
    EXPECT_EQ(webhooks->get(caller, webhook.id)->problem, "the server's store fails");
    EXPECT_TRUE(eventually([&] { return webhooks->get(caller, webhook.id)->problem.empty(); }));
  };
  failing([&] {
    const auto page = webhooks->deliveries(caller, webhook.id, std::nullopt, "", 20);
    return page ? std::nullopt : std::optional(page.error());
  });
  failing([&] {
    const auto done = webhooks->redeliver(caller, webhook.id, id);
    return done ? std::nullopt : std::optional(done.error());
  });
  EXPECT_TRUE(webhooks->redeliver(caller, webhook.id, id));
  EXPECT_TRUE(receiver.wait_for(2));
}

// Whatever fails when, while people look and redeliver.
TEST_F(WebhooksTest, AStoreThatFailsAtRandomLosesNothing) {
  settings.store_retry = std::chrono::milliseconds(20);
  settings.retry.first = std::chrono::milliseconds(2);
  stop(), start();
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mutex mutex;  // of what follows
    std::mt19937 random(seed);
    bool good = false;  // the store and the receiver
    std::set<std::uint64_t> delivered;
    std::set<std::string> ids;  // of those delivered: redelivering others would hide that they were lost
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    Receiver receiver([&](const Received& received) {
      const std::lock_guard lock(mutex);
      if (!good && one_in(3)) return Reaction{.status = 500};
      ids.insert(received.headers.at("webhook-id"));
      delivered.insert(position_of(received));
      return Reaction{};
    });
    const auto webhook = create(receiver.url());
    const std::uint64_t begin = fixture.log->workspace_head(kWorkspace).position.value;
    fixture.store.fail_when([&](auto access) {
      const std::lock_guard lock(mutex);
      return !good && one_in(access == storage::MemoryReactorStore::Access::write ? 6 : 200);
    });
    for (int step = 0; step < 200; ++step) {
      std::string redelivered;
      unsigned task = 0;
      {
        const std::lock_guard lock(mutex);
        task = random() % 5;
        if (!ids.empty()) redelivered = *std::next(ids.begin(), static_cast<std::ptrdiff_t>(random() % ids.size()));
      }
      fixture.add(task);
      static_cast<void>(webhooks->deliveries(caller, webhook.id, std::nullopt, "", 5));
      if (!redelivered.empty()) static_cast<void>(webhooks->redeliver(caller, webhook.id, redelivered));
      std::this_thread::sleep_for(std::chrono::milliseconds(step % 3));
    }
    {
      const std::lock_guard lock(mutex);
      good = true;
    }
    ASSERT_TRUE(eventually([&] { return webhooks->get(caller, webhook.id)->problem.empty(); }));
    ASSERT_TRUE(eventually(
        [&] { return webhooks->deliveries(caller, webhook.id, DeliveryState::pending, "", 1)->rows.empty(); }));
    std::set<std::uint64_t> parked;
    for (const DeliveryStatus& row : listed(webhook.id, DeliveryState::parked)) parked.insert(row.delivery.number);
    for (std::uint64_t number = begin + 1; number <= begin + 200; ++number) {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(delivered.contains(number) || parked.contains(number)) << number;
    }
    fixture.store.fail_when({});
    ASSERT_TRUE(webhooks->remove(caller, webhook.id));
  }
}

// A bug that throws where deliveries are made ends nothing but the step it is in.
TEST_F(WebhooksTest, ExceptionsAreOutlived) {
  std::atomic<unsigned> calls{0};
  std::atomic<bool> throws{false};
  fixture.store.fail_when([&](auto) -> bool {
    if (throws && ++calls % 2 == 0) throw std::runtime_error("a bug");
    if (throws && calls % 3 == 0) throw 42;
    return false;
  });
  settings.store_retry = std::chrono::milliseconds(10);
  stop(), start();
  throws = true;
  Receiver receiver;
  const auto webhook = create(receiver.url());
  for (unsigned task = 1; task <= 20; ++task) {
    fixture.add(task);
    try {
      static_cast<void>(webhooks->deliveries(caller, webhook.id, std::nullopt, "", 5));
    } catch (...) {  // told to whoever asked
    }
  }
  EXPECT_GT(calls, 0u);
  throws = false;
  EXPECT_TRUE(eventually([&] {
    const auto status = webhooks->get(caller, webhook.id);
    return status->problem.empty() && status->cursor.value == 20;
  }));
  std::set<std::uint64_t> seen;
  for (const Received& received : receiver.all()) seen.insert(position_of(received));
  EXPECT_EQ(seen.size(), 20u);
}

TEST_F(WebhooksTest, TypesAreFiltered) {
  Receiver receiver;
  WebhookTypes types;
  types.add(EventType::task_updated);
  create(receiver.url(), types);
  fixture.add(1), fixture.add(1), fixture.add(2), fixture.add(2);
  ASSERT_TRUE(receiver.wait_for(2));
  for (const Received& received : receiver.all()) EXPECT_EQ(value_of(received.body, "type"), "task.updated");
}

TEST_F(WebhooksTest, DeletedAtOnceWithItsRows) {
  Receiver receiver([](const Received&) { return Reaction{.status = 500}; });
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(receiver.wait_for(1));
  ASSERT_TRUE(webhooks->remove(caller, webhook.id));
  EXPECT_EQ(webhooks->remove(caller, webhook.id).error().kind, Kind::not_found);
  EXPECT_TRUE(webhooks->list(caller)->empty());
  EXPECT_TRUE(eventually([&] { return fixture.store.size() == 0; }));
}

TEST_F(WebhooksTest, OneListOfAllStates) {
  Receiver receiver(
      [](const Received& received) { return Reaction{.status = position_of(received) % 2 == 0 ? 500u : 200u}; });
  const auto webhook = create(receiver.url());
  for (std::uint8_t i = 0; i < 9; ++i) fixture.add(static_cast<std::uint8_t>(i + 1));
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::pending).empty(); }));
  const auto all = listed(webhook.id, std::nullopt);
  ASSERT_EQ(all.size(), 9u);
  const auto parked = listed(webhook.id, DeliveryState::parked).size();
  EXPECT_EQ(parked, 4u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].state, i < parked ? DeliveryState::parked : DeliveryState::done) << i;
  }
}

TEST_F(WebhooksTest, CursorsOfNoListAreRefused) {
  Receiver receiver([](const Received&) { return Reaction{.status = 500}; });
  const auto webhook = create(receiver.url());
  fixture.add(1);
  ASSERT_TRUE(eventually([&] { return listed(webhook.id, DeliveryState::parked).size() == 1; }));
  for (const std::string state : {"pending", "parked", "done"}) {
    for (const std::string after : {"18446744073709551615", "18446744073709551616", "-1", "", "1x"}) {
      const auto page = webhooks->deliveries(caller, webhook.id, std::nullopt, state + '.' + after, 20);
      ASSERT_FALSE(page) << state << after;
      EXPECT_EQ(page.error().kind, Kind::invalid);
    }
  }
  const auto beyond = webhooks->deliveries(caller, webhook.id, std::nullopt, "parked.18446744073709551614", 20);
  ASSERT_TRUE(beyond);
  EXPECT_TRUE(beyond->rows.empty());
}

TEST_F(WebhooksTest, AsManyAsAllowedEvenWhenMadeAtOnce) {
  Receiver receiver;
  settings.max_webhooks = 5;
  stop(), start();
  std::atomic<int> made = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 2; ++j) {
        const auto webhook = webhooks->create(caller, {receiver.url(), WebhookTypes::all()});
        ++(webhook ? made : refused);
        EXPECT_TRUE(webhook || webhook.error().kind == Kind::conflict);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 5);
  EXPECT_EQ(refused, 11);
  EXPECT_EQ(webhooks->list(caller)->size(), 5u);
}

TEST_F(WebhooksTest, AnotherWorkspacesDoNotExist) {
  Receiver receiver;
  const auto webhook = create(receiver.url());
  EXPECT_TRUE(webhooks->list(stranger)->empty());
  EXPECT_EQ(webhooks->get(stranger, webhook.id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->remove(stranger, webhook.id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->pause(stranger, webhook.id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->resume(stranger, webhook.id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->ping(stranger, webhook.id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->rotate_secret(stranger, webhook.id).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->replay(stranger, webhook.id, {0}).error().kind, Kind::not_found);
  EXPECT_EQ(webhooks->deliveries(stranger, webhook.id, {}, "", 20).error().kind, Kind::not_found);
  fixture.add(1, false, kOtherWorkspace), fixture.add(1);
  ASSERT_TRUE(receiver.wait_for(1));
  EXPECT_EQ(receiver.all().size(), 1u);
}

TEST_F(WebhooksTest, PrivateAddressesAreRefusedUnlessAllowed) {
  settings.allow_private = false;
  stop(), start();
  for (const char* url :
       {"http://127.0.0.1/", "http://localhost:8080/", "http://10.1.2.3/", "http://169.254.169.254/latest",
        "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://x.localhost/"}) {
    const auto allowed = checked(url);
    ASSERT_FALSE(allowed) << url;
    EXPECT_EQ(allowed.error().kind, Kind::invalid);
    EXPECT_EQ(allowed.error().message, "Field 'url' must not lead to a private, loopback or link-local address") << url;
  }
  EXPECT_TRUE(checked("http://93.184.216.34/"));
  EXPECT_EQ(webhooks->create(caller, {"ftp://example.com/", WebhookTypes::all()}).error().message,
            "Field 'url' must be an absolute http or https URL");
}

// However long a name server takes, nobody is held up by it: neither who asks nor who stops.
TEST_F(WebhooksTest, ALookUpThatHangsBlocksNobody) {
  settings.allow_private = false;
  struct Shared {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
  };
  auto shared = std::make_shared<Shared>();  // with look-ups that outlive the test's body
  look_up = [shared](const std::string& host) -> Resolver::Answer {
    if (host == "silent.example") shared->released.wait();
    if (host == "nowhere.example") return {{}, "no such host"};
    return {{boost::asio::ip::make_address(host == "inside.example" ? "10.0.0.1" : "93.184.216.34")}, {}};
  };
  stop(), start();
  auto late = std::make_shared<std::promise<Webhooks::Answer<void>>>();
  webhooks->check_address({"http://silent.example/", WebhookTypes::all()},
                          [late](Webhooks::Answer<void> allowed) { late->set_value(std::move(allowed)); });
  EXPECT_TRUE(checked("http://outside.example/"));
  EXPECT_TRUE(checked("http://nowhere.example/")) << "it may get an address";
  EXPECT_EQ(checked("http://inside.example/").error().kind, Kind::invalid);
  webhooks->stop_looking_up();
  auto answered = late->get_future();
  ASSERT_EQ(answered.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(answered.get().error().kind, Kind::unavailable);
  EXPECT_EQ(checked("http://outside.example/").error().kind, Kind::unavailable);
  shared->release.set_value();
}

TEST_F(WebhooksTest, AWorkspaceHasSoManyWebhooksAndNoMore) {
  settings.max_webhooks = 2;
  stop(), start();
  const WebhookRequest request{"http://127.0.0.1:1/", WebhookTypes::all()};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(webhooks->may_create(caller, request));
    create(request.url);
  }
  EXPECT_EQ(webhooks->may_create(caller, request).error().message, "A workspace can have at most 2 webhooks");
  EXPECT_EQ(webhooks->create(caller, request).error().kind, Kind::conflict);
  EXPECT_TRUE(webhooks->may_create(stranger, request));
  EXPECT_EQ(webhooks->may_create(stranger, {"x", WebhookTypes::all()}).error().kind, Kind::invalid);
}

TEST_F(WebhooksTest, AllEndpointsTogetherHaveSoManyConnections) {
  settings.connections = 6;
  settings.in_flight = 4;
  settings.total_timeout = std::chrono::minutes(5);
  stop(), start();
  std::vector<std::unique_ptr<Receiver>> receivers;
  const auto received = [&] {
    std::size_t sum = 0;
    for (const auto& receiver : receivers) sum += receiver->all().size();
    return sum;
  };
  for (int i = 0; i < 3; ++i) {
    receivers.push_back(std::make_unique<Receiver>([](const Received&) { return Reaction{.hang = true}; }));
    create(receivers.back()->url());
  }
  for (unsigned task = 0; task < 20; ++task) fixture.add(task);
  EXPECT_TRUE(eventually([&] { return received() == 6; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(received(), 6u);
}

TEST_F(WebhooksTest, WhereConnectionsAreFewEveryEndpointComesToItsTurn) {
  settings.connections = 3;
  settings.in_flight = 4;
  settings.retry.first = std::chrono::minutes(5);
  stop(), start();
  std::vector<std::unique_ptr<Receiver>> hanging, good;
  for (int i = 0; i < 4; ++i) {
    hanging.push_back(std::make_unique<Receiver>([](const Received&) { return Reaction{.hang = true}; }));
    create(hanging.back()->url());
    good.push_back(std::make_unique<Receiver>());
    create(good.back()->url());
  }
  for (unsigned task = 0; task < 30; ++task) fixture.add(task);
  for (const auto& receiver : good) EXPECT_TRUE(receiver->wait_for(30));
  for (const auto& receiver : hanging) EXPECT_TRUE(receiver->wait_for(1));
}

TEST_F(WebhooksTest, AsManyPingsAsRequestsAreOnTheirWay) {
  settings.in_flight = 3;
  settings.kept_pings = 2;
  settings.total_timeout = std::chrono::milliseconds(1'500);
  stop(), start();
  Receiver receiver([](const Received&) { return Reaction{.hang = true}; });
  const auto webhook = create(receiver.url());
  for (unsigned task = 0; task < 3; ++task) fixture.add(task);
  ASSERT_TRUE(receiver.wait_for(3));
  std::set<std::string> ids;
  std::string last;
  for (int i = 0; i < 3; ++i) ids.insert(last = *webhooks->ping(caller, webhook.id));
  const auto refused = webhooks->ping(caller, webhook.id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::conflict);
  EXPECT_EQ(refused.error().message, "Nothing can be sent: 3 pings are on their way already");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(receiver.all().size(), 3u) << "they wait for the deliveries";
  ASSERT_TRUE(receiver.wait_for(6));
  std::set<std::string> next;
  for (std::size_t i = 3; i < 6; ++i) next.insert(receiver.all()[i].headers.at("webhook-id"));
  EXPECT_EQ(next, ids) << "before all else that waits";
  EXPECT_TRUE(eventually([&] { return webhooks->ping(caller, webhook.id).has_value(); }));
  const auto pings = [&] {
    std::vector<std::string> out;
    for (const auto& row : listed(webhook.id, DeliveryState::parked)) {
      if (row.delivery.is_ping()) out.push_back(row.id);
    }
    return out;
  };
  EXPECT_TRUE(eventually([&] { return pings().size() == 2 && pings().front() == last; }));
}

TEST_F(WebhooksTest, ManyEventsToManyEndpointsNoneLostTasksInOrder) {
  constexpr std::size_t kEndpoints = 5, kEvents = 2'000;
  std::vector<std::unique_ptr<std::atomic<unsigned>>> counters;  // outlive the receivers' threads
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    counters.push_back(std::make_unique<std::atomic<unsigned>>(0));
    receivers.push_back(std::make_unique<Receiver>([i, counter = counters.back().get()](const Received&) {
      const unsigned n = ++*counter;
      return Reaction{.status = i % 2 == 1 && n % 97 == 0 ? 500u : 200u, .reset = i == 2 && n % 101 == 0};
    }));
    create(receivers.back()->url());
  }
  for (std::size_t i = 0; i < kEvents; ++i) fixture.add(static_cast<unsigned>(i * 7 % 50));
  for (const auto& receiver : receivers) {
    std::map<std::string, std::set<std::uint64_t>> by_task;
    ASSERT_TRUE(receiver->wait([&](const std::vector<Received>& all) {
      std::set<std::string> ids;
      if (all.size() < kEvents) return false;
      for (const auto& received : all) ids.insert(received.headers.at("webhook-id"));
      return ids.size() == kEvents;
    }));
    std::map<std::string, std::uint64_t> last;
    std::set<std::string> seen;
    for (const Received& received : receiver->all()) {
      if (!seen.insert(received.headers.at("webhook-id")).second) continue;
      std::uint64_t& before = last[value_of(received.body, "task_id")];
      EXPECT_LT(before, position_of(received));
      before = position_of(received);
    }
  }
}

}  // namespace
}  // namespace taskledger::reactors
