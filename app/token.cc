// `token`: make, list and revoke tokens, in a directory that no server holds or (--url, --token) on a running server.
#include <fmt/core.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/command.h"
#include "app/http_client.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/system.h"
#include "commands/administration.h"
#include "core/text.h"

namespace taskledger::app {
namespace {

// Where to do it: `data`, or `url` with `token`.
struct Place {
  std::string data, url, token;
};
struct CreateSettings {
  Place place;
  std::string workspace, user, scopes = "tasks:read,tasks:write", timezone = "UTC", expires;
  bool json = false;
};

void add_place_options(CLI::App& command, Place& place) {
  auto* data = command.add_option("--data", place.data, "The data directory; no server may hold it")->type_name("DIR");
  auto* url = command.add_option("--url", place.url, "A running server instead")->type_name("URL")->excludes(data);
  auto* token =
      command.add_option("--token", place.token, "For --url: a token with the scope admin")->type_name("ksr_…");
  url->needs(token);
}

void check_place(const Place& place) {
  if (place.data.empty() && place.url.empty()) throw CLI::RequiredError("--data (or --url and --token)");
}

// The token that the flags ask for; wrong usage where they say what no token can have.
Token token_from(const CreateSettings& settings) {
  Token token;
  const auto user = parse_uuid(settings.user);
  if (!user) throw CLI::ValidationError("--user", "is no UUID: " + settings.user);
  token.user = {*user};
  const auto scopes = parse_scopes(settings.scopes);
  if (!scopes) throw CLI::ValidationError("--scopes", "takes a comma-separated list of " + std::string(kScopeNames));
  token.scopes = *scopes;
  const auto zone = TimeZone::load(settings.timezone);
  if (!zone) throw CLI::ValidationError("--timezone", "is no IANA time zone: " + settings.timezone);
  token.zone = *zone;
  if (settings.expires.empty()) return token;
  const auto expires = parse_time(settings.expires, *zone);
  if (!expires) throw CLI::ValidationError("--expires", "is no time: " + settings.expires);
  token.expires_at = expires->as_until();
  if (*token.expires_at <= system_now()) throw CLI::ValidationError("--expires", "is past: " + settings.expires);
  return token;
}

void append(storage::EventLog& log, storage::Commit commit) {
  const auto appended = commands::append_and_wait(log, std::move(commit));
  if (!appended) throw Failed("the log could not be written: " + log.failure().value_or("it is closing"));
}

void print_created(const CreateSettings& settings, const std::string& id, const std::string& secret) {
  if (settings.json) {
    fmt::print("{{\"id\":\"{}\",\"token\":\"{}\"}}\n", id, secret);
  } else {
    fmt::print("{}\n", secret);
  }
}

// The workspace of the token that a server is called with.
std::string workspace_of(const Place& place) {
  simdjson::dom::parser parser;
  const std::string answer = http_request_ok(place.url, place.token, "GET", "/api/v1/me");
  return std::string(parser.parse(answer)["workspace"].get_string().value());
}

int create_on_server(const CreateSettings& settings, const Token& token) {
  if (!settings.workspace.empty()) {
    const std::string own = workspace_of(settings.place);
    if (own != settings.workspace) {
      throw Failed("--token is of the workspace '" + own + "', so no token can be made for '" + settings.workspace +
                   "' with it");
    }
  }
  std::string body = "{\"user_id\":\"" + to_string(token.user) + "\",\"scopes\":";
  append_scopes_json(body, token.scopes);
  body += ",\"timezone\":";
  append_json_string(body, token.zone.name());
  if (token.expires_at) body += ",\"expires_at\":\"" + to_rfc3339(*token.expires_at) + "\"";
  const std::string answer =
      http_request_ok(settings.place.url, settings.place.token, "POST", "/api/v1/admin/tokens", body + "}");
  simdjson::dom::parser parser;
  const simdjson::dom::element json = parser.parse(answer);
  print_created(settings, std::string(json["id"].get_string().value()),
                std::string(json["token"].get_string().value()));
  return kDone;
}

int create(const CreateSettings& settings, Token token) {
  if (!settings.place.url.empty()) return create_on_server(settings, token);
  const auto name = commands::check_workspace_name(settings.workspace);
  if (!name) throw CLI::ValidationError("--workspace", name.error().message);
  const OpenLog open = open_to_write(settings.place.data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  if (const auto known = directory.workspace_named(*name)) {
    token.workspace = known->number;
  } else {
    token.workspace = directory.next_workspace_number();
    append(*open.log, commands::make_workspace(*name, token.workspace, token.user));
  }
  commands::TokenCommit made = commands::make_token(token, system_now, system_random);
  append(*open.log, std::move(made.commit));
  print_created(settings, to_string(made.token.id), made.token.secret);
  return kDone;
}

void append_token_json(std::string& out, const Token& token, const Workspace& workspace) {
  out += "{\"id\":\"" + to_string(token.id) + "\",\"workspace\":";
  append_json_string(out, workspace.name);
  out += ",\"user_id\":\"" + to_string(token.user) + "\",\"scopes\":";
  append_scopes_json(out, token.scopes);
  out += ",\"timezone\":";
  append_json_string(out, token.zone.name());
  out += ",\"expires_at\":" + (token.expires_at ? "\"" + to_rfc3339(*token.expires_at) + "\"" : "null");
  out += ",\"created_at\":\"" + to_rfc3339(token.created_at) + "\"}";
}

void print_token(const Token& token, const Workspace& workspace) {
  std::string scopes;
  append_scopes_json(scopes, token.scopes);
  std::erase_if(scopes, [](char c) { return c == '[' || c == ']' || c == '"'; });
  fmt::print("{}  {}  user {}  {}  {}  {}\n", to_string(token.id), workspace.name, to_string(token.user), scopes,
             token.zone.name(), token.expires_at ? "expires " + to_rfc3339(*token.expires_at) : "does not expire");
}

struct ListedToken {
  Token token;
  Workspace workspace;
};

// As a server lists them: those of its caller's workspace.
std::vector<ListedToken> tokens_on_server(const Place& place) {
  Workspace workspace;
  workspace.name = workspace_of(place);
  simdjson::dom::parser parser;
  const std::string answer = http_request_ok(place.url, place.token, "GET", "/api/v1/admin/tokens");
  const auto text = [](simdjson::dom::element of, const char* name) {
    std::string_view value;
    return of[name].get(value) == simdjson::SUCCESS ? value : std::string_view();  // null: empty
  };
  const auto time = [&](simdjson::dom::element of, const char* name) -> std::optional<Timestamp> {
    const auto read = parse_time(text(of, name), TimeZone{});
    return read ? std::optional(read->at) : std::nullopt;
  };
  std::vector<ListedToken> listed;
  const simdjson::dom::element root = parser.parse(answer);
  const simdjson::dom::array all = root["data"];
  for (const simdjson::dom::element one : all) {
    Token& token = listed.emplace_back(Token{}, workspace).token;
    std::string scopes;
    const simdjson::dom::array given = one["scopes"];
    for (const simdjson::dom::element scope : given) {
      if (!scopes.empty()) scopes += ',';
      scopes += scope.get_string().value();
    }
    token.id = {parse_uuid(text(one, "id")).value_or(Uuid{})};
    token.user = {parse_uuid(text(one, "user_id")).value_or(Uuid{})};
    token.scopes = parse_scopes(scopes).value_or(Scopes{});
    token.zone = TimeZone::load(text(one, "timezone")).value_or(TimeZone{});
    token.expires_at = time(one, "expires_at");
    token.created_at = time(one, "created_at").value_or(Timestamp{});
  }
  return listed;
}

std::vector<ListedToken> tokens_of(const Place& place) {
  if (!place.url.empty()) return tokens_on_server(place);
  const OpenLog open = open_existing(place.data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  std::vector<ListedToken> listed;
  for (const Token& token : directory.tokens())
    listed.push_back({token, directory.workspace(token.workspace).value_or(Workspace{})});
  return listed;
}

int list(const Place& place, bool json) {
  std::string out = "{\"data\":[";
  for (const auto& [token, workspace] : tokens_of(place)) {
    if (json) {
      if (out.back() == '}') out += ',';
      append_token_json(out, token, workspace);
    } else {
      print_token(token, workspace);
    }
  }
  if (json) fmt::print("{}]}}\n", out);
  return kDone;
}

int revoke(const Place& place, const TokenId& id) {
  if (!place.url.empty()) {
    (void)http_request_ok(place.url, place.token, "DELETE", "/api/v1/admin/tokens/" + to_string(id));
    return kDone;
  }
  const OpenLog open = open_existing(place.data);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  const auto tokens = directory.tokens();
  if (std::none_of(tokens.begin(), tokens.end(), [&](const Token& token) { return token.id == id; }))
    throw Failed("no token " + to_string(id));
  append(*open.log, commands::revoke_token(id, UserId{}));
  return kDone;
}

void add_create(CLI::App& token, Run& run) {
  auto settings = std::make_shared<CreateSettings>();
  CLI::App* command = token.add_subcommand("create", "Make a token; its secret is printed once, alone on stdout");
  add_place_options(*command, settings->place);
  command
      ->add_option("--workspace", settings->workspace,
                   "The workspace; made when it is not there (with --url: the token's)")
      ->check(not_empty())
      ->type_name("NAME");
  command->add_option("--user", settings->user, "The user")->type_name("UUID")->required();
  command->add_option("--scopes", settings->scopes, "Of " + std::string(kScopeNames))
      ->type_name("LIST")
      ->capture_default_str();
  command->add_option("--timezone", settings->timezone, "The user's IANA time zone")
      ->type_name("TZ")
      ->capture_default_str();
  command->add_option("--expires", settings->expires, "When it ends: a time, or the last day")
      ->check(not_empty())
      ->type_name("TIME");
  command->add_flag("--json", settings->json, "Id and secret as JSON");
  command->callback([settings, &run] {
    check_place(settings->place);
    if (settings->workspace.empty() && settings->place.url.empty()) throw CLI::RequiredError("--workspace");
    run = [settings, asked = token_from(*settings)] { return create(*settings, asked); };
  });
}

void add_list(CLI::App& token, Run& run) {
  struct Settings {
    Place place;
    bool json = false;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* command = token.add_subcommand("list", "The tokens that are not revoked");
  add_place_options(*command, settings->place);
  command->add_flag("--json", settings->json, "As JSON");
  command->callback([settings, &run] {
    check_place(settings->place);
    run = [settings] { return list(settings->place, settings->json); };
  });
}

void add_revoke(CLI::App& token, Run& run) {
  struct Settings {
    Place place;
    std::string id;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* command = token.add_subcommand("revoke", "End a token");
  add_place_options(*command, settings->place);
  command->add_option("ID", settings->id, "The token's id")->required();
  command->callback([settings, &run] {
    check_place(settings->place);
    const auto id = parse_uuid(settings->id);
    if (!id) throw CLI::ValidationError("ID", "is no UUID: " + settings->id);
    run = [settings, id] { return revoke(settings->place, TokenId{*id}); };
  });
}

}  // namespace

void add_token(CLI::App& root, Run& run) {
  CLI::App* command = root.add_subcommand("token", "Make, list and revoke tokens");
  command->require_subcommand(1);
  command->footer("Each takes --data DIR, or --url URL and --token T of a running server.");
  add_create(*command, run);
  add_list(*command, run);
  add_revoke(*command, run);
}

}  // namespace taskledger::app
