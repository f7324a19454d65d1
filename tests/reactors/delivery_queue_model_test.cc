// The delivery queue under random outcomes, crashes, replays and failures of its store: whatever a seed brings, every
// event is delivered or parked, those of a task for the first time in order, and what is parked was given up last.
#include <gtest/gtest.h>

#include <set>

#include "reactors/delivery_queue.h"
#include "storage/bytes.h"
#include "tests/reactors/fixture.h"

namespace taskledger::reactors {
namespace {

const WebhookId kWebhook{*parse_uuid("0190a000-0000-7000-8000-000000000001")};

// Plays the endpoint as well as its receiver.
class Course {
 public:
  explicit Course(unsigned seed) : random_(seed), fixture_([this] { return now_; }) {
    settings_.retry = {.first = std::chrono::milliseconds(1'000),
                       .longest = std::chrono::milliseconds(8'000),
                       .jitter = 0,
                       .max_attempts = 4};
    settings_.in_flight = 4;
    settings_.buffered_events = 8;
    settings_.slice_rows = 1 + seed % 5;
    open();
    if (seed % 2 == 0) fixture_.store.fail_when([this](auto) { return random_() % 60 == 0; });
  }

  void step() {
    if (!queue_) return open();  // it was lost to a failure, and is made anew
    const unsigned what = random_() % 100;
    if (what < 25) {
      const unsigned task = random_() % 5;
      fixture_.add(task);
      task_of_[head()] = task;
    } else if (what < 55) {
      take(random_() % 2 == 0);
    } else if (what < 85) {
      if (!under_way_.empty()) settle(random_() % under_way_.size(), random_() % 3 != 0);
    } else if (what < 95) {
      now_.ms += random_() % 3'000;
    } else if (what < 97) {
      open();  // a crash
    } else if (what < 99) {
      went_well(queue_->flush());
    } else {
      replays_.push_back({random_() % (head() + 1)});
      queue_->replay(replays_.back(), replays_.size());
    }
  }

  // The store is well and the receiver takes everything.
  void finish() {
    fixture_.store.fail_when({});
    if (!queue_) open();
    for (int round = 0; round < 2'000; ++round, now_.ms += 500) {
      take(true);
      while (!under_way_.empty()) settle(0, true);
    }
    EXPECT_EQ(queue_->waiting(), 0u);
    EXPECT_EQ(queue_->cursor().value, head());
    const auto parked = queue_->list(DeliveryState::parked, {}, 10'000);
    ASSERT_TRUE(parked);
    EXPECT_EQ(parked->rows.size(), queue_->parked());
    std::set<DeliveryNumber> numbers;
    for (const ListedDelivery& row : parked->rows) {
      numbers.insert(row.delivery.number);
      EXPECT_FALSE(went_well_last_[row.delivery.number]) << row.delivery.number << " is parked, and was delivered";
    }
    for (const auto& [number, task] : task_of_) {
      EXPECT_TRUE(numbers.contains(number) || delivered_.contains(number)) << number << " is lost";
    }
  }

 private:
  std::uint64_t head() const { return fixture_.log->workspace_head(kWorkspace).position.value; }

  void open() {
    under_way_.clear();
    queue_ = std::make_unique<DeliveryQueue>(
        QueueParts{*fixture_.log, fixture_.store, settings_, [] { return 0.5; }, erasures_},
        QueueIdentity{kWebhook, kWorkspace, kWorkspaceId, WebhookTypes::all()});
    if (!went_well(queue_->open({0}))) return;
    for (std::size_t i = 0; i < replays_.size(); ++i) queue_->replay(replays_[i], i + 1);
  }

  // A queue whose log or store failed is not used any more, and what it had under way is not recorded.
  template <class T>
  bool went_well(const T& result) {
    if (result) return true;
    queue_.reset();
    under_way_.clear();
    return false;
  }

  void take(bool all) {
    for (int turns = 0; queue_;) {
      auto attempt = queue_->next(now_);
      note_replays();
      if (!went_well(attempt)) return;
      if (*attempt) {
        under_way_.push_back(std::move((*attempt)->delivery));
        continue;
      }
      const auto wake = queue_->wake_at();
      if (!all || !wake || *wake > now_) return;
      ASSERT_LT(++turns, 10'000) << "it wakes for nothing, again and again";
    }
  }

  void settle(std::size_t at, bool good) {
    const Delivery delivery = under_way_[at];
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(at));
    const DeliveryNumber number = delivery.number;
    went_well_last_[number] = good;
    if (!good) {
      if (delivery.attempts + 1 >= settings_.retry.max_attempts) given_up_.insert(number);
      went_well(queue_->failed(number, 500, "answered 500", now_));
      return;
    }
    delivered_.insert(number);
    if (seen_.insert(number).second) {
      DeliveryNumber& last = last_of_task_[task_of_[number]];
      EXPECT_TRUE(number > last || given_up_.contains(number)) << number << " came after " << last;
      last = std::max(last, number);
    }
    went_well(queue_->succeeded(number, 204, now_));
  }

  // A replay that is carried out, as the checkpoint says, begins a new order.
  void note_replays() {
    std::string checkpoint;
    const auto key = DeliveryQueue::rows_of(kWebhook) + 'c';
    for (auto row = fixture_.store.get(key); checkpoint.empty(); row = fixture_.store.get(key)) {
      if (row && *row) checkpoint = **row;
    }
    const auto carried_out = storage::get_int<std::uint64_t>(checkpoint.data() + sizeof(std::uint64_t));
    if (std::exchange(replays_carried_out_, carried_out) == carried_out) return;
    seen_.clear();
    last_of_task_.clear();
    given_up_.clear();
  }

  std::mt19937 random_;
  Timestamp now_{1'700'000'000'000};
  LogFixture fixture_;
  WebhookSettings settings_;
  std::atomic<std::uint64_t> erasures_{0};
  std::unique_ptr<DeliveryQueue> queue_;
  std::vector<Delivery> under_way_;
  std::vector<WorkspacePosition> replays_;  // asked for; numbered from 1
  std::uint64_t replays_carried_out_ = 0;

  std::map<DeliveryNumber, unsigned> task_of_;
  std::set<DeliveryNumber> delivered_;
  std::map<DeliveryNumber, bool> went_well_last_;
  // Since the last replay:
  std::set<DeliveryNumber> seen_, given_up_;
  std::map<unsigned, DeliveryNumber> last_of_task_;
};

TEST(DeliveryQueueModel, NothingIsLostWhateverHappens) {
  for (unsigned seed = 1; seed <= 400 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Course course(seed);
    for (int step = 0; step < 300; ++step) course.step();
    course.finish();
  }
}

}  // namespace
}  // namespace taskledger::reactors
