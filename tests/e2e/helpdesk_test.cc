// Real input: the public help desk log, imported and served, against an independent naive fold written here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <time.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;

const std::filesystem::path kFile =
    std::filesystem::path(TASKLEDGER_SOURCE_DIR) / "../shared/data/helpdesk-events.ndjson.gz";

std::string gunzip(const std::filesystem::path& path) {
  std::string text(64 << 20, '\0');
  gzFile file = gzopen(path.c_str(), "rb");
  const int got = gzread(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  text.resize(static_cast<std::size_t>(std::max(got, 0)));
  return text;
}

// Absent values are "null"; all else as the API's JSON shows it, without quotes.
struct NaiveTask {
  std::map<std::string, std::string> fields;
  std::vector<std::pair<std::string, std::string>> links;  // id, type
  bool deleted = false;
  [[nodiscard]] const std::string& at(const std::string& name) const { return fields.at(name); }
};
using NaiveTasks = std::map<std::string, NaiveTask>;

void fold_data(NaiveTask& task, simdjson::dom::object data) {
  for (const auto [key, value] : data) {
    if (key == "linked_entities") {
      task.links.clear();
      for (simdjson::dom::element link : value)
        task.links.emplace_back(std::string(link["id"].get_string().value()),
                                std::string(link["type"].get_string().value()));
    } else {
      task.fields[std::string(key)] = value.is_null() ? "null" : std::string(value.get_string().value());
    }
  }
}

// Of each task what happened up to `until`; times of whole seconds order as their texts do.
NaiveTasks fold(const std::string& text, const std::string& until = "9") {
  NaiveTasks tasks;
  simdjson::dom::parser parser;
  for (const std::string& line : lines_of(text)) {
    simdjson::dom::element event = parser.parse(line);
    const std::string id(event["task_id"].get_string().value()), type(event["type"].get_string().value()),
        time(event["time"].get_string().value()), actor(event["actor"].get_string().value());
    if (time > until) continue;
    NaiveTask& task = tasks[id];
    if (type == "TaskCreated") {
      for (const char* name : {"due_date", "priority", "action_type", "completed_at", "completed_by", "assigned_to_id"})
        task.fields[name] = "null";
      task.fields["id"] = id;
      task.fields["is_completed"] = "false";
      task.fields["created_at"] = time;
      task.fields["created_by"] = actor;
    }
    if (type == "TaskCreated" || type == "TaskUpdated") fold_data(task, event["data"].get_object());
    if (type == "TaskCompleted" || type == "TaskReopened") {
      const bool completed = type == "TaskCompleted";
      task.fields["is_completed"] = completed ? "true" : "false";
      task.fields["completed_at"] = completed ? time : "null";
      task.fields["completed_by"] = completed ? actor : "null";
    }
    if (type == "TaskDeleted") task.deleted = true;
    if (type == "TaskRestored") task.deleted = false;
    task.fields["updated_at"] = time;
  }
  std::erase_if(tasks, [](const auto& entry) { return entry.second.deleted; });
  return tasks;
}

std::string naive_json(const NaiveTask& task) {
  std::string json;
  for (const char* name : {"id", "title", "due_date", "priority", "action_type", "is_completed", "completed_at",
                           "completed_by", "assigned_to_id", "created_by", "created_at", "updated_at"}) {
    const std::string& value = task.at(name);
    const bool bare = value == "null" || value == "true" || value == "false";
    json += (json.empty() ? "{\"" : ",\"") + std::string(name) + (bare ? "\":" + value : "\":\"" + value + "\"");
  }
  return json + "}";
}

using Filter = std::function<bool(const NaiveTask&)>;

// Ids in the order of `field`, null last both ways, ties by id. RFC 3339 times of whole seconds order as texts do.
std::vector<std::string> naive_list(const NaiveTasks& tasks, const Filter& filter, const std::string& field,
                                    bool descending) {
  static const std::map<std::string, std::string> kRanks = {{"low", "1"}, {"medium", "2"}, {"high", "3"}};
  const auto key = [&](const NaiveTask& task) {
    return field == "priority" && task.at(field) != "null" ? kRanks.at(task.at(field)) : task.at(field);
  };
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [id, task] : tasks) {
    if (filter(task)) rows.emplace_back(key(task), id);
  }
  std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    if ((a.first == "null") != (b.first == "null")) return b.first == "null";
    if (a.first != b.first) return descending ? a.first > b.first : a.first < b.first;
    return a.second < b.second;
  });
  std::vector<std::string> ids;
  for (auto& row : rows) ids.push_back(std::move(row.second));
  return ids;
}

std::vector<std::string> served_list(HttpConnection& client, const std::string& query, std::size_t expected_total) {
  std::vector<std::string> ids;
  std::string cursor;
  simdjson::dom::parser parser;
  do {
    const HttpReply page = client.get("/api/v1/tasks?limit=100" + query + (cursor.empty() ? "" : "&cursor=" + cursor));
    EXPECT_EQ(page.status, 200u) << page.body;
    if (page.status != 200) return ids;
    EXPECT_EQ(json_field(page.body, "total"), std::to_string(expected_total)) << query;
    const simdjson::padded_string body(page.body);
    for (simdjson::dom::element task : parser.parse(body)["data"]) ids.emplace_back(task["id"].get_string().value());
    cursor = json_field(page.body, "nextCursor");
  } while (cursor != "null");
  return ids;
}

class HelpDesk : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kFile)) GTEST_SKIP() << kFile << " is not there";
    const Finished imported = taskledger({"import", "--data", data_, "--workspace", "helpdesk", kFile.string()});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    EXPECT_THAT(imported.out, HasSubstr("12186 events"));
    EXPECT_THAT(imported.out, HasSubstr("4580 tasks"));
  }

  const TemporaryDirectory directory_;
  const std::string data_ = directory_ / "data";
};

TEST_F(HelpDesk, ListsTotalsAndStatsAreThoseOfANaiveFold) {
  const NaiveTasks tasks = fold(gunzip(kFile));
  ASSERT_EQ(tasks.size(), 4580u);
  std::map<std::string, int> load;
  std::string link;
  for (const auto& [id, task] : tasks) {
    ++load[task.at("assigned_to_id")];
    if (!task.links.empty()) link = task.links.front().first;
  }
  load.erase("null");
  std::string busiest = load.begin()->first, idlest = busiest;
  for (const auto& [user, count] : load) {
    if (count > load[busiest]) busiest = user;
    if (count < load[idlest]) idlest = user;
  }
  const std::string token = create_token(data_, "helpdesk", busiest, "tasks:read", "Europe/Rome");
  Server server(data_);
  HttpConnection client(server.port(), token);

  const auto all = [](const NaiveTask&) { return true; };
  const auto open = [](const NaiveTask& task) { return task.at("is_completed") == "false"; };
  const auto assigned = [&](const NaiveTask& task) { return task.at("assigned_to_id") == busiest; };
  const auto linked = [&](const NaiveTask& task) {
    return std::any_of(task.links.begin(), task.links.end(), [&](const auto& entry) { return entry.first == link; });
  };
  struct Case {
    std::string query;
    Filter filter;
    std::string field;
    bool descending;
  };
  for (const Case& c : std::vector<Case>{
           {"", all, "due_date", false},
           {"&sort_by=updated_at&sort_dir=desc", all, "updated_at", true},
           {"&sort_by=priority&sort_dir=desc", all, "priority", true},
           {"&sort_by=completed_at", all, "completed_at", false},
           {"&sort_by=title", all, "title", false},
           {"&mode=overdue&sort_by=created_at&timezone=Asia/Tokyo",
            [&](const NaiveTask& t) { return open(t) && t.at("due_date") != "null"; }, "created_at", false},
           {"&mode=completed&sort_by=assigned_to_id", [&](const NaiveTask& t) { return !open(t); }, "assigned_to_id",
            false},
           {"&mode=today", [](const NaiveTask&) { return false; }, "due_date", false},
           {"&assigned_to=" + busiest + "&priority=high",
            [&](const NaiveTask& t) { return assigned(t) && t.at("priority") == "high"; }, "due_date", false},
           {"&action_type=meeting&sort_by=action_type",
            [&](const NaiveTask& t) { return t.at("action_type") == "meeting"; }, "action_type", false},
           {"&linked_entity_id=" + link, linked, "due_date", false}}) {
    const auto expected = naive_list(tasks, c.filter, c.field, c.descending);
    EXPECT_EQ(served_list(client, c.query, expected.size()), expected) << c.query;
  }
  int nth = 0;
  for (const auto& [id, task] : tasks) {
    if (nth++ % 37 != 0) continue;
    EXPECT_EQ(client.get("/api/v1/tasks/" + id).body, naive_json(task));
  }
  for (const std::string& user : {busiest, idlest, std::string("all")}) {
    std::size_t total = 0, completed = 0, overdue = 0;
    for (const auto& [id, task] : tasks) {
      if (user != "all" && task.at("assigned_to_id") != user) continue;
      ++total;
      if (!open(task)) ++completed;
      if (open(task) && task.at("due_date") != "null") ++overdue;
    }
    const auto rate = (completed * 200 + total) / (2 * total);
    for (const char* zone : {"UTC", "America/New_York", "Pacific/Auckland"}) {
      EXPECT_EQ(client.get("/api/v1/tasks/stats?assigned_to=" + user + "&timezone=" + zone).body,
                "{\"total\":" + std::to_string(total) + ",\"completedToday\":0,\"remainingToday\":0,\"overdue\":" +
                    std::to_string(overdue) + ",\"thisWeek\":0,\"completionRate\":" + std::to_string(rate) + "}");
    }
  }
}

std::string day_after(const std::string& date, int days) {
  tm civil{};
  strptime(date.c_str(), "%Y-%m-%d", &civil);
  civil.tm_mday += days;
  const time_t at = timegm(&civil);
  char text[16];
  strftime(text, sizeof text, "%Y-%m-%d", gmtime(&at));
  return text;
}

std::string naive_stats(const NaiveTasks& tasks, const std::string& user, const std::string& now) {
  const std::string day = now.substr(0, 10);
  tm civil{};
  strptime(day.c_str(), "%Y-%m-%d", &civil);
  timegm(&civil);
  const std::string monday = day_after(day, -((civil.tm_wday + 6) % 7)), next = day_after(monday, 7);
  std::size_t total = 0, completed = 0, today = 0, remaining = 0, overdue = 0, week = 0;
  for (const auto& [id, task] : tasks) {
    if (user != "all" && task.at("assigned_to_id") != user) continue;
    const bool done = task.at("is_completed") == "true";
    const std::string& due = task.at("due_date");
    ++total;
    completed += done;
    today += done && task.at("completed_at").starts_with(day);
    if (due == "null") continue;
    remaining += !done && due.starts_with(day);
    overdue += !done && due < now;
    week += due >= monday && due < next;
  }
  const auto rate = total ? (completed * 200 + total) / (2 * total) : 0;
  return "{\"total\":" + std::to_string(total) + ",\"completedToday\":" + std::to_string(today) +
         ",\"remainingToday\":" + std::to_string(remaining) + ",\"overdue\":" + std::to_string(overdue) +
         ",\"thisWeek\":" + std::to_string(week) + ",\"completionRate\":" + std::to_string(rate) + "}";
}

TEST_F(HelpDesk, ListsAndStatsOfAnyInstantAreThoseOfANaiveFoldAndReplayAgrees) {
  const std::string text = gunzip(kFile);
  std::vector<std::string> times;
  for (const std::string& line : lines_of(text)) times.push_back(json_field(line, "time"));
  std::sort(times.begin(), times.end());
  std::map<std::string, int> load;
  for (const auto& [id, task] : fold(text)) ++load[task.at("assigned_to_id")];
  load.erase("null");
  const std::string user = std::max_element(load.begin(), load.end(), [](const auto& a, const auto& b) {
                             return a.second < b.second;
                           })->first;
  const std::string token = create_token(data_, "helpdesk", user, "tasks:read");
  Server server(data_);
  HttpConnection client(server.port(), token);
  const auto replayed = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"replay", "--data", data_, "--workspace", "helpdesk", "--json"});
    const Finished finished = taskledger(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return finished.out;
  };
  const auto all = [](const NaiveTask&) { return true; };
  const auto open = [](const NaiveTask& task) { return task.at("is_completed") == "false"; };
  std::vector<std::string> instants{"2009-12-31T00:00:00Z", times.front(), times.back(), "2012-02-29T23:59:59Z"};
  for (std::size_t i = 1; i < 5; ++i) instants.push_back(times[times.size() * i / 5 + i]);
  for (const std::string& at : instants) {
    SCOPED_TRACE(at);
    const NaiveTasks then = fold(text, at);
    const std::string as_of = "&as_of=" + at;
    struct Case {
      std::string query;
      Filter filter;
      std::string field;
      bool descending;
    };
    for (const Case& c : std::vector<Case>{
             {"", all, "due_date", false},
             {"&sort_by=updated_at&sort_dir=desc&mode=completed", [&](const NaiveTask& t) { return !open(t); },
              "updated_at", true},
             {"&mode=overdue&sort_by=priority", [&](const NaiveTask& t) { return open(t) && t.at("due_date") < at; },
              "priority", false},
             {"&mode=upcoming",
              [&](const NaiveTask& t) { return open(t) && t.at("due_date") != "null" && t.at("due_date") >= at; },
              "due_date", false},
             {"&mode=today",
              [&](const NaiveTask& t) { return open(t) && t.at("due_date").starts_with(at.substr(0, 10)); }, "due_date",
              false},
             {"&assigned_to=" + user + "&sort_by=title&sort_dir=desc",
              [&](const NaiveTask& t) { return t.at("assigned_to_id") == user; }, "title", true}}) {
      const auto expected = naive_list(then, c.filter, c.field, c.descending);
      EXPECT_EQ(served_list(client, c.query + as_of, expected.size()), expected) << c.query;
    }
    for (const std::string& who : {user, std::string("all")}) {
      const std::string stats = client.get("/api/v1/tasks/stats?assigned_to=" + who + as_of).body;
      EXPECT_EQ(stats, naive_stats(then, who, at));
      std::vector<std::string> arguments{"--as-of", at, "--stats"};
      if (who != "all") arguments.insert(arguments.end(), {"--user", who});
      EXPECT_EQ(replayed(arguments), stats + "\n");
    }
    std::string rows;
    for (const std::string& id : naive_list(then, all, "due_date", false))
      rows += (rows.empty() ? "" : ",") + naive_json(then.at(id));
    EXPECT_EQ(replayed({"--as-of", at}),
              "{\"data\":[" + rows + "],\"total\":" + std::to_string(then.size()) + ",\"nextCursor\":null}\n");
    const std::string page = client.get("/api/v1/tasks?limit=10" + as_of).body;
    const auto end = page.find("\"nextCursor\"");
    EXPECT_EQ(replayed({"--as-of", at, "--limit", "10"}).substr(0, end), page.substr(0, end));
    if (then.empty()) continue;
    const std::string some = then.begin()->first;
    const std::string task = client.get("/api/v1/tasks/" + some + "?as_of=" + at).body;
    EXPECT_EQ(task, naive_json(then.begin()->second));
    EXPECT_EQ(replayed({"--as-of", at, "--task", some}), task + "\n");
  }
}

TEST_F(HelpDesk, ExportIsTheInputInCanonicalFormAndAFixedPoint) {
  const std::string first = directory_ / "first.ndjson", again = directory_ / "again.ndjson.gz",
                    other = directory_ / "other";
  ASSERT_EQ(taskledger({"export", "--data", data_, "--workspace", "helpdesk", "-o", first}).exit_code, 0);
  const auto input = lines_of(gunzip(kFile)), output = lines_of(read_file(first));
  ASSERT_EQ(output.size(), input.size());
  for (std::size_t i = 0; i < input.size(); ++i) {
    for (const char* key : {"position", "task_id", "version", "type", "time", "actor"})
      ASSERT_EQ(json_field(output[i], key), json_field(input[i], key)) << i;
  }
  const std::string text = read_file(first);
  EXPECT_EQ(naive_json(fold(text).begin()->second), naive_json(fold(gunzip(kFile)).begin()->second));

  const Finished imported = taskledger({"import", "--data", other, "--workspace", "helpdesk", first});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  ASSERT_EQ(taskledger({"export", "--data", other, "--workspace", "helpdesk", "-o", again}).exit_code, 0);
  EXPECT_TRUE(gunzip(again) == text) << "export of an import of an export differs";

  const Finished verified = taskledger({"verify", "--data", data_});
  EXPECT_EQ(verified.exit_code, 0) << verified.err << verified.out;
  const Finished checked = taskledger({"rebuild", "--data", data_, "--check"});
  EXPECT_EQ(checked.exit_code, 0) << checked.err << checked.out;
}

TEST_F(HelpDesk, ABadLineIsNamedAndLeavesNothingBehind) {
  auto lines = lines_of(gunzip(kFile));
  const std::string file = directory_ / "bad.ndjson", fresh = directory_ / "fresh";
  struct Bad {
    std::size_t line;
    std::string text, reason;
  };
  const std::string first = lines[0];
  std::string future = first, typo = first;
  future.replace(future.find("2010-01-13T"), 4, "2110");
  typo.replace(typo.find("\"priority\":\"medium\""), 19, "\"priority\":\"urgent\"");
  for (const Bad& bad : std::vector<Bad>{{11000, "{\"task_id\":", ""},
                                         {11000, first, "version"},
                                         {1, future, "future"},
                                         {1, typo, "Field 'data.priority' must be one of: low, medium, high"}}) {
    auto damaged = lines;
    damaged[bad.line - 1] = bad.text;
    std::string text;
    for (const std::string& line : damaged) text += line + "\n";
    write_file(file, text);
    for (const std::string& data : {fresh, data_}) {
      const std::string before =
          std::filesystem::exists(data) ? taskledger({"stats", "--data", data, "--json"}).out : "";
      const Finished refused = taskledger({"import", "--data", data, "--workspace", "second", file});
      EXPECT_EQ(refused.exit_code, 1) << refused.out;
      EXPECT_THAT(refused.err, HasSubstr(file + ":" + std::to_string(bad.line) + ": "));
      EXPECT_THAT(refused.err, HasSubstr(bad.reason));
      if (data == data_) {
        EXPECT_EQ(json_field(taskledger({"stats", "--data", data, "--json"}).out, "position"),
                  json_field(before, "position"));
        EXPECT_EQ(taskledger({"verify", "--data", data}).exit_code, 0);
      }
    }
  }
}

}  // namespace
}  // namespace taskledger::e2e
