// `./dev bench reads`: list pages, single tasks and stats of the real server over loopback, at several sizes of the
// workspace, alternating with a bare Beast server of the same thread count that answers the same bytes.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "bench/bench.h"
#include "bench/dataset.h"

namespace taskledger::bench {
namespace {

constexpr std::string_view kTasks = "/api/v1/tasks";

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

struct Case {
  std::string name;
  double wanted;                                                  // share of the ceiling's requests/s
  std::function<std::string(Random&, const TestServer&)> target;  // varied where the case has a variable
};

std::vector<Case> page_cases() {
  const auto fixed = [](std::string query) {
    return [query = std::move(query)](Random&, const TestServer&) { return std::string(kTasks) + query; };
  };
  std::vector<Case> cases{
      {"upcoming, assignee, high", 0.50,
       [](Random& random, const TestServer&) {
         return fmt::format("{}?mode=upcoming&assigned_to={}&priority=high&limit=20", kTasks,
                            user_id(random.below(kUsers)));
       }},
      {"upcoming", 0.50, fixed("?mode=upcoming&limit=20")},
      {"overdue, low", 0.50, fixed("?mode=overdue&priority=low&limit=20")},
      {"today, assignee", 0.50,
       [](Random& random, const TestServer&) {
         return fmt::format("{}?mode=today&assigned_to={}", kTasks, user_id(random.below(kUsers)));
       }},
      {"linked entity", 0.50,
       [](Random& random, const TestServer& server) {
         return fmt::format("{}?linked_entity_id={}", kTasks, entity_id(random.below(entities(server.tasks()))));
       }},
      {"no parameter", 0.50, fixed("")},
  };
  for (const auto* field : {"due_date", "title", "priority", "action_type", "is_completed", "assigned_to_id",
                            "created_at", "updated_at", "completed_at"})
    for (const auto* direction : {"asc", "desc"})
      cases.push_back({fmt::format("100 by {} {}", field, direction), 0.50,
                       fixed(fmt::format("?limit=100&sort_by={}&sort_dir={}", field, direction))});
  return cases;
}

std::string first_of(const std::string& body, std::string_view key) {  // the text of the first "key":"…"
  const auto at = body.find(fmt::format("\"{}\":\"", key));
  if (at == std::string::npos) return {};
  const auto from = at + key.size() + 4;
  return body.substr(from, body.find('"', from) - from);
}

// Some ids of tasks, spread over the workspace.
std::vector<std::string> sample_ids(const TestServer& server) {
  std::vector<std::string> ids;
  for (const auto* field : {"title", "updated_at", "due_date"}) {
    std::string body =
        request_once(server.port(), get_request(server.token(), fmt::format("{}?limit=100&sort_by={}", kTasks, field)));
    for (std::size_t at = 0; (at = body.find("{\"id\":\"", at)) != std::string::npos; at += 40)
      ids.push_back(body.substr(at + 7, 36));
  }
  return ids;
}

// The target of the `page`-th page of the unfiltered list.
std::string deep_target(const TestServer& server, unsigned page) {
  std::string cursor;
  for (unsigned i = 1; i < page; ++i) {
    const auto target = std::string(kTasks) + "?limit=20" + (cursor.empty() ? "" : "&cursor=" + cursor);
    const std::string next = first_of(request_once(server.port(), get_request(server.token(), target)), "nextCursor");
    if (next.empty()) break;
    cursor = next;
  }
  return std::string(kTasks) + "?limit=20" + (cursor.empty() ? "" : "&cursor=" + cursor);
}

NextRequest requests(const TestServer& server, const std::function<std::string(Random&, const TestServer&)>& target,
                     std::uint64_t seed) {
  auto prepared = std::make_shared<std::vector<std::string>>();
  Random random(seed);
  for (int i = 0; i < 512; ++i) prepared->push_back(get_request(server.token(), target(random, server)));
  auto at = std::make_shared<std::size_t>(0);
  return [prepared, at](std::string& out, std::string_view) { out = (*prepared)[(*at)++ % prepared->size()]; };
}

class Reads {
 public:
  explicit Reads(const Settings& settings)
      : settings_(settings), folder_(settings.folder.empty() ? own_.path() : settings.folder) {
    for (const auto size : settings.sizes)
      servers_.push_back(std::make_unique<TestServer>(settings, fmt::format("{}/{}", folder_, size), size));
    const auto size = settings.sizes.back();
    unkept_ = std::make_unique<TestServer>(settings, fmt::format("{}/{}-unkept", folder_, size), size,
                                           std::vector<std::string>{"--page-cache-mb", "0"});
  }

  int run() {
    print(settings_,
          fmt::format("Machine: {}. {} connections, {} server thread(s), median of {} rounds of {} s.", machine(),
                      settings_.connections, settings_.threads, settings_.rounds, settings_.seconds));
    restart();
    header();
    for (const auto& one : page_cases()) compare(one);
    for (auto& server : servers_) ids_.push_back(sample_ids(*server));
    ids_.push_back(sample_ids(*unkept_));
    compare({"one task", 0.75, [this](Random& random, const TestServer& server) {
               const auto& ids = ids_[index_of(server)];
               return fmt::format("{}/{}", kTasks, ids[random.below(std::uint32_t(ids.size()))]);
             }});
    compare({"stats, own", 0.75, [](Random&, const TestServer&) { return std::string(kTasks) + "/stats"; }});
    compare({"stats, all", 0.75,
             [](Random&, const TestServer&) { return std::string(kTasks) + "/stats?assigned_to=all"; }});
    for (auto& server : servers_) deep_.push_back(deep_target(*server, 1000));
    deep_.push_back(deep_target(*unkept_, 1000));
    compare({"1,000th page", 0.50, [this](Random&, const TestServer& server) { return deep_[index_of(server)]; }});
    filters();
    idle();
    memory();
    return 0;
  }

 private:
  [[nodiscard]] bool wanted(const std::string& name) const {
    return settings_.only.empty() || name.find(settings_.only) != std::string::npos;
  }
  [[nodiscard]] std::size_t index_of(const TestServer& server) const {
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (servers_[i].get() == &server) return i;
    return servers_.size();  // unkept_
  }
  [[nodiscard]] TestServer& largest() { return *servers_.back(); }

  void header() {
    std::string head = "| case | bytes | ceiling req/s | p99 ms | CPU us |", rule = "|---|---|---|---|---|";
    for (const auto& server : servers_)
      head += fmt::format(" {} tasks req/s | p50 / p99 ms | CPU us |", server->tasks()), rule += "---|---|---|";
    head += " no page kept req/s | p50 / p99 ms | CPU us |", rule += "---|---|---|";
    print(settings_,
          "\n" + head + " of ceiling | no page kept | wanted | large / small |\n" + rule + "---|---|---|---|");
  }

  // Images are loaded and sort orders built on their first use, in the background.
  static void settle(TestServer& server, const Case& one) {
    Random random(1);
    const auto request = get_request(server.token(), one.target(random, server));
    for (int i = 0; i < 500; ++i) {
      const auto from = std::chrono::steady_clock::now();
      (void)request_once(server.port(), request);
      if (std::chrono::steady_clock::now() - from < std::chrono::milliseconds(2)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  void compare(const Case& one) {
    if (!wanted(one.name)) return;
    Random random(settings_.seed);
    std::string head;
    unsigned status = 0;
    settle(*unkept_, one);
    for (const auto& server : servers_) settle(*server, one);
    const std::string body =
        request_once(largest().port(), get_request(largest().token(), one.target(random, largest())), &status, &head);
    if (status != 200) return print(settings_, fmt::format("| {} | answered {}: {} |", one.name, status, body));
    const Ceiling ceiling(settings_, head + body);
    std::vector<Subject> subjects{
        {"ceiling", ceiling.port(), requests(largest(), one.target, settings_.seed), &ceiling.process()}};
    for (const auto& server : servers_)
      subjects.push_back({"", server->port(), requests(*server, one.target, settings_.seed), &server->process()});
    subjects.push_back({"", unkept_->port(), requests(*unkept_, one.target, settings_.seed), &unkept_->process()});
    const auto results = alternate(settings_, subjects, settings_.connections);
    const auto& kept = results[results.size() - 2];
    std::string row = fmt::format("| {} | {} | {:.0f} | {:.2f} | {:.1f} |", one.name, head.size() + body.size(),
                                  results[0].requests_per_second, results[0].p99_ms, results[0].server_us);
    std::uint64_t errors = 0;
    for (std::size_t i = 1; i < results.size(); ++i) {
      row += fmt::format(" {:.0f} | {:.2f} / {:.2f} | {:.1f} |", results[i].requests_per_second, results[i].p50_ms,
                         results[i].p99_ms, results[i].server_us);
      errors += results[i].errors;
    }
    row +=
        fmt::format(" {:.2f} | {:.2f} | {:.2f} | {:.2f} |", kept.requests_per_second / results[0].requests_per_second,
                    results.back().requests_per_second / results[0].requests_per_second, one.wanted,
                    kept.requests_per_second / results[1].requests_per_second);
    print(settings_, errors ? row + fmt::format(" VOID: {} errors", errors) : row);
  }

  // Any FilterGroup with any sort, and search: one client, at the largest size.
  void filters() {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"nested OR, contains",
         R"({"type":"OR","conditions":[{"field":"title","operator":"contains","value":"invoice"},{"type":"AND","conditions":[{"field":"priority","operator":"equals","value":"high"},{"field":"title","operator":"contains","value":"alice"}]}]})"},
        {"between on dates",
         R"({"conditions":[{"field":"due_date","operator":"between","value":["2020-01-01","2035-01-01"]},{"field":"created_at","operator":"date_after","value":"2020-01-01"}]})"},
        {"links and users",
         R"({"type":"OR","conditions":[{"field":"linked_entity_type","operator":"equals","value":"contacts"},{"field":"assigned_to_id","operator":"in","value":["a5510000-0000-4000-8000-000000000001","a5510000-0000-4000-8000-000000000002"]}]})"},
        {"everything but",
         R"({"conditions":[{"field":"title","operator":"not_contains","value":"zebra"},{"field":"is_completed","operator":"equals","value":false},{"field":"completed_at","operator":"is_null"}]})"},
    };
    std::string hundred, ten;
    for (unsigned i = 0; i < 100; ++i) {
      hundred += fmt::format(R"({}{{"field":"{}","operator":"not_equals","value":"{}"}})", i ? "," : "",
                             i % 2 ? "assigned_to_id" : "created_by", user_id(kUsers + i));
      if (i < 10)
        ten += fmt::format(R"({}{{"field":"title","operator":"not_contains","value":"zebra {}"}})", i ? "," : "", i);
    }
    const std::vector<std::pair<std::string, std::string>> wide{
        {"a hundred conditions on users", R"({"conditions":[)" + hundred + "]}"},
        {"ten words that no title has", R"({"conditions":[)" + ten + "]}"},
    };
    const std::vector<std::string> sorts{
        "", R"([{"field":"title","direction":"desc"}])",
        R"([{"field":"priority","direction":"desc"},{"field":"title"},{"field":"updated_at","direction":"desc"}])",
        R"([{"field":"is_completed"},{"field":"assigned_to_id"},{"field":"due_date"}])"};
    print(settings_, fmt::format("\n| filter at {} tasks, one client | sort | CPU ms | p50 ms | p99 ms | wanted p99 "
                                 "|\n|---|---|---|---|---|---|",
                                 unkept_->tasks()));
    for (const auto& [name, filter] : cases)
      for (const auto& sort : sorts)
        single(name, sort.empty() ? "due_date" : sort,
               fmt::format("{}?filters={}&sort={}", kTasks, percent_encoded(filter), percent_encoded(sort)), 20);
    for (const auto& [name, filter] : wide)
      single(name, "due_date", fmt::format("{}?filters={}", kTasks, percent_encoded(filter)), 20);
    for (const auto* words : {"alice renewal", "escalation", "e", "no such words", "%23999999"})
      single(fmt::format("search '{}'", words), "due_date",
             fmt::format("{}?search={}", kTasks,
                         std::string_view(words).starts_with('%') ? words : percent_encoded(words)),
             10);
  }
  void single(const std::string& name, const std::string& sort, const std::string& target, double wanted_ms) {
    if (!wanted(name)) return;
    auto& server = *unkept_;  // each time as if it were the first
    const Subject subject{name, server.port(),
                          requests(
                              server, [&](Random&, const TestServer&) { return target; }, 1),
                          &server.process()};
    const auto result = alternate(settings_, {subject}, 1)[0];
    print(settings_,
          fmt::format("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.0f} |{}", name, sort, result.server_us / 1000,
                      result.p50_ms, result.p99_ms, wanted_ms, result.errors ? " VOID" : ""));
  }

  void idle() {
    if (!wanted("idle")) return;
    const auto target = [](Random&, const TestServer&) { return std::string(kTasks) + "?mode=upcoming&limit=20"; };
    std::vector<double> without, with;
    for (unsigned round = 0; round < settings_.rounds; ++round) {
      const auto next = requests(largest(), target, 1);
      without.push_back(
          run_load({largest().port(), settings_.connections, settings_.seconds, settings_.warmup, 0}, next)
              .requests_per_second);
      with.push_back(
          run_load({largest().port(), settings_.connections, settings_.seconds, settings_.warmup, 1000}, next)
              .requests_per_second);
    }
    print(settings_,
          fmt::format("\n1,000 idle connections beside {} busy ones: {:.0f} req/s, without them {:.0f} ({:.2f}).",
                      settings_.connections, median(with), median(without), median(with) / median(without)));
  }

  void memory() {
    for (const auto& server : servers_)
      print(settings_, fmt::format("Resident after all this, {} tasks: {} MB.", server->tasks(),
                                   server->process().resident_bytes() / 1'000'000));
  }

  // Batches of 50 creates on 8 connections, for some seconds; then the server dies in the middle of them.
  static void kill_while_writing(TestServer& server, std::uint64_t seed) {
    constexpr double kSeconds = 10;
    const NextRequest creates = [&server, random = std::make_shared<Random>(seed), now = now_ms()](std::string& out,
                                                                                                   std::string_view) {
      std::string records;
      for (int i = 0; i < 50; ++i) {
        if (i) records += ',';
        append_create_body(records, *random, now);
      }
      out = body_request("POST", server.token(), "/api/v1/tasks/batch/create", "{\"records\":[" + records + "]}");
    };
    std::thread writing([&] {
      try {
        (void)run_load({server.port(), 8, kSeconds + 1, 0}, creates);
      } catch (const std::exception&) {  // it has lost its server, as it should
      }
    });
    std::this_thread::sleep_for(std::chrono::duration<double>(kSeconds));
    server.stop(SIGKILL);
    writing.join();
  }
  // From the start of the process to its first answered list page, in seconds.
  static double started_in(TestServer& server) {
    const auto from = std::chrono::steady_clock::now();
    server.start();
    (void)request_once(server.port(), get_request(server.token(), "/api/v1/tasks?mode=upcoming&limit=20"));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  }
  void restart() {
    if (!wanted("start")) return;
    const auto report = [this](const char* after, std::vector<double> seconds) {
      print(settings_, fmt::format("Start to the first list page, {} tasks, after {}: {:.2f} s.", largest().tasks(),
                                   after, median(std::move(seconds))));
    };
    for (const int signal : {SIGTERM, SIGKILL}) {
      std::vector<double> seconds;
      for (unsigned round = 0; round < settings_.rounds; ++round) {
        largest().stop(signal);
        seconds.push_back(started_in(largest()));
      }
      report(signal == SIGKILL ? "kill -9" : "a clean stop", std::move(seconds));
    }
    std::vector<double> seconds;
    for (unsigned round = 0; round < settings_.rounds; ++round) {
      // A copy, since what is written would be there for other measurements.
      const std::string copy = folder_ + "/written";
      largest().stop();
      std::filesystem::copy(fmt::format("{}/{}", folder_, largest().tasks()), copy,
                            std::filesystem::copy_options::recursive);
      {
        TestServer server(settings_, copy, largest().tasks());
        (void)request_once(server.port(), get_request(server.token(), "/api/v1/tasks?limit=1"));
        kill_while_writing(server, settings_.seed + round);
        seconds.push_back(started_in(server));
      }
      std::filesystem::remove_all(copy);
      largest().start();
    }
    report("kill -9 in the middle of ten seconds of batch creates", std::move(seconds));
  }

  const Settings& settings_;
  TemporaryFolder own_;
  const std::string folder_;
  std::vector<std::unique_ptr<TestServer>> servers_;
  std::unique_ptr<TestServer> unkept_;  // of the largest size, working every page out
  std::vector<std::vector<std::string>> ids_;
  std::vector<std::string> deep_;
};

}  // namespace

int run_reads(const Settings& settings) { return Reads(settings).run(); }

}  // namespace taskledger::bench
