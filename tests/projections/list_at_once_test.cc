// Which pages an io thread may make: those that take looking at few rows, however many tasks there are.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "projections/image/image.h"
#include "projections/list/list_query.h"

namespace taskledger::projections {
namespace {

constexpr unsigned kTasks = 60'000;

Task task_at(unsigned i, bool completed) {
  Task task;
  for (int byte = 0; byte < 4; ++byte) task.id.value.bytes[12 + byte] = static_cast<std::uint8_t>(i >> (24 - 8 * byte));
  task.lifecycle = Lifecycle::live;
  task.fields.title = std::to_string(i);
  task.created_at = {i};
  if (completed) task.completed_at = Timestamp{i};
  return task;
}

struct Asked {
  bool at_once;
  ListPage page;  // of answer_list(), and the same at once
};
Asked ask(const Image& image, const ListQuery& query) {
  Validity validity;
  RenderedRowsPtr rows, rows_at_once;
  Asked asked{false, answer_list(image, query, validity, rows)};
  if (const auto page = answer_list_at_once(image, query, validity, rows_at_once)) {
    asked.at_once = true;
    EXPECT_EQ(*page->rows, *asked.page.rows);
    EXPECT_EQ(page->total, asked.page.total);
    EXPECT_EQ(page->next, asked.page.next);
  }
  return asked;
}

ListQuery newest(Mode mode) {
  ListQuery query;
  query.mode = mode;
  query.order = {{Field::created_at, true}};
  return query;
}

TEST(ListAtOnce, MatchesFarFromWhereAWalkBeginsAreAWorkersToFind) {
  Image image;
  for (unsigned i = 0; i < kTasks; ++i) image.put(task_at(i, i < kTasks / 5 * 4));
  (void)image.ensure_order(Field::created_at);
  const auto open = ask(image, newest(Mode::all));
  EXPECT_TRUE(open.at_once);
  const auto completed = ask(image, newest(Mode::completed));
  EXPECT_EQ(completed.page.total, kTasks / 5 * 4);
  EXPECT_NE(completed.page.rows->find("\"title\":\"" + std::to_string(kTasks / 5 * 4 - 1) + '"'), std::string::npos);
  EXPECT_FALSE(completed.at_once) << "the newest 12,000 are open";
  ListQuery oldest = newest(Mode::completed);
  oldest.order[0].descending = false;
  EXPECT_TRUE(ask(image, oldest).at_once);
}

TEST(ListAtOnce, FewMatchesOrSpreadOnesAreFoundAtOnce) {
  Image image;
  for (unsigned i = 0; i < kTasks; ++i) image.put(task_at(i, i % 100 == 0));
  (void)image.ensure_order(Field::created_at);
  EXPECT_TRUE(ask(image, newest(Mode::completed)).at_once);
  Image few;
  for (unsigned i = 0; i < kTasks; ++i) few.put(task_at(i, i < 1000));
  (void)few.ensure_order(Field::created_at);
  const auto found = ask(few, newest(Mode::completed));
  EXPECT_EQ(found.page.total, 1000u);
  EXPECT_TRUE(found.at_once);
}

}  // namespace
}  // namespace taskledger::projections
