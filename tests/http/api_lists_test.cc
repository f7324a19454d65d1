// GET /tasks and GET /tasks/stats: every parameter, its meaning and its faults; cursors.
#include "tests/http/api_fixture.h"

namespace taskledger::http::test {
namespace {

class ListsTest : public ApiTest {
 protected:
  void fill() {
    (void)make(R"({"title":"a","due_date":"2025-03-17T09:00:00Z","priority":"low","assigned_to_id":")" +
               std::string(kUser) + "\"}");
    (void)make(
        R"({"title":"b","due_date":"2025-03-17T11:00:00Z","priority":"high","action_type":"call","linked_entities":[
      {"id":"00000000-0000-4000-8000-000000000001","type":"contacts"},{"id":"00000000-0000-4000-8000-000000000002","type":"companies"}]})");
    (void)make(R"({"title":"c","due_date":"2025-03-25T11:00:00Z","assigned_to_id":")" + std::string(kOther) + "\"}");
    const auto d = make(R"({"title":"d","due_date":"2025-03-17T08:00:00Z","priority":"medium"})");
    (void)call("PUT ~/tasks/" + d + "/complete");
    (void)make(R"({"title":"Straße E"})");
  }
};

TEST_F(ListsTest, Modes) {
  fill();
  EXPECT_EQ(titles(""), "d a b c Straße E /5");
  EXPECT_EQ(titles("?mode=all"), "d a b c Straße E /5");
  EXPECT_EQ(titles("?mode=today"), "a b /2");
  EXPECT_EQ(titles("?mode=overdue"), "a /1");
  EXPECT_EQ(titles("?mode=upcoming"), "b c /2");
  EXPECT_EQ(titles("?mode=completed"), "d /1");
  EXPECT_EQ(titles("?mode=today&timezone=Pacific/Kiritimati"), "b /1") << "the 18th has begun there, at 10:00Z";
  EXPECT_EQ(titles("?mode=Today"),
            invalid("Parameter 'mode' must be one of: all, today, overdue, upcoming, completed"));
}

TEST_F(ListsTest, Equalities) {
  fill();
  EXPECT_EQ(titles("?assigned_to=" + std::string(kUser)), "a /1");
  EXPECT_EQ(titles("?priority=high"), "b /1");
  EXPECT_EQ(titles("?action_type=call"), "b /1");
  EXPECT_EQ(titles("?linked_entity_id=00000000-0000-4000-8000-000000000001"), "b /1");
  EXPECT_EQ(titles("?linked_entity_type=companies"), "b /1");
  EXPECT_EQ(titles("?linked_entity_type=companies&linked_entity_id=00000000-0000-4000-8000-000000000001"), " /0")
      << "one link with both";
  EXPECT_EQ(titles("?search=STRASSE+e"), "Straße E /1");
  EXPECT_EQ(workers.jobs, 1) << "a scan goes to a worker";
  EXPECT_EQ(titles("?search=e+STRASSE+e+stra%C3%9Fe+tras"), "Straße E /1") << "words said again, or within others";
  std::string words;
  for (int i = 0; i < 250; ++i) words += "+w" + std::to_string(i);
  EXPECT_EQ(titles("?search=" + words + words), " /0");
  EXPECT_EQ(titles("?search=" + words + "+w250"),
            invalid("Parameter 'search' must not have more than 250 different words"));
  workers.full = true;
  EXPECT_EQ(titles("?search=x"), error(503, "UNAVAILABLE", "Too many long requests are waiting: try again"));
  EXPECT_EQ(titles("?search=%20"), "d a b c Straße E /5") << "no words";
  EXPECT_EQ(titles(R"(?filters={"conditions":[{"field":"priority","operator":"gte","value":"medium"}]})"), "d b /2");
  EXPECT_EQ(titles("?assigned_to=me"), invalid("Parameter 'assigned_to' must be a UUID"));
  EXPECT_EQ(titles("?linked_entity_id=1"), invalid("Parameter 'linked_entity_id' must be a UUID"));
  EXPECT_EQ(titles("?priority=urgent"), invalid("Parameter 'priority' must be one of: low, medium, high"));
  EXPECT_EQ(
      titles("?action_type=fax"),
      invalid("Parameter 'action_type' must be one of: call, email, meeting, linkedin_message, whatsapp_message"));
  EXPECT_EQ(titles("?linked_entity_type=dogs"),
            invalid("Parameter 'linked_entity_type' must be one of: contacts, companies, opportunities"));
  EXPECT_EQ(titles(R"(?filters={"conditions":[{},{"field":"priority","operator":"eq","value":"x"}]})").substr(0, 4),
            "400\n");
  EXPECT_EQ(titles("?filters=x"), invalid("Parameter 'filters' must be valid JSON"));
}

TEST_F(ListsTest, Sorts) {
  fill();
  EXPECT_EQ(titles("?sort_by=title"), "a b c d Straße E /5");
  EXPECT_EQ(titles("?sort_by=title&sort_dir=desc"), "Straße E d c b a /5");
  EXPECT_EQ(titles("?sort_dir=desc"), "c b a d Straße E /5") << "null last in both";
  EXPECT_EQ(titles(R"(?sort=[{"field":"priority","direction":"DESC"}])").substr(0, 5), "b d a");
  for (const auto* alias : {"direction", "dir", "order"}) {
    EXPECT_EQ(titles(R"(?sort=[{"field":"title",")" + std::string(alias) + R"(":"desc"}])"), "Straße E d c b a /5")
        << alias;
  }
  EXPECT_EQ(titles(R"(?sort=[{"field":"is_completed","dir":"desc"},{"field":"title"}])"), "d a b c Straße E /5");
  EXPECT_EQ(titles("?sort=&sort_by=title"), "a b c d Straße E /5");
  EXPECT_EQ(titles("?sort=[]&sort_by=title"), "a b c d Straße E /5");
  EXPECT_EQ(titles("?sort=[{title&sort_by=title"), "a b c d Straße E /5") << "not valid JSON";
  EXPECT_EQ(titles(R"(?sort=[{"field":"title"}]&sort_by=due_date)"), "a b c d Straße E /5");
  const std::string members =
      "due_date, title, priority, action_type, is_completed, assigned_to_id, created_at, updated_at, completed_at";
  EXPECT_EQ(titles("?sort_by=id"), invalid("Parameter 'sort_by' must be one of: " + members));
  EXPECT_EQ(titles("?sort_dir=up"), invalid("Parameter 'sort_dir' must be one of: asc, desc"));
  EXPECT_EQ(titles(R"(?sort=[{"field":"created_by"}])"),
            invalid("Parameter 'sort[0].field' must be one of: " + members));
  EXPECT_EQ(titles(R"(?sort=[{"field":"title","dir":"up"}])"),
            invalid("Parameter 'sort[0].dir' must be one of: asc, desc"));
  EXPECT_EQ(titles(R"(?sort=[{"field":"title","dir":"asc","order":"asc"}])"),
            invalid("Parameter 'sort[0].order' is given twice, under another name"));
  EXPECT_EQ(titles(R"(?sort=[{"field":"title"},{"field":"title"}])"),
            invalid("Parameter 'sort[1].field' is given twice"));
  EXPECT_EQ(titles(R"(?sort=[{"dir":"asc"}])"), invalid("Parameter 'sort[0].field' is required"));
  EXPECT_EQ(titles(R"(?sort=[{"field":"title","x":1}])"), invalid("Parameter 'sort[0].x' is unknown"));
  EXPECT_EQ(titles("?sort=[7]"), invalid("Parameter 'sort[0]' must be an object"));
  for (const auto* no_json : {"-title", "title", "1e400x", "[1e400", "--1", "%22\\ud800%22"})
    EXPECT_EQ(titles("?sort_by=title&sort=" + std::string(no_json)), "a b c d Straße E /5") << no_json;
  const std::string deep = std::string(1'100, '[') + std::string(1'100, ']');
  for (const auto& json :
       {std::string("{}"), std::string("7"), std::string("\"title\""), std::string("null"), std::string("1e400"),
        std::string("[1e400]"), std::string("[-123456789012345678901234567890]"),
        std::string(R"([{"field":"title","direction":1e999}])"), deep}) {
    EXPECT_EQ(titles("?sort=" + json),
              invalid(R"(Parameter 'sort' must be a JSON array of {\"field\", \"direction\"})"))
        << json;
  }
  EXPECT_EQ(
      titles(
          R"(?sort=[{"field":"due_date"},{"field":"title"},{"field":"priority"},{"field":"action_type"},{"field":"created_at"},{"field":"updated_at"}])"),
      invalid("Parameter 'sort' must not have more than 5 fields"));
}

TEST_F(ListsTest, Limits) {
  fill();
  EXPECT_EQ(titles("?limit=2&sort_by=title"), "a b /5");
  for (const auto* large : {"100", "101", "99999999999999999999999999", "007"})
    EXPECT_EQ(titles("?limit=" + std::string(large)).substr(0, 7), "d a b c") << large;
  for (const auto* bad : {"0", "-1", "1.5", "x", "+5", "1e2", "%205"}) {
    EXPECT_EQ(titles("?limit=" + std::string(bad)), invalid("Parameter 'limit' must be an integer of at least 1"))
        << bad;
  }
}

TEST_F(ListsTest, CursorsWalkAndAreBound) {
  fill();
  const auto first = call("GET ~/tasks?mode=all&limit=2&sort_by=title");
  const auto cursor = cursor_of(first);
  ASSERT_FALSE(cursor.empty());
  EXPECT_EQ(cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_EQ(titles("?limit=2&sort_by=title&cursor=" + cursor), "c d /5");
  EXPECT_EQ(titles("?limit=9&cursor=" + cursor +
                   R"(&sort=[{"field":"title","dir":"ASC"}]&timezone=UTC&search=%20&filters={})"),
            "c d Straße E /5")
      << "bound by meaning";
  const auto bad = invalid("Parameter 'cursor' is not one that this list gave out with these parameters");
  for (const auto* other :
       {"", "?sort_by=title&sort_dir=desc&", "?sort_by=title&mode=upcoming&", "?sort_by=title&timezone=Europe/Paris&",
        "?sort_by=title&priority=low&", "?sort_by=title&search=a&", "?sort_by=title&as_of=2025-03-17&",
        "?sort_by=title&assigned_to=00000000-0000-4000-8000-000000000007&"}) {
    EXPECT_EQ(titles(std::string(*other ? other : "?") + "cursor=" + cursor), bad) << other;
  }
  for (std::size_t i = 0; i < cursor.size(); i += 5) {
    auto altered = cursor;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(titles("?sort_by=title&cursor=" + altered), bad) << i;
  }
  for (const auto& malformed :
       {std::string("x"), cursor + "A", cursor.substr(1), cursor + "=", std::string(20'000, 'A')}) {
    EXPECT_EQ(titles("?sort_by=title&cursor=" + malformed), bad);
  }
  workspace("other", WorkspaceNumber{2});
  token = make_token("tasks:read", kUser, "UTC", std::nullopt, {2});
  EXPECT_EQ(titles("?sort_by=title&cursor=" + cursor), bad) << "of another workspace";
}

TEST_F(ListsTest, FiltersAreBoundByMeaningToo) {
  fill();
  const auto list = [&](std::string_view filters, std::string_view cursor) {
    return titles("?limit=1&sort_by=title&filters=" + std::string(filters) +
                  (cursor.empty() ? "" : "&cursor=" + std::string(cursor)));
  };
  const std::string one =
      R"({"type":"OR","conditions":[{"field":"title","operator":"in","value":["a","c"]},{"field":"priority","operator":"eq","value":"high"}]})";
  const std::string same =
      R"({"logic":"or","rules":[{"field":"priority","operator":"equals","value":"high"},{"field":"title","operator":"in","value":"c,a"}]})";
  const std::string other =
      R"({"type":"AND","conditions":[{"field":"title","operator":"in","value":["a","c"]},{"field":"priority","operator":"eq","value":"high"}]})";
  const auto cursor = cursor_of(call("GET ~/tasks?limit=1&sort_by=title&filters=" + one));
  EXPECT_EQ(list(one, cursor), "b /3");
  EXPECT_EQ(list(same, cursor), "b /3");
  EXPECT_EQ(list(other, cursor),
            invalid("Parameter 'cursor' is not one that this list gave out with these parameters"));
}

TEST_F(ListsTest, ACursorFreezesNow) {
  (void)make(R"({"title":"a","due_date":"2025-03-17T10:00:01Z"})");
  (void)make(R"({"title":"b","due_date":"2025-03-17T10:00:02Z"})");
  const auto cursor = cursor_of(call("GET ~/tasks?mode=upcoming&limit=1"));
  now.ms += 60'000;
  EXPECT_EQ(titles("?mode=upcoming"), " /0");
  EXPECT_EQ(titles("?mode=upcoming&limit=1&cursor=" + cursor), "b /2");
}

TEST_F(ListsTest, Stats) {
  fill();
  const auto stats = [](std::string_view numbers) { return "200\n" + std::string(numbers); };
  EXPECT_EQ(call("GET ~/tasks/stats"),
            stats(R"({"total":1,"completedToday":0,"remainingToday":1,"overdue":1,"thisWeek":1,"completionRate":0})"));
  EXPECT_EQ(call("GET ~/tasks/stats?assigned_to=all"),
            stats(R"({"total":5,"completedToday":1,"remainingToday":2,"overdue":1,"thisWeek":3,"completionRate":20})"));
  EXPECT_EQ(call("GET ~/tasks/stats?assigned_to=" + std::string(kOther)),
            stats(R"({"total":1,"completedToday":0,"remainingToday":0,"overdue":0,"thisWeek":0,"completionRate":0})"));
  EXPECT_EQ(call("GET ~/tasks/stats?assigned_to=all&timezone=Pacific/Kiritimati"),
            stats(R"({"total":5,"completedToday":1,"remainingToday":1,"overdue":1,"thisWeek":3,"completionRate":20})"));
  EXPECT_EQ(call("GET ~/tasks/stats?assigned_to=x"), invalid("Parameter 'assigned_to' must be a UUID or 'all'"));
  EXPECT_EQ(call("GET ~/tasks/stats?as_of=2030-01-01"), invalid("Parameter 'as_of' must not lie in the future"));
  EXPECT_EQ(call("GET ~/tasks?as_of=yesterday"), invalid("Parameter 'as_of' must be a date or a date-time (RFC 3339)"));
}

TEST_F(ListsTest, AsTheyWere) {
  fill();  // at 10:00:00
  const auto find = [&](std::string_view title) {
    const auto page = call("GET ~/tasks?search=" + std::string(title));
    return page.substr(page.find(R"("id":")") + 6, 36);
  };
  const auto a = find("a"), b = find("b"), c = find("c");
  now.ms += 1000;
  (void)call("PUT ~/tasks/" + a, R"({"title":"a2","priority":"high","due_date":"2025-03-17T10:00:01Z"})");
  (void)call("DELETE ~/tasks/" + c);
  now.ms += 1000;
  (void)call("POST ~/tasks/" + c + "/restore");
  now.ms += 1000;
  (void)titles("");
  const auto live = position;
  EXPECT_EQ(titles("?as_of=2025-03-17T09:59:59Z"), " /0");
  EXPECT_EQ(position, live) << "what is read of the past is as the log is now";
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:00Z"), "d a b c Straße E /5");
  EXPECT_EQ(titles("?as_of=2025-03-17T11:00:00.999&timezone=Europe/Paris"), "d a b c Straße E /5");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:01Z"), "d a2 b Straße E /4");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:02Z&sort_by=title&sort_dir=desc"), "Straße E d c b a2 /5");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:01Z&priority=high"), "a2 b /2");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:00Z&mode=overdue"), "a /1");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:01Z&mode=overdue"), " /0") << "due at that very instant";
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:02Z&mode=overdue"), "a2 /1");
  EXPECT_EQ(titles("?as_of=2025-03-16"), " /0");
  EXPECT_EQ(titles("?as_of=2025-03-17"), "d a2 b c Straße E /5") << "today is now";
  EXPECT_EQ(position, "9");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:03.001Z"), invalid("Parameter 'as_of' must not lie in the future"));
  const auto stats = [&](std::string_view at) {
    return call("GET ~/tasks/stats?assigned_to=all&as_of=" + std::string(at));
  };
  EXPECT_EQ(stats("2025-03-17T10:00:00Z"),
            "200\n"
            R"({"total":5,"completedToday":1,"remainingToday":2,"overdue":1,"thisWeek":3,"completionRate":20})");
  EXPECT_EQ(stats("2025-03-17T10:00:01Z"),
            "200\n"
            R"({"total":4,"completedToday":1,"remainingToday":2,"overdue":0,"thisWeek":3,"completionRate":25})");
  EXPECT_EQ(stats("2025-03-16"),
            "200\n"
            R"({"total":0,"completedToday":0,"remainingToday":0,"overdue":0,"thisWeek":0,"completionRate":0})");
}

TEST_F(ListsTest, PagesOfThePastStayThoseOfTheirInstant) {
  fill();
  now.ms += 1000;
  // Today is now: of the first page, whatever is written before the second.
  for (const std::string query : {"?limit=3&as_of=2025-03-17", "?limit=3&as_of=2025-03-17T10:00:00.500Z"}) {
    const auto first = call("GET ~/tasks" + query);
    now.ms += 1000;
    (void)make(R"({"title":"f","due_date":"2025-03-18T00:00:00Z"})");
    EXPECT_EQ(titles(query + "&cursor=" + cursor_of(first)), "c Straße E /5");
    EXPECT_EQ(titles("?limit=3&cursor=" + cursor_of(first)),
              invalid("Parameter 'cursor' is not one that this list gave out with these parameters"));
    EXPECT_EQ(titles("?limit=3&as_of=2025-03-16&cursor=" + cursor_of(first)),
              invalid("Parameter 'cursor' is not one that this list gave out with these parameters"));
  }
  workers.full = true;
  EXPECT_EQ(titles("?as_of=2025-03-17"), error(503, "UNAVAILABLE", "Too many long requests are waiting: try again"));
}

TEST_F(ListsTest, AnErasedTaskHasNoPast) {
  fill();
  const auto gone = make(R"({"title":"secret"})");
  now.ms += 1000;
  (void)call("DELETE ~/tasks/" + gone);
  now.ms += 1000;
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:00Z&search=secret"), "secret /1");
  EXPECT_EQ(call("POST ~/tasks/" + gone + "/erase"), "204\n");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:00Z&search=secret"), " /0");
  EXPECT_EQ(titles("?as_of=2025-03-17T10:00:00Z"), "d a b c Straße E /5");
}

}  // namespace
}  // namespace taskledger::http::test
