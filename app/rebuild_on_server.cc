#include "app/rebuild_on_server.h"

#include <fmt/core.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <thread>

#include "app/command.h"
#include "app/http_client.h"

namespace taskledger::app {
namespace {

using simdjson::dom::element;

constexpr const char* kPath = "/api/v1/admin/projections";
constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr int kLooksBetweenLines = 25;

// Absent, null or of another type: empty, 0.
std::string text_of(simdjson::simdjson_result<element> value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}
double number_of(simdjson::simdjson_result<element> value) {
  double number = 0;
  return value.get(number) == simdjson::SUCCESS ? number : 0;
}

void print_progress(const element& projection) {
  const double progress = number_of(projection["progress"]), rate = number_of(projection["events_per_second"]);
  const double checkpoint = number_of(projection["checkpoint"]);
  std::string line =
      fmt::format("{} {}: {:.0f} %", text_of(projection["state"]), text_of(projection["name"]), progress * 100);
  if (rate > 0)
    line += fmt::format(", {:.0f} events/s, {:.0f} s left", rate, checkpoint * (1 - std::min(progress, 1.0)) / rate);
  fmt::print(stderr, "{}\n", line);
}

// Looks until `busy` says of none of those named that it is still at work; the last look is given to `each`.
void watch(const RemoteServer& server, const std::vector<std::string>& names,
           const std::function<bool(const element&)>& busy, const std::function<void(const element&)>& each) {
  simdjson::dom::parser parser;
  for (int look = 0;; ++look, std::this_thread::sleep_for(kBetweenLooks)) {
    const std::string answer = http_request_ok(server.url, server.token, "GET", kPath);
    std::vector<element> ours;
    simdjson::dom::array all;
    if (parser.parse(answer)["data"].get(all) != simdjson::SUCCESS)
      throw Failed(server.url + ": not an answer of a taskledger");
    for (const element one : all) {
      if (std::find(names.begin(), names.end(), text_of(one["name"])) != names.end()) ours.push_back(one);
    }
    const auto at_work = std::find_if(ours.begin(), ours.end(), busy);
    if (at_work == ours.end()) {
      std::for_each(ours.begin(), ours.end(), each);
      return;
    }
    if (look % kLooksBetweenLines == kLooksBetweenLines - 1) print_progress(*at_work);
  }
}

void ask(const RemoteServer& server, const std::vector<std::string>& names, const char* what) {
  for (const std::string& name : names)
    (void)http_request_ok(server.url, server.token, "POST", fmt::format("{}/{}/{}", kPath, name, what));
}

}  // namespace

int rebuild_on_server(const RemoteServer& server, const std::vector<std::string>& names) {
  ask(server, names, "rebuild");
  std::string out = R"({"projections":[)";
  watch(
      server, names, [](const element& one) { return text_of(one["state"]) == "rebuilding"; },
      [&](const element& one) {
        const std::string name = text_of(one["name"]), error = text_of(one["error"]);
        if (!error.empty()) throw Failed(name + ": " + error);
        const double generation = number_of(one["generation"]), checkpoint = number_of(one["checkpoint"]);
        if (!server.json) fmt::print("{}: generation {}, checkpoint {}\n", name, generation, checkpoint);
        if (out.back() != '[') out += ',';
        out += fmt::format(R"({{"name":"{}","generation":{},"checkpoint":{}}})", name, generation, checkpoint);
      });
  if (server.json) fmt::print("{}]}}\n", out);
  return kDone;
}

int check_on_server(const RemoteServer& server, const std::vector<std::string>& names) {
  ask(server, names, "check");
  CheckFindings sum;
  std::optional<std::uint64_t> least;
  watch(
      server, names,
      [](const element& one) {
        const std::string state = text_of(one["check"]["state"]);
        return state == "waiting" || state == "running";
      },
      [&](const element& one) {
        const auto check = one["check"];
        if (text_of(check["state"]) == "failed") throw Failed(text_of(one["name"]) + ": " + text_of(check["error"]));
        const auto position = static_cast<std::uint64_t>(number_of(check["position"]));
        sum.position = least ? std::min(*least, position) : position;
        least = sum.position;
        sum.rows += static_cast<std::uint64_t>(number_of(check["rows"]));
        sum.differences += static_cast<std::uint64_t>(number_of(check["differences"]));
        simdjson::dom::array found;
        if (check["first"].get(found) != simdjson::SUCCESS) return;
        for (const element what : found) sum.first.push_back(text_of(element(what)));
      });
  return report_check(sum, server.json);
}

}  // namespace taskledger::app
