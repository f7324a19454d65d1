#include "projections/image_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "projections/list/list_row.h"

namespace taskledger::projections {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

Uuid uuid(unsigned kind, unsigned number) {
  return uuid_of({std::uint64_t{kind} << 32 | number, 0x9e3779b97f4a7c15ull * (number + 1)});
}

std::vector<Task> some_tasks(unsigned count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
  std::vector<Task> tasks(count);
  for (unsigned i = 0; i < count; ++i) {
    Task& task = tasks[i];
    task.id = {uuid(1, i)};
    task.lifecycle = Lifecycle::live;
    task.version = {1 + below(9)};
    task.created_at = {1'000 + below(100)};
    task.updated_at = {2'000 + below(100)};
    task.created_by = {uuid(2, below(7))};
    TaskFields& fields = task.fields;
    constexpr const char* kTitles[] = {"", "Call ADA", "Zoë", "a \"quoted\" title", "Überprüfen", "x"};
    fields.title = kTitles[below(6)] + std::string(below(30), 'Q');
    if (below(3) != 0) fields.due_date = Timestamp{5'000 + below(50)};
    if (below(3) != 0) fields.priority = static_cast<Priority>(1 + below(3));
    if (below(3) != 0) fields.action_type = static_cast<ActionType>(1 + below(5));
    if (below(4) != 0) fields.assigned_to = UserId{uuid(2, below(7))};
    for (unsigned links = below(4); links > 0; --links)
      fields.links.push_back({{uuid(3, below(count / 4 + 1))}, static_cast<EntityType>(1 + below(3))});
    if (below(3) == 0) {
      task.completed_at = Timestamp{3'000 + below(100)};
      if (below(2) == 0) task.completed_by = UserId{uuid(2, below(7))};
    }
  }
  return tasks;
}

Rows rows_of(const std::vector<Task>& tasks) {
  Rows rows;
  for (const Task& task : tasks) rows.emplace_back(list_key({4}, task.id), list_value(task));
  return rows;
}

std::vector<Uuid> ids(const Image& image, const OrderTree& tree) {
  std::vector<Uuid> ids;
  for (auto place = tree.begin(); place != tree.end(); tree.advance(place)) ids.push_back(image.id[tree.row(place)]);
  return ids;
}

void expect_same(const Image& loaded, const Image& put, const std::vector<Task>& tasks) {
  ASSERT_EQ(loaded.tasks(), tasks.size());
  for (const Task& task : tasks) {
    const auto row = loaded.find(task.id.value), other = put.find(task.id.value);
    ASSERT_TRUE(row && other);
    ASSERT_TRUE(loaded.is_live(*row));
    const Task there = loaded.task(*row);
    ASSERT_EQ(list_value(there), list_value(task));
    ASSERT_EQ(there.id, task.id);
    ASSERT_EQ(loaded.cell[*row], put.cell[*other]);
    ASSERT_EQ(loaded.plain[*row], put.plain[*other]);
    ASSERT_EQ(loaded.title_key[*row], put.title_key[*other]);
    ASSERT_EQ(loaded.title_pairs[*row].low, put.title_pairs[*other].low);
    ASSERT_EQ(loaded.title_pairs[*row].high, put.title_pairs[*other].high);
    ASSERT_TRUE(std::ranges::equal(loaded.folded[*row], put.folded[*other]));
  }
  EXPECT_EQ(ids(loaded, loaded.by_due), ids(put, put.by_due));
  EXPECT_EQ(ids(loaded, loaded.by_completed), ids(put, put.by_completed));
  ASSERT_EQ(loaded.users.size(), put.users.size());
  const auto same_of_user = [&](std::uint32_t here, std::uint32_t there) {
    EXPECT_EQ(ids(loaded, loaded.of_user[here].by_due), ids(put, put.of_user[there].by_due));
    EXPECT_EQ(ids(loaded, loaded.of_user[here].by_completed), ids(put, put.of_user[there].by_completed));
  };
  same_of_user(kNoUser, kNoUser);
  for (const User& user : loaded.users) {
    const auto here = loaded.user_number(user.id), there = put.user_number(user.id);
    if (&user == &loaded.users[kNoUser]) continue;  // nobody, who has no id
    ASSERT_TRUE(here && there);
    same_of_user(*here, *there);
  }
  ASSERT_EQ(loaded.entities.size(), put.entities.size());
  for (const Entity& entity : loaded.entities) {
    const Entity* other = put.entity(entity.id);
    ASSERT_NE(other, nullptr);
    ASSERT_EQ(ids(loaded, entity.by_due), ids(put, other->by_due));
    ASSERT_TRUE(std::ranges::equal(entity.links, other->links));
  }
}

class LoadedImage : public testing::TestWithParam<unsigned> {};

TEST_P(LoadedImage, IsThatOfItsTasksPut) {
  std::vector<Task> tasks = some_tasks(GetParam(), 3);
  Image loaded, put;
  ImageLoader loader(loaded, GetParam());
  for (const auto& [key, value] : rows_of(tasks)) ASSERT_TRUE(loader.add(key, value));
  ASSERT_TRUE(loader.finish());
  for (const Task& task : tasks) put.put(task);
  expect_same(loaded, put, tasks);
  EXPECT_LE(loaded.bytes(), put.bytes() + put.bytes() / 4 + 4096);
  // And it goes on as any other.
  std::mt19937_64 random(5);
  const std::vector<Task> changes = some_tasks(GetParam(), 7);
  for (unsigned i = 0; i < GetParam(); i += 1 + random() % 97) {
    tasks[i] = changes[i];
    loaded.put(tasks[i]);
    put.put(tasks[i]);
  }
  tasks.push_back(some_tasks(GetParam() + 1, 9).back());
  loaded.put(tasks.back());
  put.put(tasks.back());
  if (tasks.size() > 2) {
    loaded.remove(tasks.front().id);
    put.remove(tasks.front().id);
    tasks.erase(tasks.begin());
  }
  expect_same(loaded, put, tasks);
}

// None, less than a block, a block, a batch and a bit; and enough for a second thread.
INSTANTIATE_TEST_SUITE_P(Sizes, LoadedImage, testing::Values(0u, 1u, 255u, 256u, 513u, 1025u, 60'001u));

TEST(ImageLoader, RefusesDamagedRowsAndAnotherNumberOfThem) {
  for (const unsigned count : {300u, 60'000u}) {
    const Rows whole = rows_of(some_tasks(count, 1));
    const auto loads = [](const Rows& rows, unsigned expected) {
      Image image;
      ImageLoader loader(image, expected);
      for (const auto& [key, value] : rows) {
        if (!loader.add(key, value)) return false;
      }
      return loader.finish();
    };
    EXPECT_TRUE(loads(whole, count));
    EXPECT_FALSE(loads(whole, count - 1));
    EXPECT_FALSE(loads(whole, count + 1));
    for (const std::size_t at : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
      Rows damaged = whole;
      damaged[at].second.pop_back();
      EXPECT_FALSE(loads(damaged, count)) << at << " of " << count;
    }
  }
}

TEST(ImageLoader, MayBeLeftUnfinished) {
  const Rows rows = rows_of(some_tasks(60'000, 1));
  Image image;
  ImageLoader loader(image, 60'000);
  for (std::size_t i = 0; i < 30'000; ++i) ASSERT_TRUE(loader.add(rows[i].first, rows[i].second));
}

}  // namespace
}  // namespace taskledger::projections
