// One workspace's live tasks in memory, by columns: what every list, count and statistic is answered from. A task is a
// row (a number, used again after a deletion); users and linked entities are numbered in dictionaries that only grow.
// Beside the columns stand sorted sequences (order_tree.h): by due time for the workspace, for every assignee and every
// linked entity, by completion time for the workspace and every assignee, and by any other sort field soon after its
// first use.
// Threads: as a container (workspaces.h locks it); ensure_order() and want_order() may be called by readers at the same
// time, load() by those who load.
// Memory: about 150 bytes a task, its title twice (as it is and folded), 20 bytes a link (docs/read-models.md has
// the table).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/filter.h"
#include "core/task.h"
#include "projections/image/cells.h"
#include "projections/image/changed_tasks.h"
#include "projections/image/column.h"
#include "projections/image/nulls.h"
#include "projections/image/order_tree.h"
#include "projections/image/pair_set.h"
#include "projections/image/uuid_index.h"

namespace taskledger::projections {

using Row = std::uint32_t;

struct User {
  Uuid id;
  char text[36];
};

// A linked entity: the tasks that have a link to it, by due time (each once, whatever the types of its links).
struct Entity {
  Uuid id;
  OrderTree by_due;
  std::uint32_t links[4] = {};  // by type
  std::uint64_t changed = 0;    // Image::changed(), when one of its tasks last did
};
// A link in a row: entity number * 4 + type.
using PackedLink = std::uint32_t;
[[nodiscard]] constexpr std::uint32_t entity_of(PackedLink link) { return link >> 2; }
[[nodiscard]] constexpr EntityType type_of(PackedLink link) { return static_cast<EntityType>(link & 3); }

class Image {
 public:
  Image();
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  // Loading: says how many tasks there will be, gives all of them in parts, and then finish() once. Parts may be loaded
  // by several threads at once; each begins at a multiple of kLoadedTogether rows.
  static constexpr Row kLoadedTogether = RowLists<char>::kRows;
  static constexpr Row kWorthAThread =
      50'000;  // rows from which a second thread is worth bringing, here and in finish()
  void begin_load(Row tasks);
  void load(Row first, std::span<const Task> tasks);
  void finish();

  void put(const Task& task);       // a live task, new or changed
  bool remove(const TaskId& task);  // false: there is none

  // Columns alone, for images that are scanned and never walked (past/): a task in any state, new or changed; one that
  // is not live keeps its row, with its bit in `live` off. `row` is what find() says of it. Not to be mixed with put()
  // and remove().
  Row store(const Task& task, std::optional<Row> row);
  [[nodiscard]] bool columns_only() const { return columns_only_; }
  // For copying another image into one of columns alone, piece by piece: room for the rows; rows, which then refer to
  // users and entities by the other's numbers; these with append_names(), at most `limit` at a time, until it says that
  // all are there, before anything is stored; and a place in the index for each row that is to be found.
  void reserve(std::size_t tasks);
  void append_rows(const Image& from, std::span<const Row> rows);
  [[nodiscard]] bool append_names(const Image& from, std::size_t limit);
  void index_row(Row row);
  // A row for a task of which nothing is known yet: not live.
  Row append_unknown(const Uuid& task);
  // That this task, with these links, will be looked for soon.
  TASKLEDGER_INLINED void prefetch(const Uuid& task, const std::vector<Link>& links) const {
    row_index_.prefetch(task);
    for (const Link& link : links) entity_index_.prefetch(link.id.value);
  }

  // The same in two steps, each of which has time to come true before the next: what find() reads first, and then.
  TASKLEDGER_INLINED void prefetch_slot(const Uuid& task) const { row_index_.prefetch(task); }
  TASKLEDGER_INLINED void prefetch_id(const Uuid& task) const {
    if (const auto row = row_index_.likely(task)) prefetch_line(&id[*row]);
  }
  // The second step for an entity; prefetch() is the first.
  TASKLEDGER_INLINED void prefetch_entity(const Uuid& entity) const {
    if (const auto number = entity_index_.likely(entity)) prefetch_line(&entities[*number].id);
  }

  [[nodiscard]] std::optional<Row> find(const Uuid& task) const;
  [[nodiscard]] Task task(Row row) const;
  void read_task(Row row, Task& task) const;  // uses the room that it has
  [[nodiscard]] std::uint32_t tasks() const { return by_due.size(); }
  [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(id.size()); }
  [[nodiscard]] bool is_live(Row row) const { return live[row / 64] >> (row % 64) & 1; }
  [[nodiscard]] std::optional<std::uint32_t> user_number(const Uuid& user) const;
  [[nodiscard]] const Entity* entity(const Uuid& entity) const;
  [[nodiscard]] std::optional<std::uint32_t> entity_number(const Uuid& entity) const;

  // The sequence by a sort field (nulls last, equal ones by id), built on first use; due_date is always there.
  [[nodiscard]] const OrderTree& ensure_order(Field field) const;
  [[nodiscard]] bool has_order(Field field) const;
  [[nodiscard]] std::size_t bytes_of_order(Field field) const;  // 0: it is not there
  // For building orders aside (order_build.h). Readers ask for one; the builder has changes noted, under the shared
  // lock, and hands the order over, under the exclusive lock, with the rows that changed meanwhile left out.
  void want_order(Field field) const { wanted_.fetch_or(1u << static_cast<unsigned>(field)); }
  [[nodiscard]] bool wants_orders() const { return wanted_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] std::optional<Field> wanted_order() const;
  void note_changes() const { noting_ = true; }
  [[nodiscard]] std::vector<Row> take_noted_changes();  // each once; ends the noting
  void adopt_order(Field field, OrderTree&& order, std::span<const Row> joining);
  [[nodiscard]] std::uint64_t serial() const { return serial_; }    // of this image among all there ever were
  [[nodiscard]] std::uint64_t changed() const { return changed_; }  // counts the changes of its tasks
  [[nodiscard]] std::size_t bytes() const;

  // Columns, by row. Of rows that are not live they hold zeros and empty lists.
  Column<Uuid> id;
  Column<std::int64_t> due, created, updated, completed;  // ms, or kNoTime
  Column<std::uint32_t> version, assignee, created_by, completed_by;
  Column<std::uint16_t> cell;
  Column<std::uint8_t> plain;       // the title needs no escapes in JSON
  Column<std::uint64_t> title_key;  // the first 8 bytes of the folded title, as a number that sorts like them
  Column<PairSet> title_pairs;      // of the folded title
  RowLists<char> title, folded;     // folded: with a NUL after each, which no title holds
  RowLists<PackedLink> links;
  Column<std::uint64_t> live;  // a bit a row

  std::deque<User> users;       // by number; 0 is nobody
  std::deque<Entity> entities;  // by number
  struct OfUser {
    OrderTree by_due, by_completed;
    std::uint64_t changed = 0;  // Image::changed(), when one of the tasks last did
  };
  std::deque<OfUser> of_user;      // by assignee; 0: the unassigned
  OrderTree by_due, by_completed;  // by_completed: completed tasks only

  // Tasks changed since the last freeze, with what the rows on disk still say of them, or will once the frozen ones are
  // there.
  ChangedTasks dirty;

  // For writing rows of one state while the image goes on: the tasks that had changed when it was frozen, and of those
  // that have changed again since, what they were then (absent: not there). Only the one who writes rows takes from it.
  struct Frozen {
    ChangedTasks changed;
    std::unordered_map<Uuid, std::optional<Task>> then;
  } frozen;
  void freeze();  // of the ones before nothing is left

 private:
  struct Change;
  Row allocate();
  std::uint32_t intern_user(const Uuid& user);
  std::uint32_t intern_entity(const Uuid& entity);
  PackedLink pack(const Link& link);
  void write(Row row, const Task& task, const Change& change);
  void write_values(Row row, const Task& task, std::uint16_t new_cell);
  void load_titles(Row first, std::span<const Task> tasks);
  void describe_title(Row row, std::string_view text, std::string_view folded_text);
  void compare(Row row, const Task& task, Change& change) const;
  void write_title(Row row, std::string_view title);
  void detach(Row row, const Change& change);
  void attach(Row row, const Change& change);
  void change_cells(Row row, std::uint16_t old_cell, const Change& change);
  void remember(Row row);
  bool note_change(const Uuid& task, const Baseline& baseline);
  void touch(Row row);
  void detach_links(Row row);
  void attach_links(Row row);

  bool columns_only_ = false;
  UuidIndex row_index_, user_index_, entity_index_;
  std::mutex naming_;  // of users, entities and the indexes, while several threads load
  std::vector<Row> free_;
  mutable std::mutex building_;
  mutable std::array<std::atomic<OrderTree*>, 16> orders_{};
  mutable std::atomic<std::uint32_t> wanted_{0};  // a bit a field
  mutable bool noting_ = false;                   // read under the exclusive lock, set under either
  std::vector<Row> noted_;
  const std::uint64_t serial_;
  std::uint64_t changed_ = 0;
  std::string fold_buffer_;
  std::vector<PackedLink> link_buffer_;
};

}  // namespace taskledger::projections
