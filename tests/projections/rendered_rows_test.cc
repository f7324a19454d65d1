// When the text of a page is made anew, and that it is then the text of the rows as they are.
#include "projections/list/rendered_rows.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "projections/list/render.h"

namespace taskledger::projections {
namespace {

Task task_at(unsigned number, std::uint32_t version) {
  Task task;
  task.lifecycle = Lifecycle::live;
  task.version = {version};
  task.id.value.bytes[15] = static_cast<std::uint8_t>(number);
  task.fields.title = "Task " + std::to_string(number) + " at " + std::to_string(version);
  return task;
}

class RenderedRowsTest : public testing::Test {
 protected:
  RenderedRowsTest() {
    for (unsigned i = 0; i < 10; ++i) image.put(task_at(i, 1));
  }
  Row row(unsigned number) const { return *image.find(task_at(number, 1).id.value); }
  // Renders the tasks; whether their text was made anew.
  bool renders(RenderedRowsPtr& rendered, const std::vector<unsigned>& numbers) {
    std::vector<Row> rows;
    for (const unsigned number : numbers) rows.push_back(row(number));
    const RenderedRowsPtr before = rendered;
    rendered = RenderedRows::of(image, rows, before);
    std::string expected;
    append_rows_json(expected, image, rows);
    EXPECT_EQ(rendered->json(), expected);
    return rendered != before;
  }
  Image image;
};

TEST_F(RenderedRowsTest, StayWhileTheirTasksDo) {
  RenderedRowsPtr rendered;
  EXPECT_TRUE(renders(rendered, {3, 1, 2}));
  EXPECT_FALSE(renders(rendered, {3, 1, 2}));
  image.put(task_at(4, 2));
  EXPECT_FALSE(renders(rendered, {3, 1, 2}));
  image.put(task_at(1, 2));
  EXPECT_TRUE(renders(rendered, {3, 1, 2}));
  EXPECT_FALSE(renders(rendered, {3, 1, 2}));
}

TEST_F(RenderedRowsTest, OfOtherTasksAreOthers) {
  RenderedRowsPtr rendered;
  EXPECT_TRUE(renders(rendered, {3, 1, 2}));
  EXPECT_TRUE(renders(rendered, {1, 3, 2}));
  EXPECT_TRUE(renders(rendered, {1, 3}));
  EXPECT_TRUE(renders(rendered, {1, 3, 2}));
  EXPECT_TRUE(renders(rendered, {}));
  EXPECT_FALSE(renders(rendered, {}));
}

TEST_F(RenderedRowsTest, AreMadeAnewWhereARowIsAnotherTasks) {
  RenderedRowsPtr rendered;
  EXPECT_TRUE(renders(rendered, {1, 2}));
  const Row at = row(2);
  ASSERT_TRUE(image.remove(task_at(2, 1).id));
  image.put(task_at(20, 1));
  ASSERT_EQ(row(20), at);  // the place of the task that is gone
  EXPECT_TRUE(renders(rendered, {1, 20}));
}

TEST_F(RenderedRowsTest, WhatWasGivenOutStays) {
  RenderedRowsPtr rendered;
  EXPECT_TRUE(renders(rendered, {1}));
  const RenderedRowsPtr before = rendered;
  const std::string text = before->json();
  image.put(task_at(1, 2));
  EXPECT_TRUE(renders(rendered, {1}));
  EXPECT_EQ(before->json(), text);
  EXPECT_GT(rendered->bytes(), rendered->json().size());
}

}  // namespace
}  // namespace taskledger::projections
