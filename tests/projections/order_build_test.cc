// Orders built aside, piece by piece, while the image changes: as if they had been built at once from what it became.
#include "projections/image/order_build.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace taskledger::projections {
namespace {

constexpr Field kFields[] = {Field::title,          Field::priority,   Field::action_type, Field::is_completed,
                             Field::assigned_to_id, Field::created_at, Field::updated_at,  Field::completed_at};

class Changes {
 public:
  explicit Changes(unsigned seed) : random_(seed) {
    for (auto& user : users_) user = {uuid()};
  }
  // A new task, a changed one, or one less.
  void change(Image& image) {
    if (!ids_.empty() && pick(4) == 0) {
      const std::size_t at = pick(ids_.size());
      image.remove(ids_[at]);
      ids_.erase(ids_.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    }
    Task task;
    task.lifecycle = Lifecycle::live;
    task.version = {1};
    task.id = !ids_.empty() && pick(2) == 0 ? ids_[pick(ids_.size())] : add();
    task.fields.title = std::string(kTitles[pick(std::size(kTitles))]) + (pick(2) == 0 ? "" : std::to_string(pick(50)));
    if (pick(5) != 0) task.fields.priority = static_cast<Priority>(1 + pick(3));
    if (pick(5) != 0) task.fields.action_type = static_cast<ActionType>(1 + pick(5));
    if (pick(5) != 0) task.fields.assigned_to = users_[pick(std::size(users_))];
    task.created_by = users_[0];
    task.created_at = {static_cast<std::int64_t>(1000 + pick(40))};
    task.updated_at = {static_cast<std::int64_t>(2000 + pick(40))};
    if (pick(3) == 0) task.completed_at = Timestamp{static_cast<std::int64_t>(3000 + pick(40))};
    image.put(task);
  }
  std::size_t pick(std::size_t below) { return random_() % below; }

 private:
  static constexpr const char* kTitles[] = {
      "",         "a",        "A",         "Straße 7",         "STRASSE 7",
      "abcdefgh", "Abcdefgh", "abcdefghi", "abcdefghijklmnop", "abcdefghijklmnopq "};
  Uuid uuid() {
    Uuid id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
    return id;
  }
  TaskId add() { return ids_.emplace_back(TaskId{uuid()}); }

  std::mt19937 random_;
  UserId users_[7];
  std::vector<TaskId> ids_;
};

std::vector<Uuid> ids_in(const Image& image, const OrderTree& tree) {
  std::vector<Uuid> ids;
  for (auto place = tree.begin(); place != tree.end(); tree.advance(place)) ids.push_back(image.id[tree.row(place)]);
  return ids;
}

TEST(OrderBuild, IsTheOrderOfWhatTheImageBecame) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    for (const Field field : kFields) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << name_of(field));
      Changes changes(seed);
      Image image;
      // More rows than a piece now and then, so that changes fall between pieces.
      const std::size_t tasks = seed == 1 ? OrderBuild::kPiece + 500 : 300;
      while (image.tasks() < tasks) changes.change(image);
      const auto disturb = [&] {
        for (int i = 0; i < 40; ++i) changes.change(image);
      };
      OrderBuild build(field);
      build.begin(image);
      disturb();
      while (build.copy(image)) disturb();
      build.sort();
      disturb();
      build.publish(image);
      ASSERT_TRUE(image.has_order(field));
      disturb();  // the order that serves is kept up
      Image again;
      for (Row row = 0; row < image.rows(); ++row) {
        if (image.is_live(row)) again.put(image.task(row));
      }
      ASSERT_EQ(ids_in(image, image.ensure_order(field)), ids_in(again, again.ensure_order(field)));
    }
  }
}

TEST(OrderBuild, IsAskedForOnceAndThenServes) {
  Image image;
  Changes changes(1);
  for (int i = 0; i < 100; ++i) changes.change(image);
  EXPECT_FALSE(image.wants_orders());
  image.want_order(Field::title);
  ASSERT_EQ(image.wanted_order(), Field::title);
  OrderBuild build(Field::title);
  build.begin(image);
  while (build.copy(image)) {
  }
  build.sort();
  build.publish(image);
  EXPECT_FALSE(image.wants_orders());
}

}  // namespace
}  // namespace taskledger::projections
