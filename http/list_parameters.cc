#include "http/list_parameters.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "core/text.h"

namespace taskledger::http {
namespace {

constexpr auto kListParameters = std::to_array<std::string_view>(
    {"mode", "assigned_to", "priority", "action_type", "linked_entity_id", "linked_entity_type", "filters", "search",
     "limit", "cursor", "sort", "sort_by", "sort_dir", "timezone", "as_of"});
constexpr std::array<std::string_view, 3> kStatsParameters{"assigned_to", "timezone", "as_of"};

struct Bounds {
  TimeRange day, week;
};

// Working out civil days costs more than the rest of a request's parameters: the last zone's are kept.
Bounds bounds_of(const TimeZone& zone, Timestamp now) {
  struct Kept {
    std::string zone;
    Bounds bounds;
  };
  thread_local Kept kept;
  const auto& day = kept.bounds.day;
  if (kept.zone != zone.name() || now < day.begin || now >= day.end) {
    kept = {zone.name(), {zone.day_of(now), zone.week_of(now)}};
  }
  return kept.bounds;
}

template <class Member, class Parse>
Result<void> member(const Parameters& parameters, std::string_view name, Parse parse, std::string_view names,
                    Member& out) {
  const auto value = parameters[name];
  if (value.empty()) return {};
  const auto parsed = parse(value);
  if (!parsed) return not_one_of(name, names);
  out = *parsed;
  return {};
}

constexpr std::size_t kMaxWords = 250;  // as many as a title can have

// Each different word, folded; what contains another word says all that the other does.
Result<std::vector<std::string>> parse_search(std::string_view text) {
  std::set<std::string> different;
  for (const auto word : split_words(text)) {
    different.insert(fold_case(word));
    if (different.size() > kMaxWords)
      return invalid_parameter("search", "must not have more than " + std::to_string(kMaxWords) + " different words");
  }
  std::vector<std::string> words;
  for (const std::string& word : different) {
    const auto says_more = [&](const std::string& other) {
      return other.size() > word.size() && other.find(word) != std::string::npos;
    };
    if (std::none_of(different.begin(), different.end(), says_more)) words.push_back(word);
  }
  return words;
}

Result<void> read_filters(const Parameters& parameters, const TimeZone& zone, ListQuery& query) {
  if (auto r = member(parameters, "mode", parse_mode, kModeNames, query.mode); !r) return r;
  if (auto r = member(parameters, "priority", parse_priority, kPriorityNames, query.priority); !r) return r;
  if (auto r = member(parameters, "action_type", parse_action_type, kActionTypeNames, query.action_type); !r) return r;
  if (auto r = member(parameters, "linked_entity_type", parse_entity_type, kEntityTypeNames, query.linked_entity_type);
      !r) {
    return r;
  }
  auto assigned = parameters.uuid("assigned_to");
  if (!assigned) return assigned.error();
  if (*assigned) query.assigned_to = UserId{**assigned};
  auto entity = parameters.uuid("linked_entity_id");
  if (!entity) return entity.error();
  if (*entity) query.linked_entity_id = EntityId{**entity};
  auto words = parse_search(parameters["search"]);
  if (!words) return words.error();
  query.search = *std::move(words);
  if (const auto json = parameters["filters"]; !json.empty()) {
    auto filters = parse_filters(json, zone);
    if (!filters) return filters.error();
    query.filters = *std::move(filters);
  }
  return {};
}

// Of what `as_of` was, so that a cursor knows it again: a day that was today means now, which moves.
std::string as_of_meaning(const Parameters& parameters, const TimeZone& zone) {
  const auto text = parameters["as_of"];
  if (text.empty()) return {};
  const auto time = parse_time(text, zone);
  return (time->whole_day ? "day " : "instant ") + std::to_string(time->at.ms);
}

}  // namespace

Result<std::optional<Timestamp>> parse_as_of(const Parameters& parameters, const TimeZone& zone, Timestamp now) {
  auto time = parameters.time("as_of", zone);
  if (!time) return time.error();
  if (!*time) return std::optional<Timestamp>();
  if ((*time)->at > now) return invalid_parameter("as_of", "must not lie in the future");
  if (!(*time)->whole_day) return std::optional((*time)->at);
  return std::optional(std::min((*time)->as_until(), now));
}

Result<ListRequest> parse_list(std::string_view text, const TimeZone& of_token, Timestamp now,
                               WorkspaceNumber workspace, const Cursors& cursors) {
  Parameters parameters;
  if (auto parsed = parameters.parse(text, kListParameters); !parsed) return parsed.error();
  auto zone = parameters.zone(of_token);
  if (!zone) return zone.error();

  ListRequest request;
  ListQuery& query = request.query;
  if (auto read = read_filters(parameters, *zone, query); !read) return read.error();
  auto order = parse_sort(parameters["sort"], parameters["sort_by"], parameters["sort_dir"]);
  if (!order) return order.error();
  query.order = *std::move(order);
  auto limit = parameters.limit();
  if (!limit) return limit.error();
  query.limit = *limit;
  auto as_of = parse_as_of(parameters, *zone, now);
  if (!as_of) return as_of.error();
  request.as_of = *as_of;
  query.now = as_of->value_or(now);

  request.fingerprint = fingerprint_of(query, zone->name(), as_of_meaning(parameters, *zone));
  query.meaning = request.fingerprint;
  if (const auto cursor = parameters["cursor"]; !cursor.empty()) {
    auto end = cursors.open(cursor, workspace, request.fingerprint);
    if (!end) return invalid_parameter("cursor", "is not one that this list gave out with these parameters");
    query.now = end->now;
    if (request.as_of) request.as_of = end->now;
    query.after = std::move(end->after);
  }
  if (query.mode == Mode::today) query.today = bounds_of(*zone, query.now).day;
  return request;
}

Result<StatsRequest> parse_stats(std::string_view text, const TimeZone& of_token, const UserId& caller, Timestamp now) {
  Parameters parameters;
  if (auto parsed = parameters.parse(text, kStatsParameters); !parsed) return parsed.error();
  auto zone = parameters.zone(of_token);
  if (!zone) return zone.error();
  StatsRequest request;
  request.query.user = caller;
  if (const auto user = parameters["assigned_to"]; user == "all") {
    request.query.user.reset();
  } else if (!user.empty()) {
    const auto id = parse_uuid(user);
    if (!id) return invalid_parameter("assigned_to", "must be a UUID or 'all'");
    request.query.user = UserId{*id};
  }
  auto as_of = parse_as_of(parameters, *zone, now);
  if (!as_of) return as_of.error();
  request.as_of = *as_of;
  request.query.now = as_of->value_or(now);
  const auto bounds = bounds_of(*zone, request.query.now);
  request.query.day = bounds.day;
  request.query.week = bounds.week;
  return request;
}

}  // namespace taskledger::http
