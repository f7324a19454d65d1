// A random world for model-based tests: workspaces whose tasks are changed by random commands through the decider into
// a log, with a naive copy of every task beside it; random queries, and their answers by walking all tasks. Values come
// from small pools, so that ties, shared links and equal titles abound. Everything follows from the seed.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/decider.h"
#include "core/notification.h"
#include "core/query.h"
#include "core/text.h"
#include "projections/read_models.h"
#include "storage/memory_event_log.h"

namespace taskledger::projections {

inline constexpr std::int64_t kStart = 1'700'000'000'000;

// A query as text, for failures.
inline std::string describe(const FilterGroup& group) {
  std::string out = group.any ? "any(" : "all(";
  for (const FilterNode& node : group.children) {
    if (const auto* inner = std::get_if<std::unique_ptr<FilterGroup>>(&node)) {
      out += describe(**inner) + " ";
      continue;
    }
    const auto& one = std::get<Condition>(node);
    out += std::string(one.negated ? "!" : "") + std::string(name_of(one.field)) + "/" +
           std::to_string(static_cast<int>(one.test)) + "[" + std::to_string(one.low) + "," + std::to_string(one.high) +
           "," + std::to_string(one.codes) + "," + (one.texts.empty() ? "" : one.texts[0]) + "] ";
  }
  return out + ")";
}
inline std::string describe(const ListQuery& query) {
  std::string out = "mode " + std::to_string(static_cast<int>(query.mode)) + " now " + std::to_string(query.now.ms);
  if (query.assigned_to) out += " assignee " + to_string(*query.assigned_to);
  if (query.priority) out += " priority " + std::string(name_of(*query.priority));
  if (query.action_type) out += " action " + std::string(name_of(*query.action_type));
  if (query.linked_entity_id) out += " entity " + to_string(*query.linked_entity_id);
  if (query.linked_entity_type) out += " type " + std::string(name_of(*query.linked_entity_type));
  if (query.filters) out += " filters " + describe(*query.filters);
  for (const std::string& word : query.search) out += " search '" + word + "'";
  for (const SortKey& key : query.order)
    out += " by " + std::string(name_of(key.field)) + (key.descending ? " desc" : "");
  return out + " limit " + std::to_string(query.limit);
}

class World {
 public:
  using Tasks = std::map<TaskId, Task>;

  explicit World(std::uint64_t seed) : random_(seed) {
    log = storage::make_memory_event_log([this] { return Timestamp{clock_.load()}; });
    for (int i = 0; i < 12; ++i) users_.push_back({uuid()});
    for (int i = 0; i < 9; ++i) entities_.push_back({uuid()});
    for (int i = 0; i < 25; ++i)
      due_pool_.push_back(kStart + static_cast<std::int64_t>(pick(40)) * 6'000'000 - 120'000'000);
  }

  // An event as it was appended.
  struct Happened {
    WorkspaceNumber workspace;
    TaskId task;
    Timestamp time;
    UserId actor;
    TaskEvent event;
  };

  std::unique_ptr<storage::EventLog> log;
  std::map<WorkspaceNumber, Tasks> live;  // the model
  std::vector<Happened> history;
  bool imports = false;  // some commits are imports, with times of their own: never backwards within a task

  [[nodiscard]] Timestamp now() const { return {clock_.load()}; }

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool chance(unsigned percent) { return pick(100) < percent; }
  Uuid uuid() {
    Uuid id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
    return id;
  }

  // One to three random commands on tasks of a workspace as one commit.
  void commit(WorkspaceNumber workspace) {
    storage::Commit commit;
    commit.workspace = workspace;
    commit.actor = users_[pick(users_.size())];
    std::set<TaskId> touched;
    const auto count = chance(80) ? 1 : 1 + pick(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      const TaskId id = chance(45) || all_[workspace].empty() ? TaskId{uuid()} : some_task(workspace);
      if (!touched.insert(id).second) continue;
      add(commit, id);
    }
    if (commit.records.empty()) return;
    if (imports && chance(25)) import(commit);
    const std::vector<storage::NewRecord> records = commit.records;
    const UserId actor = commit.actor;
    std::optional<storage::Appended> appended;
    clock_ += static_cast<std::int64_t>(pick(3)) * 700;
    log->append(std::move(commit), [&](const storage::EventLog::Appending& done) {
      if (done) appended = *done;
    });
    if (!appended) throw std::logic_error("the log refused a commit");
    for (const storage::NewRecord& record : records) {
      Task& task = all_[workspace][{record.stream}];
      const auto event = parse_event_data(static_cast<EventType>(record.type), record.payload);
      const Timestamp time = record.time.value_or(appended->time);
      history.push_back({workspace, {record.stream}, time, actor, *event});
      evolve(task, {record.stream}, task.version.next(), time, actor, *event);
      if (task.lifecycle == Lifecycle::live) {
        live[workspace][task.id] = task;
      } else {
        live[workspace].erase(task.id);
      }
    }
  }

  // Erases some deleted task, if there is one.
  void erase(WorkspaceNumber workspace) {
    for (auto& [id, task] : all_[workspace]) {
      if (task.lifecycle != Lifecycle::deleted || chance(70)) continue;
      storage::Commit commit;
      commit.workspace = workspace;
      commit.actor = users_[0];
      commit.expected = {{id.value, task.version}};
      commit.erase = {id.value};
      commit.records.push_back({.stream = id.value,
                                .type = static_cast<std::uint8_t>(EventType::task_erased),
                                .payload = "{}",
                                .time = {},
                                .id = {},
                                .trace = {}});
      log->append(std::move(commit), [](const storage::EventLog::Appending&) {});
      history.push_back({workspace, id, now(), users_[0], TaskErased{}});
      return evolve(task, id, task.version.next(), now(), users_[0], TaskErased{});
    }
  }

  // Somebody reads notifications.
  void mark(const NotificationEvent& event) {
    storage::Commit commit;
    const Uuid stream = uuid();
    commit.expected.push_back({stream, {}});
    commit.records.push_back({.stream = stream,
                              .type = storage::kSystemRecord,
                              .payload = notification_payload(event),
                              .time = {},
                              .id = {},
                              .trace = {}});
    log->append(std::move(commit), [](const storage::EventLog::Appending& done) {
      if (!done) throw std::logic_error("the log refused a mark");
    });
  }

  // The live tasks as they were, by folding everything that happened; the erased ones have no past.
  [[nodiscard]] Tasks as_of(WorkspaceNumber workspace, Timestamp at) const {
    Tasks tasks;
    std::set<TaskId> erased;
    for (const Happened& one : history) {
      if (one.workspace != workspace) continue;
      if (std::holds_alternative<TaskErased>(one.event)) erased.insert(one.task);
      if (one.time > at) continue;
      Task& task = tasks[one.task];
      evolve(task, one.task, task.version.next(), one.time, one.actor, one.event);
    }
    std::erase_if(tasks, [&](const auto& entry) {
      return entry.second.lifecycle != Lifecycle::live || erased.contains(entry.first);
    });
    return tasks;
  }

  ListQuery list_query() {
    ListQuery query;
    query.mode = static_cast<Mode>(pick(5));
    if (chance(40)) query.mode = Mode::all;
    query.now = {kStart + static_cast<std::int64_t>(pick(100)) * 1'000'000};
    query.today = {{query.now.ms - 40'000'000}, {query.now.ms + 46'400'000}};
    if (chance(35)) query.assigned_to = chance(95) ? users_[pick(users_.size())] : UserId{uuid()};
    if (chance(25)) query.priority = static_cast<Priority>(1 + pick(3));
    if (chance(20)) query.action_type = static_cast<ActionType>(1 + pick(5));
    if (chance(25)) query.linked_entity_id = chance(95) ? entities_[skewed(entities_.size())] : EntityId{uuid()};
    if (chance(25)) query.linked_entity_type = static_cast<EntityType>(1 + pick(3));
    if (chance(35)) query.filters = group(0);
    if (chance(25)) query.search = words();
    query.order.clear();
    std::vector<Field> fields{Field::due_date,    Field::title,        Field::priority,
                              Field::action_type, Field::is_completed, Field::assigned_to_id,
                              Field::created_at,  Field::updated_at,   Field::completed_at};
    std::shuffle(fields.begin(), fields.end(), random_);
    const auto keys = chance(60) ? 1 : 1 + pick(5);
    for (std::uint64_t i = 0; i < keys; ++i) query.order.push_back({fields[i], chance(50)});
    query.limit = static_cast<std::uint32_t>(1 + pick(chance(50) ? 5 : 100));
    return query;
  }
  // One of a few that are asked again and again, now at a time of its own and now at the last one's.
  ListQuery& repeated_list_query() {
    if (repeated_.size() < 12) {
      ListQuery& added = repeated_.emplace_back(list_query());
      added.meaning.emplace().fill(static_cast<std::uint8_t>(repeated_.size()));
      return added;
    }
    ListQuery& query = repeated_[pick(repeated_.size())];
    query.after.reset();
    if (chance(40)) query.now.ms = kStart + static_cast<std::int64_t>(pick(100)) * 1'000'000;
    if (chance(40)) query.now.ms += static_cast<std::int64_t>(pick(3));  // on a due time, or just past it
    if (chance(20)) query.today = {{query.now.ms - 40'000'000}, {query.now.ms + 46'400'000}};
    if (chance(20)) query.limit = static_cast<std::uint32_t>(1 + pick(10));
    return query;
  }
  StatsQuery stats_query() {
    StatsQuery query;
    if (chance(75)) query.user = chance(95) ? users_[pick(users_.size())] : UserId{uuid()};
    query.now = {kStart + static_cast<std::int64_t>(pick(100)) * 1'000'000};
    query.day = {{query.now.ms - 40'000'000}, {query.now.ms + 46'400'000}};
    query.week = {{query.day.begin.ms - 200'000'000}, {query.day.end.ms + 300'000'000}};
    return query;
  }
  // Asked again and again, at instants of one of two days, for some users or all: what is remembered of an answer.
  StatsQuery repeated_stats_query() {
    StatsQuery query;
    if (chance(50)) query.user = users_[pick(2)];
    const auto day = static_cast<std::int64_t>(pick(2));
    query.day = {{kStart + day * 86'400'000}, {kStart + (day + 1) * 86'400'000}};
    query.week = {{kStart - 200'000'000}, {kStart + 300'000'000}};
    query.now = {query.day.begin.ms + static_cast<std::int64_t>(pick(2)) * 40'000'000};
    return query;
  }

  // The whole list that pages of the query add up to, and the statistics, by looking at every task.
  static std::vector<const Task*> expected(const Tasks& tasks, const ListQuery& query) {
    std::vector<std::pair<SortPosition, const Task*>> found;
    for (const auto& [id, task] : tasks) {
      if (matches(query, task)) found.emplace_back(sort_position(task, query.order), &task);
    }
    std::sort(found.begin(), found.end(),
              [&](const auto& a, const auto& b) { return compare(a.first, b.first, query.order) < 0; });
    std::vector<const Task*> list;
    for (const auto& one : found) list.push_back(one.second);
    return list;
  }
  static Stats expected(const Tasks& tasks, const StatsQuery& query) {
    Stats stats;
    const auto within = [](const std::optional<Timestamp>& time, const TimeRange& range) {
      return time && range.begin <= *time && *time < range.end;
    };
    for (const auto& [id, task] : tasks) {
      if (query.user && task.fields.assigned_to != *query.user) continue;
      ++stats.total;
      stats.completed += task.is_completed();
      stats.completed_today += within(task.completed_at, query.day);
      stats.remaining_today += !task.is_completed() && within(task.fields.due_date, query.day);
      stats.overdue += !task.is_completed() && task.fields.due_date && *task.fields.due_date < query.now;
      stats.this_week += within(task.fields.due_date, query.week);
    }
    return stats;
  }

 private:
  std::deque<ListQuery> repeated_;
  void import(storage::Commit& commit) {
    commit.imported = true;
    std::map<Uuid, std::int64_t> last;
    for (storage::NewRecord& record : commit.records) {
      const std::int64_t before = std::max(kStart, all_[commit.workspace][{record.stream}].updated_at.ms);
      const auto drawn = before + static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(clock_ - before) + 1));
      std::int64_t& time = last.try_emplace(record.stream, drawn).first->second;
      record.time = Timestamp{time};
    }
  }
  std::uint64_t skewed(std::uint64_t below) { return std::min(pick(below), pick(below)); }
  TaskId some_task(WorkspaceNumber workspace) {
    auto& tasks = all_[workspace];
    auto at = tasks.lower_bound({uuid()});
    return at == tasks.end() ? tasks.begin()->first : at->first;
  }

  void add(storage::Commit& commit, const TaskId& id) {
    const Task& state = all_[commit.workspace][id];
    const auto events = decide(state, command(state));
    if (!events || events->empty()) return;
    commit.expected.push_back({id.value, state.version});
    for (const TaskEvent& event : *events)
      commit.records.push_back({.stream = id.value,
                                .type = static_cast<std::uint8_t>(type_of(event)),
                                .payload = event_data(event),
                                .time = {},
                                .id = {},
                                .trace = {},
                                .before = before_restoring(state, event),
                                .event = chance(50) ? std::make_shared<const TaskEvent>(event) : nullptr});
  }

  // Comes with some; others are folded from the log.
  std::shared_ptr<const Task> before_restoring(const Task& state, const TaskEvent& event) {
    if (!std::holds_alternative<TaskRestored>(event) || !chance(70)) return nullptr;
    return std::make_shared<const Task>(state);
  }

  TaskCommand command(const Task& state) {
    if (state.lifecycle == Lifecycle::absent) return CreateTask{fields()};
    if (state.lifecycle == Lifecycle::deleted) return RestoreTask{};
    const auto what = pick(100);
    if (what < 12) return DeleteTask{};
    if (what < 40) return CompleteTask{chance(70)};
    TaskPatch patch;
    const TaskFields other = fields();
    if (chance(35)) patch.title = other.title;
    if (chance(35)) patch.due_date = other.due_date;
    if (chance(35)) patch.priority = other.priority;
    if (chance(35)) patch.action_type = other.action_type;
    if (chance(35)) patch.assigned_to = other.assigned_to;
    if (chance(35) || patch.empty()) patch.links = other.links;
    return UpdateTask{std::move(patch)};
  }

  std::string title() {
    static const std::vector<std::string> kWords{"Call",
                                                 "call",
                                                 "ÄRGER",
                                                 "ärger",
                                                 "straße",
                                                 "STRASSE",
                                                 "\"quoted\"",
                                                 "back\\slash",
                                                 "Zoë",
                                                 "review",
                                                 "Review of the quarter",
                                                 "日本",
                                                 "x",
                                                 "e",
                                                 "Ǆ",
                                                 "offer"};
    std::string text = kWords[pick(kWords.size())];
    while (chance(55)) text += " " + kWords[pick(kWords.size())];
    return text;
  }
  TaskFields fields() {
    TaskFields fields;
    fields.title = title();
    if (chance(75)) fields.due_date = Timestamp{due_pool_[skewed(due_pool_.size())]};
    if (chance(70)) fields.priority = static_cast<Priority>(1 + pick(3));
    if (chance(70)) fields.action_type = static_cast<ActionType>(1 + pick(5));
    if (chance(75)) fields.assigned_to = users_[skewed(users_.size())];
    while (chance(60) && fields.links.size() < 5) {
      const Link link{entities_[skewed(entities_.size())], static_cast<EntityType>(1 + pick(3))};
      if (std::find(fields.links.begin(), fields.links.end(), link) == fields.links.end()) fields.links.push_back(link);
    }
    return fields;
  }
  std::vector<std::string> words() {
    std::vector<std::string> words;
    const auto count = 1 + pick(2);
    for (std::uint64_t i = 0; i < count; ++i) words.push_back(piece());
    return words;
  }
  std::string piece() {  // a part of a folded title, cut between code points
    const std::string folded = fold_case(title());
    std::size_t from = pick(folded.size()), to = from + 1 + pick(4);
    const auto inside = [&](std::size_t at) {
      return at < folded.size() && (static_cast<unsigned char>(folded[at]) & 0xC0) == 0x80;
    };
    while (inside(from)) --from;
    while (inside(to)) ++to;
    return folded.substr(from, to - from);
  }
  FilterGroup group(int level) {
    FilterGroup group;
    group.any = chance(50);
    const auto count = pick(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (level < 3 && chance(25)) {
        group.children.emplace_back(std::make_unique<FilterGroup>(this->group(level + 1)));
      } else {
        group.children.emplace_back(condition());
      }
    }
    return group;
  }
  Condition condition() {
    Condition condition;
    condition.field = static_cast<Field>(pick(14));
    condition.negated = chance(35);
    condition.test = Test::in;
    switch (condition.field) {
      case Field::title:
        condition.test = std::vector{Test::in, Test::contains, Test::starts_with, Test::ends_with}[pick(4)];
        condition.texts =
            condition.test == Test::in ? std::vector{title(), title(), std::string("x")} : std::vector{piece()};
        return condition;
      case Field::due_date:
      case Field::completed_at:
      case Field::created_at:
      case Field::updated_at:
        condition.test = Test::in_range;
        if (chance(80)) condition.low = kStart + static_cast<std::int64_t>(pick(100)) * 1'000'000 - 20'000'000;
        if (chance(80)) condition.high = kStart + static_cast<std::int64_t>(pick(100)) * 1'000'000;
        break;
      case Field::is_completed:
        condition.test = Test::is_true;
        return condition;
      case Field::priority:
      case Field::action_type:
      case Field::linked_entity_type:
        condition.codes = static_cast<std::uint32_t>(pick(64));
        break;
      case Field::linked_entity_id:
        condition.ids = {entities_[pick(entities_.size())].value, entities_[pick(entities_.size())].value};
        break;
      case Field::id:
        condition.ids = {all_.empty() ? uuid() : some_task(all_.begin()->first).value, uuid()};
        return condition;
      default:
        condition.ids = {users_[pick(users_.size())].value, users_[pick(users_.size())].value, uuid()};
        break;
    }
    if (condition.field == Field::priority && chance(30)) {
      condition.test = Test::in_range;
      condition.low = static_cast<std::int64_t>(pick(4));
      condition.high = static_cast<std::int64_t>(pick(4));
    }
    if (chance(20)) condition.test = Test::is_null;
    return condition;
  }

  std::mt19937_64 random_;
  std::atomic<std::int64_t> clock_{kStart};
  std::map<WorkspaceNumber, Tasks> all_;
  std::vector<UserId> users_;
  std::vector<EntityId> entities_;
  std::vector<std::int64_t> due_pool_;
};

}  // namespace taskledger::projections
