// GET of one task, now and then; history; events.
#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

class ReadsTest : public ApiTest {
 protected:
  std::string event(int position, const std::string& id, int version, std::string_view type, std::string_view time,
                    std::string_view rest) {
    return "{\"position\":" + std::to_string(position) + ",\"id\":\"" +
           to_string(derived_event_id(workspace_id_of("acme"), TaskId{*parse_uuid(id)},
                                      Version{static_cast<std::uint32_t>(version)})) +
           "\",\"workspace_id\":\"" + to_string(workspace_id_of("acme")) + "\",\"task_id\":\"" + id +
           "\",\"version\":" + std::to_string(version) + ",\"type\":\"" + std::string(type) + "\",\"time\":\"" +
           std::string(time) + "\",\"actor\":\"" + std::string(kUser) + "\"" + std::string(rest) + "}";
  }
};

TEST_F(ReadsTest, OneTask) {
  const auto id =
      make(R"({"title":"one","linked_entities":[{"id":"00000000-0000-4000-8000-000000000001","type":"contacts"}]})");
  const auto with_links = call("GET ~/tasks/" + id + "?include=linked_entities");
  EXPECT_NE(with_links.find(R"(,"linked_entities":[{"id":"00000000-0000-4000-8000-000000000001","type":"contacts"}]})"),
            std::string::npos);
  EXPECT_EQ(call("GET ~/tasks/" + id).find("linked_entities"), std::string::npos);
  EXPECT_EQ(call("GET ~/tasks/" + id + "?include=x"), invalid("Parameter 'include' must be one of: linked_entities"));
  EXPECT_EQ(call("HEAD ~/tasks/" + id), call("GET ~/tasks/" + id));
  EXPECT_EQ(call("GET ~/tasks/nonsense"), not_found());
  std::string upper = id;
  for (auto& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(call("GET ~/tasks/" + upper), call("GET ~/tasks/" + id));
  for (const auto* tag : {"\"1\"", "W/\"1\"", "*", "\"9\", \"1\"", "\"9\",, \"1\","}) {
    EXPECT_EQ(call("GET ~/tasks/" + id, {}, {{"If-None-Match", tag}}), "304\nETag: \"1\"\n") << tag;
  }
  for (const auto* tag : {"\"2\"", "1", ""})
    EXPECT_EQ(call("GET ~/tasks/" + id, {}, {{"If-None-Match", tag}}).substr(0, 4), "200\n") << tag;
}

TEST_F(ReadsTest, ATaskAsItWas) {
  now.ms += 1000;
  const auto id = make(R"({"title":"one"})");
  now.ms += 1000;
  (void)call("PUT ~/tasks/" + id, R"({"title":"two"})");
  now.ms += 1000;
  (void)call("DELETE ~/tasks/" + id);
  now.ms += 1000;
  const auto title = [&](std::string_view query) {
    const auto answer = call("GET ~/tasks/" + id + "?" + std::string(query));
    if (!answer.starts_with("200\n")) return answer;
    return answer.substr(answer.find(R"("title":")") + 9, 3);
  };
  EXPECT_EQ(title("version=1"), "one");
  EXPECT_EQ(title("version=2"), "two");
  EXPECT_EQ(title("version=3"), not_found()) << "deleted";
  EXPECT_EQ(title("version=4"), not_found());
  EXPECT_EQ(title("version=0"), invalid("Parameter 'version' must be an integer of at least 1"));
  EXPECT_EQ(title("version=x"), invalid("Parameter 'version' must be an integer of at least 1"));
  EXPECT_EQ(title("as_of=2025-03-17T10:00:00Z"), not_found()) << "before its creation";
  EXPECT_EQ(title("as_of=2025-03-17T10:00:01Z"), "one");
  EXPECT_EQ(title("as_of=2025-03-17T10:00:02.5Z"), "two");
  EXPECT_EQ(title("as_of=2025-03-17T11:00:02&timezone=Europe/Paris"), "two");
  EXPECT_EQ(title("as_of=2025-03-17"), not_found()) << "today is now";
  workers.full = true;
  EXPECT_EQ(title("as_of=2025-03-17T10:00:01Z"), "one") << "at once";
  EXPECT_EQ(title("as_of=2025-03-17"), error(503, "UNAVAILABLE", "Too many long requests are waiting: try again"))
      << "waits, until nothing of that instant can come any more";
  workers.full = false;
  EXPECT_EQ(title("as_of=2025-03-18"), invalid("Parameter 'as_of' must not lie in the future"));
  EXPECT_EQ(title("as_of=2025-03-17&version=1"), invalid("Parameter 'version' cannot be given together with 'as_of'"));
}

TEST_F(ReadsTest, WhatMayTakeLongIsAWorkers) {
  const auto id = make(R"({"title":"one"})");
  const std::string task = "GET ~/tasks/" + id;
  const auto task_now = call(task), links_now = call(task + "?include=linked_entities"),
             stats = call("GET ~/tasks/stats");
  const auto notifications = call("GET ~/notifications");
  EXPECT_EQ(workers.jobs, 0);
  models->loaded = false;
  EXPECT_EQ(call(task), task_now);
  EXPECT_EQ(call(task + "?include=linked_entities"), links_now);
  EXPECT_EQ(call("GET ~/tasks/stats"), stats);
  EXPECT_EQ(call("GET ~/tasks/" + std::string(kOther)), not_found());
  EXPECT_EQ(call("GET ~/notifications"), notifications);
  EXPECT_EQ(workers.jobs, 5);
  models->loaded = true;
  const std::string first = call(task + "?version=1"), second_ago = call(task + "?as_of=2025-03-17T09:59:59Z");
  EXPECT_EQ(workers.jobs, 5);
  for (int i = 2; i <= 300; ++i) (void)call("PUT ~/tasks/" + id, R"({"title":"title )" + std::to_string(i) + "\"}");
  EXPECT_EQ(call(task + "?version=1"), first);
  EXPECT_EQ(call(task + "?as_of=2025-03-17T09:59:59Z"), second_ago);
  EXPECT_NE(call(task + "?version=299").find(R"("title":"title 299")"), std::string::npos);
  EXPECT_EQ(workers.jobs, 8);
}

TEST_F(ReadsTest, History) {
  const auto id = make(R"({"title":"one"})");
  (void)make(R"({"title":"another"})");
  now.ms += 1000;
  (void)call("PUT ~/tasks/" + id, R"({"title":"two","priority":"low"})");
  (void)call("DELETE ~/tasks/" + id);
  const auto created = event(1, id, 1, "TaskCreated", "2025-03-17T10:00:00Z", R"(,"data":{"title":"one"})");
  const auto updated = event(
      3, id, 2, "TaskUpdated", "2025-03-17T10:00:01Z",
      R"(,"data":{"title":"two","priority":"low"},"changes":[{"field":"title","from":"one","to":"two"},{"field":"priority","from":null,"to":"low"}])");
  const auto deleted = event(4, id, 3, "TaskDeleted", "2025-03-17T10:00:01Z", R"(,"data":{})");
  EXPECT_EQ(call("GET ~/tasks/" + id + "/history"),
            "200\n{\"data\":[" + created + "," + updated + "," + deleted + "],\"nextCursor\":null}");
  const auto first = call("GET ~/tasks/" + id + "/history?limit=1");
  const auto cursor = cursor_of(first);
  EXPECT_EQ(first, "200\n{\"data\":[" + created + "],\"nextCursor\":\"" + cursor + "\"}");
  EXPECT_EQ(call("GET ~/tasks/" + id + "/history?limit=2&cursor=" + cursor),
            "200\n{\"data\":[" + updated + "," + deleted + "],\"nextCursor\":null}");
  EXPECT_EQ(call("GET ~/tasks/" + id + "/history?cursor=x"),
            invalid("Parameter 'cursor' is not one that this history gave out"));
  EXPECT_EQ(call("GET ~/tasks/00000000-0000-4000-8000-0000000000aa/history?cursor=" + cursor),
            invalid("Parameter 'cursor' is not one that this history gave out"));
  EXPECT_EQ(call("GET ~/tasks/00000000-0000-4000-8000-0000000000aa/history"), not_found());
  EXPECT_EQ(call("GET ~/tasks/x/history"), not_found());
  EXPECT_EQ(call("GET ~/tasks/" + id + "/history?limit=0"),
            invalid("Parameter 'limit' must be an integer of at least 1"));
}

TEST_F(ReadsTest, Events) {
  const auto a = make(R"({"title":"a"})");
  const auto b = make(R"({"title":"b"})");
  now.ms += 1000;
  (void)call("PUT ~/tasks/" + a + "/complete");
  const auto one = event(1, a, 1, "TaskCreated", "2025-03-17T10:00:00Z", R"(,"data":{"title":"a"})");
  const auto two = event(2, b, 1, "TaskCreated", "2025-03-17T10:00:00Z", R"(,"data":{"title":"b"})");
  const auto three = event(3, a, 2, "TaskCompleted", "2025-03-17T10:00:01Z", R"(,"data":{})");
  const auto page = [](const std::string& data, int next, bool more) {
    return "200\n{\"data\":[" + data + "],\"nextAfter\":" + std::to_string(next) +
           ",\"hasMore\":" + (more ? "true}" : "false}");
  };
  EXPECT_EQ(call("GET ~/events"), page(one + "," + two + "," + three, 3, false));
  EXPECT_EQ(call("GET ~/events?limit=2"), page(one + "," + two, 2, true));
  EXPECT_EQ(call("GET ~/events?after=2"), page(three, 3, false));
  EXPECT_EQ(call("GET ~/events?after=18446744073709551615"),
            "200\n"
            R"({"data":[],"nextAfter":18446744073709551615,"hasMore":false})");
  EXPECT_EQ(call("GET ~/events?task_id=" + a), page(one + "," + three, 3, false));
  EXPECT_EQ(call("GET ~/events?type=TaskCompleted"), page(three, 3, false));
  EXPECT_EQ(call("GET ~/events?actor=" + std::string(kOther)), page("", 0, false));
  EXPECT_EQ(call("GET ~/events?since=2025-03-17T10:00:01Z"), page(three, 3, false));
  EXPECT_EQ(call("GET ~/events?until=2025-03-17T10:00:00Z"), page(one + "," + two, 2, false));
  EXPECT_EQ(call("GET ~/events?until=2025-03-16"), page("", 0, false));
  EXPECT_EQ(call("GET ~/events?type=task_created"),
            invalid("Parameter 'type' must be one of: TaskCreated, TaskUpdated, TaskCompleted, TaskReopened, "
                    "TaskDeleted, TaskRestored, TaskErased"));
  EXPECT_EQ(call("GET ~/events?after=-1"), invalid("Parameter 'after' must be a non-negative integer"));
  EXPECT_EQ(call("GET ~/events?task_id=1"), invalid("Parameter 'task_id' must be a UUID"));
  EXPECT_EQ(call("GET ~/events?since=x"), invalid("Parameter 'since' must be a date or a date-time (RFC 3339)"));
}

}  // namespace
}  // namespace taskledger::http::test
