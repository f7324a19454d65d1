// Registering a webhook: what is looked at first, and that nobody is held up by a name server.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "reactors/webhooks.h"
#include "storage/memory_reactor_store.h"
#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

class WebhooksApiTest : public ApiTest {
 protected:
  WebhooksApiTest() {
    reactors::WebhookSettings settings;
    settings.max_webhooks = 1;
    webhooks = std::make_unique<reactors::Webhooks>(
        reactors::WebhookParts{*log, store, std::string(32, 'k'), [this] { return now; }, random(),
                               [this](const std::string& host) { return look_up(host); }},
        settings);
    change = [this](ApiParts& parts) { parts.webhooks = webhooks.get(); };
    restart({});
  }
  ~WebhooksApiTest() override { release(); }

  reactors::Resolver::Answer look_up(const std::string& host) {
    std::unique_lock lock(mutex);
    asked.push_back(host);
    held_a_worker = held_a_worker || workers.busy;
    if (host == "silent.example") changed.wait(lock, [this] { return released; });
    ended = true;
    changed.notify_all();
    return {{boost::asio::ip::make_address(host == "inside.example" ? "10.0.0.1" : "93.184.216.34")}, {}};
  }
  void release() {
    std::unique_lock lock(mutex);
    released = true;
    changed.notify_all();
    changed.wait(lock, [this] { return ended || asked.empty(); });
  }
  std::string create(const std::string& host) {
    return call("POST ~/webhooks", R"({"url":"https://)" + host + R"(/"})").substr(0, 4);
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> asked;
  bool released = false, ended = false;
  std::atomic<bool> held_a_worker{false};
  storage::MemoryReactorStore store;
  std::unique_ptr<reactors::Webhooks> webhooks;
};

TEST_F(WebhooksApiTest, NamesAreLookedUpForWhatMayBeOnlyAndOnNoWorker) {
  EXPECT_EQ(create("inside.example"), "400\n");
  EXPECT_EQ(create("hooks.example"), "201\n");
  EXPECT_EQ(call("POST ~/webhooks", R"({"url":"https://other.example/"})"),
            error(409, "CONFLICT", "A workspace can have at most 1 webhooks"));
  EXPECT_EQ(asked, (std::vector<std::string>{"inside.example", "hooks.example"}));
  EXPECT_FALSE(held_a_worker);
  workers.full = true;
  EXPECT_EQ(create("hooks.example"), "503\n");
}

TEST_F(WebhooksApiTest, ANameServerIsNotWaitedForLong) {
  EXPECT_EQ(create("silent.example"), "201\n");
  EXPECT_FALSE(held_a_worker);
}

TEST_F(WebhooksApiTest, AStopAnswersWhoWaitsForANameServer) {
  webhooks->stop_looking_up();
  EXPECT_EQ(create("silent.example"), "503\n");
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace taskledger::http::test
