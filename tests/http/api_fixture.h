// The API on a log in memory and naive read models, called as a session would call it, without a socket. Answers are
// compared as whole texts: status, headers, an empty line, body.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands/administration.h"
#include "commands/command_handler.h"
#include "http/api.h"
#include "http/kept_headers.h"
#include "projections/past/past_reads.h"
#include "storage/bulk_append.h"
#include "storage/memory_event_log.h"
#include "tests/http/fake_models.h"

namespace taskledger::http::test {

struct FakeWorkers final : Workers {
  bool post(std::function<void()> job, std::function<void()> dropped) override {
    if (full) return false;
    ++jobs;
    if (stopped) {
      dropped();
    } else {
      busy = true;
      job();
      busy = false;
    }
    return true;
  }
  bool full = false, stopped = false;
  std::atomic<bool> busy{false};  // a job runs
  int jobs = 0;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// Monday, 2025-03-17T10:00:00Z.
inline constexpr Timestamp kNow{1'742'205'600'000};
inline constexpr std::string_view kUser = "00000000-0000-4000-8000-000000000007";
inline constexpr std::string_view kOther = "00000000-0000-4000-8000-000000000008";

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() { restart({}); }

  // Another service on the same data.
  void restart(ApiOptions options) {
    if (options.server_key.empty()) options.server_key = std::string(32, 'k');
    if (!log) {
      log = storage::make_memory_event_log([this] { return now; });
      models = std::make_unique<FakeModels>(*log);
      past = std::make_unique<projections::PastReads>(*log, *models, [this] { return now; });
      commands = commands::make_command_handler(
          *log, [this] { return now; }, random());
      workspace("acme", WorkspaceNumber{1});
      token = make_token("tasks:read,tasks:write,audit:read,admin");
    }
    ApiParts parts{*log, *models, *commands, workers, [this] { return now; }, random()};
    parts.past = past.get();
    change(parts);
    api = make_api(std::move(parts), std::move(options));
  }
  void workspace(std::string_view name, WorkspaceNumber number) {
    ASSERT_TRUE(commands::append_and_wait(*log, commands::make_workspace(name, number, UserId{})));
  }
  std::string make_token(std::string_view scopes, std::string_view user = kUser, std::string_view zone = "UTC",
                         std::optional<Timestamp> expires = std::nullopt, WorkspaceNumber workspace = {1}) {
    Token made;
    made.workspace = workspace;
    made.user = UserId{*parse_uuid(user)};
    made.scopes = *parse_scopes(scopes);
    made.zone = *TimeZone::load(zone);
    made.expires_at = expires;
    auto commit = commands::make_token(
        made, [this] { return now; }, random());
    EXPECT_TRUE(commands::append_and_wait(*log, commit.commit));
    last_token_id = commit.token.id;
    return commit.token.secret;
  }
  // Ids are 00000000-0000-7…: counting up, so that answers can be written down.
  RandomBytes random() {
    return [this](std::span<std::uint8_t> bytes) {
      std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
      const auto n = ++random_;
      bytes.back() = static_cast<std::uint8_t>(n);
      bytes[bytes.size() - 2] = static_cast<std::uint8_t>(n >> 8);
    };
  }

  // "status", then the header lines that are not of every answer, then the body.
  std::string call(std::string_view line, std::string_view body = {}, Headers headers = {}) {
    const auto reply = send(line, body, std::move(headers));
    std::string out = std::to_string(reply.status) + "\n";
    std::string_view rest = reply.headers;
    position.clear();
    while (!rest.empty()) {
      const auto end = rest.find("\r\n");
      const auto header = rest.substr(0, end);
      rest.remove_prefix(end + 2);
      if (header.starts_with("X-Position: ")) {
        position = header.substr(12);
      } else {
        out.append(header).append("\n");
      }
    }
    out.append(reply.before_shared());
    if (reply.shared) out.append(*reply.shared);
    out.append(reply.after_shared());
    return out;
  }
  // Status and body of a call with the usual token.
  Reply send(std::string_view line, std::string_view body, Headers headers) {
    RequestHead head;
    const auto space = line.find(' ');
    static const std::map<std::string_view, Method> kMethods{
        {"GET", Method::get},     {"HEAD", Method::head},  {"POST", Method::post},       {"PUT", Method::put},
        {"PATCH", Method::patch}, {"DELETE", Method::del}, {"OPTIONS", Method::options}, {"BREW", Method::other}};
    head.method = kMethods.at(line.substr(0, space));
    const std::string target =
        line[space + 1] == '~' ? "/api/v1" + std::string(line.substr(space + 2)) : std::string(line.substr(space + 1));
    head.target = target;
    const std::string bearer = "Bearer " + token;
    head.authorization = bearer;
    head.has_authorization = true;
    if (!body.empty()) {
      head.has_body = true;
      head.content_type = "application/json";
      head.content_length = body.size();
    }
    for (const auto& [name, value] : headers) set(head, name, value);

    auto admitted = api->admit(head);
    const auto told = [&](Reply reply, const Admission* admission) {
      api->finished(head, admission, reply.status, reply.body_size(), 1'234);
      return reply;
    };
    if (auto* reply = std::get_if<Reply>(&admitted)) return told(*reply, nullptr);
    const auto& admission = std::get<Admission>(admitted);
    if (body.size() > admission.body_limit) return api->refuse(&head, &admission, 413, "Body is too large");
    if (auto reply = api->answer_now(head, admission, body)) return told(*reply, &admission);
    boost::asio::io_context io;
    std::optional<Answer> answer;
    models->on_wait = [&] {
      if (when_waiting) boost::asio::post(io, std::exchange(when_waiting, nullptr));
    };
    auto work = api->answer(head, admission, std::string(body));
    boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, Answer got) {
      if (error) std::rethrow_exception(error);
      answer = std::move(got);
    });
    io.run();
    models->on_wait = nullptr;
    return told(std::get<Reply>(*answer), &admission);
  }
  static void set(RequestHead& head, std::string_view name, std::string_view value) {
    if (name == "Authorization") head.authorization = value, head.has_authorization = !value.empty();
    if (name == "Content-Type") head.content_type = value;
    if (name == "If-Match") head.if_match = value, head.has_if_match = true;
    if (name == "If-None-Match") head.if_none_match = value;
    if (name == "Idempotency-Key") head.idempotency_key = value, head.has_idempotency_key = true;
    if (name == "X-Min-Position") head.min_position = value, head.has_min_position = true;
    if (name == "Origin") head.origin = value;
    if (name == "Access-Control-Request-Method") head.access_control_request_method = value;
    if (name == "From") head.remote_address = value;
    if (name == "traceparent") head.traceparent = value;
    if (name == "X-Request-Id") head.request_id = value;
    for (std::size_t index = 0; index < kKeptHeaders.size(); ++index) {
      if (name == "repeated" && value == kKeptHeaders[index].name) set_repeated(head, index);
    }
    if (name == "Transfer-Encoding") head.content_length.reset(), head.has_body = true;
  }

  // A task through the API; its id.
  std::string make(std::string_view body) {
    const auto answer = call("POST ~/tasks", body);
    EXPECT_TRUE(answer.starts_with("201\n")) << answer;
    const auto at = answer.find(R"("task_id":")");
    return answer.substr(at + 11, 36);
  }
  static std::string error(unsigned status, std::string_view code, std::string_view message) {
    std::string out = std::to_string(status) + "\n";
    if (status == 503) out += "Retry-After: 1\n";
    if (status == 401) out += "WWW-Authenticate: Bearer\n";
    return out.append(R"({"error":true,"code":")")
        .append(code)
        .append(R"(","message":")")
        .append(message)
        .append("\"}");
  }
  static std::string invalid(std::string_view message) { return error(400, "VALIDATION_ERROR", message); }
  static std::string not_found() { return error(404, "RECORD_NOT_FOUND", "Task not found"); }
  // The titles of a list's tasks.
  std::string titles(std::string_view query) {
    const auto answer = call(std::string("GET ~/tasks") + std::string(query));
    if (!answer.starts_with("200\n")) return answer;
    std::string out;
    for (std::size_t at = 0; (at = answer.find(R"("title":")", at)) != std::string::npos;) {
      at += 9;
      if (!out.empty()) out += ' ';
      out += answer.substr(at, answer.find('"', at) - at);
    }
    const auto total = answer.find(R"("total":)") + 8;
    return out + " /" + answer.substr(total, answer.find(',', total) - total);
  }
  static std::string cursor_of(std::string_view answer) {
    const auto at = answer.find(R"("nextCursor":")");
    if (at == std::string_view::npos) return {};
    return std::string(answer.substr(at + 14, answer.find('"', at + 14) - at - 14));
  }

  std::function<void(ApiParts&)> change = [](ApiParts&) {};  // before restart()
  Timestamp now = kNow;
  std::unique_ptr<storage::EventLog> log;
  std::unique_ptr<FakeModels> models;
  std::unique_ptr<projections::PastReads> past;
  std::unique_ptr<commands::CommandHandler> commands;
  FakeWorkers workers;
  std::unique_ptr<Service> api;
  std::string token, position;
  TokenId last_token_id;
  std::function<void()> when_waiting;  // runs once, when a request waits for a position

 private:
  unsigned random_ = 0;
};

}  // namespace taskledger::http::test
