// Notifications held to a naive model: random worlds, random marks as read, erasures, restarts and crashes; rows that a
// rebuild gives again byte for byte.
#include <gtest/gtest.h>

#include <map>

#include "core/notification.h"
#include "projections/applier.h"
#include "projections/runner.h"
#include "tests/projections/memory_view_store.h"
#include "tests/projections/world.h"

namespace taskledger::projections {
namespace {

constexpr WorkspaceNumber kFirst{1}, kSecond{2};
const WorkspaceId kFirstId = workspace_id_of("first");

struct Told {
  WorkspacePosition position;
  NotificationType type;
  TaskId task;
  std::string title;
  UserId actor;
  Timestamp time;
  Timestamp read_at;
};
using Model = std::map<UserId, std::vector<Told>>;  // oldest first

// Everything from the log, as plainly as it can be said.
Model model_of(const storage::EventLog& log, WorkspaceNumber workspace) {
  Model model;
  std::map<TaskId, Task> tasks;
  EXPECT_TRUE(log.read_all({0}, log.head().position, [&](const storage::Record& record) {
    if (record.type == storage::kSystemRecord) {
      const auto event = parse_notification_payload(*record.payload);
      if (const auto* one = std::get_if<NotificationRead>(&*event); one && one->workspace == workspace) {
        for (Told& told : model[one->user]) {
          if (told.position == one->position && told.read_at.ms == 0) told.read_at = record.time;
        }
      } else if (const auto* all = std::get_if<NotificationsRead>(&*event); all && all->workspace == workspace) {
        for (Told& told : model[all->user]) {
          if (told.position <= all->up_to && told.read_at.ms == 0) told.read_at = record.time;
        }
      }
      return true;
    }
    if (record.workspace != workspace) return true;
    Task& task = tasks[{record.stream}];
    EXPECT_TRUE(fold_record(task, record));
    if (record.imported || !record.payload) return true;
    const auto event = parse_event_data(static_cast<EventType>(record.type), *record.payload);
    std::set<UserId> users;
    auto type = NotificationType::task_assigned;
    if (const auto* created = std::get_if<TaskCreated>(&*event)) {
      if (created->fields.assigned_to) users.insert(*created->fields.assigned_to);
    } else if (const auto* updated = std::get_if<TaskUpdated>(&*event)) {
      if (updated->patch.assigned_to && *updated->patch.assigned_to) users.insert(**updated->patch.assigned_to);
    } else if (std::holds_alternative<TaskCompleted>(*event)) {
      type = NotificationType::task_completed;
      if (task.fields.assigned_to) users.insert(*task.fields.assigned_to);
      users.insert(task.created_by);
    }
    users.erase(record.actor);
    for (const UserId& user : users)
      model[user].push_back({record.in_workspace, type, task.id, task.fields.title, record.actor, record.time, {}});
    return true;
  }));
  return model;
}

std::string shown(const Model::value_type& of_user, const Told& told, bool deleted) {
  std::string out = R"({"id":")" + to_string(notification_id(kFirstId, of_user.first, told.position)) +
                    R"(","type":")" + std::string(name_of(told.type)) + R"(","task_id":")" + to_string(told.task) +
                    (deleted ? R"(","task_deleted":true,"title":)" : R"(","title":)");
  append_json_string(out, told.title);
  out += R"(,"actor":")" + to_string(told.actor) + R"(","created_at":")" + to_rfc3339(told.time) + R"(","read_at":)" +
         (told.read_at.ms == 0 ? std::string("null") : '"' + to_rfc3339(told.read_at) + '"') + '}';
  return out;
}

class NotificationsTest : public testing::Test {
 protected:
  void start(MemoryViewStore& views) {
    runner_ = Runner::create(*world_->log, views, {});
    ASSERT_TRUE(runner_->start());
  }
  void append(storage::Commit commit) {
    world_->log->append(std::move(commit), [](const auto& done) { ASSERT_TRUE(done.has_value()); });
  }
  void mark(const NotificationEvent& event) { world_->mark(event); }
  static auto record_of(const Uuid& task, const TaskEvent& event) {
    return decltype(storage::Commit::records)::value_type{.stream = task,
                                                          .type = static_cast<std::uint8_t>(type_of(event)),
                                                          .payload = event_data(event),
                                                          .time = {},
                                                          .id = {},
                                                          .trace = {}};
  }
  // A task of its own: assigned, completed, deleted, and maybe erased.
  void task_to_erase(const UserId& user, bool erase) {
    storage::Commit commit;
    commit.workspace = kFirst;
    const Uuid id = world_->uuid();
    commit.expected.push_back({id, {}});
    TaskFields fields;
    fields.title = "secret";
    fields.assigned_to = user;
    for (const TaskEvent& event :
         {TaskEvent(TaskCreated{fields}), TaskEvent(TaskCompleted{}), TaskEvent(TaskDeleted{})})
      commit.records.push_back(record_of(id, event));
    append(std::move(commit));
    if (!erase) return;
    storage::Commit erasure;
    erasure.workspace = kFirst;
    erasure.expected.push_back({id, {3}});
    erasure.erase.push_back(id);
    erasure.records.push_back({.stream = id,
                               .type = static_cast<std::uint8_t>(EventType::task_erased),
                               .payload = "{}",
                               .time = {},
                               .id = {},
                               .trace = {}});
    append(std::move(erasure));
  }
  void wait() {
    while (runner_->passed() < world_->log->head().position) std::this_thread::yield();
  }
  void compare() {
    wait();
    for (const auto& of_user : model_of(*world_->log, kFirst)) {
      const auto& [user, told] = of_user;
      for (const bool unread_only : {false, true}) {
        std::vector<std::string> expected, found;
        std::uint64_t unread = 0;
        for (auto one = told.rbegin(); one != told.rend(); ++one) {
          unread += one->read_at.ms == 0;
          if (!unread_only || one->read_at.ms == 0)
            expected.push_back(shown(of_user, *one, !runner_->task(kFirst, one->task, false)->found()));
        }
        NotificationsQuery query{kFirstId, user, unread_only, {}, 7};
        ASSERT_TRUE(runner_->notifications(kFirst, query));  // loads
        const auto at_once = runner_->notifications_at_once(kFirst, query);
        ASSERT_TRUE(at_once);
        if (*at_once) {
          EXPECT_EQ((*at_once)->rows, runner_->notifications(kFirst, query)->rows);
        }
        std::string joined, wanted;
        for (const auto& line : expected) wanted += line + "\n";
        for (;;) {
          const auto page = runner_->notifications(kFirst, query);
          ASSERT_TRUE(page) << page.error().what;
          EXPECT_EQ(page->unread, unread);
          std::string rows = page->rows;
          for (std::size_t at = 0; (at = rows.find("},{", at)) != rows.npos;) rows.replace(at, 3, "}\n{");
          if (!rows.empty()) joined += rows + "\n";
          if (!page->next) break;
          query.before = page->next;
        }
        EXPECT_EQ(joined, wanted) << (unread_only ? "unread" : "all");
      }
    }
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<Runner> runner_;
};

TEST_F(NotificationsTest, EqualANaiveModelAndARebuild) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    runner_.reset();
    world_ = std::make_unique<World>(seed);
    MemoryViewStore views;
    start(views);
    for (int round = 0; round < 12; ++round) {
      for (int i = 0; i < 40; ++i) world_->commit(world_->chance(80) ? kFirst : kSecond);
      for (const auto& [user, told] : model_of(*world_->log, kFirst)) {
        if (told.empty()) continue;
        if (world_->chance(30)) task_to_erase(user, world_->chance(60));
        for (int i = 0; i < 3; ++i) mark(NotificationRead{kFirst, user, told[world_->pick(told.size())].position});
        if (world_->chance(15)) mark(NotificationsRead{kFirst, user, told[world_->pick(told.size())].position});
        if (world_->chance(10)) mark(NotificationsRead{kFirst, user, world_->log->workspace_head(kFirst).position});
        if (world_->chance(20)) mark(NotificationRead{kFirst, user, {world_->pick(1'000)}});  // mostly of nothing
      }
      if (world_->chance(30)) {
        ASSERT_TRUE(runner_->persist());
      }
      if (world_->chance(20)) {
        wait();
        runner_->stop();
        runner_.reset();
        start(views);
      }
      compare();
    }
    wait();
    runner_->stop();
    runner_.reset();
    MemoryViewStore fresh;
    start(fresh);
    runner_->stop();
    EXPECT_EQ(views.rows("notifications"), fresh.rows("notifications"));
  }
}

// Titles are read from the log: of a task with a long history that is nothing for an io thread.
TEST_F(NotificationsTest, OfATaskWithALongHistoryAreNotAnsweredAtOnce) {
  world_ = std::make_unique<World>(4);
  MemoryViewStore views;
  start(views);
  const UserId user{world_->uuid()};
  storage::Commit commit;
  commit.workspace = kFirst;
  const Uuid id = world_->uuid();
  commit.expected.push_back({id, {}});
  const auto add = [&](const TaskEvent& event) { commit.records.push_back(record_of(id, event)); };
  TaskFields fields;
  fields.title = "first";
  fields.assigned_to = user;
  add(TaskCreated{fields});
  append(commit);
  wait();
  const NotificationsQuery query{kFirstId, user, false, {}, 20};
  ASSERT_TRUE(runner_->notifications_at_once(kFirst, query));
  EXPECT_TRUE(runner_->notifications_at_once(kFirst, query)->has_value());
  commit.records.clear();
  commit.expected = {{id, {1}}};
  for (int i = 0; i < 300; ++i) {
    TaskUpdated update;
    update.patch.title = "title " + std::to_string(i);
    add(update);
  }
  add(TaskCompleted{});
  append(commit);
  wait();
  ASSERT_TRUE(runner_->notifications_at_once(kFirst, query));
  EXPECT_FALSE(runner_->notifications_at_once(kFirst, query)->has_value());
  const auto page = runner_->notifications(kFirst, query);
  ASSERT_TRUE(page);
  EXPECT_NE(page->rows.find(R"("title":"first")"), page->rows.npos) << page->rows;
  EXPECT_NE(page->rows.find(R"("title":"title 299")"), page->rows.npos) << page->rows;
  runner_.reset();  // before the views
}

// What is noted down is counted in for all users at once: one whose counter cannot be read costs nobody anything.
TEST_F(NotificationsTest, NothingIsLostNorCountedTwiceAfterADamagedBlock) {
  world_ = std::make_unique<World>(3);
  MemoryViewStore views;
  start(views);
  for (int i = 0; i < 200; ++i) world_->commit(kFirst);
  compare();
  for (const bool frozen : {false, true}) {
    ASSERT_TRUE(runner_->persist());  // so that counters are read from the store
    for (int i = 0; i < 200; ++i) world_->commit(kFirst);
    wait();
    views.make_unreadable("notifications");
    if (frozen) {
      EXPECT_FALSE(runner_->persist());
    }
    for (const auto& [user, told] : model_of(*world_->log, kFirst))
      EXPECT_FALSE(runner_->notifications(kFirst, {kFirstId, user, false, {}, 7}));
    views.make_unreadable({});
    compare();
  }
  runner_.reset();  // before the views
}

TEST(Recipients, WhomAnEventTells) {
  const UserId actor{{{1}}}, assignee{{{2}}}, creator{{{3}}};
  Task task;
  task.created_by = creator;
  task.fields.assigned_to = assignee;
  TaskFields fields;
  fields.assigned_to = assignee;
  TaskPatch patch;
  patch.assigned_to = std::optional(assignee);
  using enum NotificationType;
  const auto told = [&](const TaskEvent& event, const UserId& by) { return recipients_of(event, by, task); };
  EXPECT_EQ(told(TaskCreated{fields}, actor), (std::vector<Recipient>{{assignee, task_assigned}}));
  EXPECT_TRUE(told(TaskCreated{fields}, assignee).empty());
  EXPECT_EQ(told(TaskUpdated{patch}, actor), (std::vector<Recipient>{{assignee, task_assigned}}));
  EXPECT_TRUE(told(TaskUpdated{patch}, assignee).empty());
  patch.assigned_to = std::optional<UserId>();
  EXPECT_TRUE(told(TaskUpdated{patch}, actor).empty());
  EXPECT_EQ(told(TaskCompleted{}, actor),
            (std::vector<Recipient>{{assignee, task_completed}, {creator, task_completed}}));
  EXPECT_EQ(told(TaskCompleted{}, assignee), (std::vector<Recipient>{{creator, task_completed}}));
  EXPECT_EQ(told(TaskCompleted{}, creator), (std::vector<Recipient>{{assignee, task_completed}}));
  task.fields.assigned_to = creator;
  EXPECT_EQ(told(TaskCompleted{}, actor), (std::vector<Recipient>{{creator, task_completed}})) << "once";
  for (const TaskEvent& event :
       {TaskEvent(TaskReopened{}), TaskEvent(TaskDeleted{}), TaskEvent(TaskRestored{}), TaskEvent(TaskErased{})}) {
    EXPECT_TRUE(told(event, actor).empty());
  }
}

TEST(NotificationIds, NameTheirPlaceAndNobodyElses) {
  const UserId user{{{9}}}, other{{{8}}};
  const WorkspaceId another = workspace_id_of("another");
  const NotificationId id = notification_id(kFirstId, user, {77});
  EXPECT_EQ(notification_position(kFirstId, user, id.value), WorkspacePosition{77});
  EXPECT_EQ(notification_position(another, user, id.value), std::nullopt);
  EXPECT_EQ(notification_position(kFirstId, other, id.value), std::nullopt);
  EXPECT_EQ(to_string(id)[14], '8');
}

}  // namespace
}  // namespace taskledger::projections
