#include "tests/fuzz/targets.h"

#include <cstdio>
#include <cstdlib>

#include "core/canonical_event.h"
#include "core/event.h"
#include "core/event_reader.h"
#include "core/filter.h"
#include "core/task_json.h"
#include "core/time_zone.h"
#include "http/cursor.h"
#include "http/list_parameters.h"
#include "http/request_parser.h"
#include "storage/hash_batch.h"
#include "storage/record_format.h"
#include "tests/fuzz/check.h"

namespace taskledger::fuzz {

void run_session(std::string_view input);  // session_target.cc

namespace {

constexpr Timestamp kNow{1'742'205'600'000};

const TimeZone& paris() {
  static const TimeZone zone = TimeZone::load("Europe/Paris").value_or(TimeZone());
  return zone;
}

// ---- Request heads, and the chunks behind them: whole, and in pieces of every size up to 7. ----

struct ReadRequest {
  http::Parse head = http::Parse::need_more, body = http::Parse::need_more;
  std::size_t head_size = 0;
  std::string target, content;
  friend bool operator==(const ReadRequest&, const ReadRequest&) = default;
};

ReadRequest read_request(std::string_view bytes, std::size_t step) {
  http::RequestParser parser({8192, 16384});
  ReadRequest out;
  for (std::size_t end = std::min(step, bytes.size());; end = std::min(end + step, bytes.size())) {
    out.head = parser.parse_head(bytes.substr(0, end));
    if (out.head != http::Parse::need_more || end == bytes.size()) break;
  }
  if (out.head == http::Parse::refused)
    FUZZ_CHECK(parser.status() >= 400 && parser.status() < 600 && !parser.message().empty());
  if (out.head != http::Parse::complete) return out;
  out.head_size = parser.head_size();
  FUZZ_CHECK(out.head_size <= bytes.size());
  out.target = parser.head().target;
  FUZZ_CHECK(!out.target.empty());
  if (!parser.is_chunked()) return out;
  std::string waiting;
  for (std::size_t at = out.head_size; out.body == http::Parse::need_more && at < bytes.size(); at += step) {
    waiting += bytes.substr(at, step);
    std::size_t used = 0;
    out.body = parser.decode_chunks(waiting, used, out.content, 4096);
    FUZZ_CHECK(used <= waiting.size());
    FUZZ_CHECK(out.content.size() <= 4096 || out.body == http::Parse::refused);
    waiting.erase(0, used);
  }
  if (out.body == http::Parse::refused) out.content.clear();
  return out;
}

void run_request_head(std::string_view input) {
  if (input.empty()) return;
  const auto whole = read_request(input, input.size());
  for (std::size_t step = 1; step <= 7 && step < input.size(); step += 2) {
    const auto pieces = read_request(input, step);
    // In pieces a fault may show before, or after, another: but what is complete is the same.
    if (whole.head == http::Parse::complete) FUZZ_CHECK(pieces == whole || whole.body == http::Parse::refused);
    if (pieces.head == http::Parse::complete) FUZZ_CHECK(whole.head == http::Parse::complete);
  }
}

// ---- Bodies ----

template <class T>
void check_error(const Result<T>& result) {
  if (!result) FUZZ_CHECK(!result.error().message.empty());
}

// What was accepted can be stored and read again.
template <class Event>
void check_stored(const Event& event, EventType type) {
  const std::string data = event_data(TaskEvent(event));
  const auto again = parse_event_data(type, data);
  FUZZ_CHECK(again);
  FUZZ_CHECK(event_data(*again) == data);
}

// The short way of stored payloads and the long one.
void check_both_ways(std::string_view input) {
  for (int code = 0; code <= 8; ++code) {
    const auto type = static_cast<EventType>(code);
    const auto quick = read_canonical_event(type, input);
    if (!quick) continue;
    const auto whole = json::read_event_text(type, input);
    FUZZ_CHECK(whole && *whole == *quick);
  }
}

void run_create_body(std::string_view input) {
  check_both_ways(input);
  const auto created = parse_create(input, paris());
  check_error(created);
  if (created) FUZZ_CHECK(!created->fields.title.empty());
}

void run_update_body(std::string_view input) {
  check_error(parse_update(input, paris()));
  check_error(parse_complete(input));
  check_error(parse_undo(input));
  for (const auto kind : {BatchKind::create, BatchKind::update, BatchKind::complete, BatchKind::remove}) {
    const auto batch = parse_batch(kind, input, paris());
    if (batch) FUZZ_CHECK(!batch->empty() && batch->size() <= 100);
    if (!batch) FUZZ_CHECK(!batch.error().message.empty());
  }
}

// ---- Filters, orders, cursors, whole queries ----

void run_filters(std::string_view input) {
  const auto group = parse_filters(input, paris());
  check_error(group);
  if (!group) return;
  Task task;
  const bool empty = matches(*group, task);
  FUZZ_CHECK(matches(*group, task) == empty);
  task.id = TaskId{*parse_uuid("0195a000-0000-7000-8000-000000000001")};
  task.fields.title = "Straße nach Ístanbul";
  task.fields.due_date = kNow;
  task.fields.priority = Priority::high;
  (void)matches(*group, task);
}

void run_sort(std::string_view input) {
  const auto order = http::parse_sort(input, "", "");
  check_error(order);
  if (order) FUZZ_CHECK(!order->empty() && order->size() <= 5);
}

const http::Cursors& cursors() {
  static const http::Cursors sealed(std::string(32, 'k'));
  return sealed;
}

void run_cursor(std::string_view input) {
  const http::Fingerprint fingerprint{1, 2, 3};
  const auto opened = cursors().open(input, WorkspaceNumber{7}, fingerprint);
  if (!opened) return;
  // Only what was sealed here opens, and only in the one spelling that it was given out in.
  std::string again;
  cursors().append(again, WorkspaceNumber{7}, fingerprint, *opened);
  FUZZ_CHECK(again == input);
  FUZZ_CHECK(!cursors().open(input, WorkspaceNumber{8}, fingerprint));
  FUZZ_CHECK(!cursors().open(input, WorkspaceNumber{7}, {}));
}

std::vector<std::string> cursor_seeds() {
  std::vector<std::string> out;
  const TaskId id{*parse_uuid("0195a000-0000-7000-8000-000000000001")};
  for (const auto& values : std::vector<std::vector<SortValue>>{{},
                                                                {std::monostate()},
                                                                {std::int64_t{-5}, std::string("title")},
                                                                {std::string(300, 't'), std::monostate(), kNow.ms}}) {
    cursors().append(out.emplace_back(), WorkspaceNumber{7}, {1, 2, 3}, {kNow, {values, id}});
  }
  return out;
}

void run_list_query(std::string_view input) {
  const auto request = http::parse_list(input, paris(), kNow, WorkspaceNumber{7}, cursors());
  check_error(request);
  if (request) FUZZ_CHECK(request->query.limit >= 1 && request->query.limit <= 100);
}

// ---- Times and zones ----

void run_times(std::string_view input) {
  const auto time = parse_time(input, paris());
  if (time) {
    FUZZ_CHECK(time->at.ms >= 0 && time->as_until().ms >= 0);
    FUZZ_CHECK(time->day.begin <= time->day.end);
    const auto again = parse_time(to_rfc3339(time->at), paris());
    FUZZ_CHECK(again && again->at == time->at);
  }
  if (const auto zone = TimeZone::load(input)) {
    const auto day = zone->day_of(kNow);
    FUZZ_CHECK(day.begin <= kNow && kNow < day.end);
  }
}

// ---- What is stored and imported ----

void run_import_line(std::string_view input) {
  const auto event = parse_event_line(input);
  check_error(event);
  if (event) check_stored(event->event, event->type);
}

void run_stored_record(std::string_view input) {
  const auto decoded = storage::decode_record(Position{7}, input);
  if (!decoded) return;
  const auto hashes = storage::hashes_after(*decoded);
  storage::HashBatch batch;
  batch.add(*decoded);
  FUZZ_CHECK(batch.hash()[0] == hashes);
  const std::string erased = storage::erase_payload(*decoded);
  const auto again = storage::decode_record(Position{7}, erased);
  FUZZ_CHECK(again && !again->record.payload);
  FUZZ_CHECK(storage::hashes_after(*again) == hashes);
  const auto last = static_cast<std::uint8_t>(EventType::task_erased);
  if (decoded->record.payload && decoded->record.type != storage::kSystemRecord && decoded->record.type <= last) {
    (void)parse_event_data(static_cast<EventType>(decoded->record.type), *decoded->record.payload);
  }
}

std::vector<std::string> stored_record_seeds() {
  std::vector<std::string> out;
  storage::Record record{};
  record.position = {7}, record.in_workspace = {3}, record.workspace = {1};
  record.stream = *parse_uuid("0195a000-0000-7000-8000-000000000001");
  record.version = {1}, record.time = kNow;
  record.type = static_cast<std::uint8_t>(EventType::task_created);
  record.payload = R"({"title":"Call Ada"})";
  storage::encode_record(out.emplace_back(), record, {}, {});
  record.type = static_cast<std::uint8_t>(EventType::task_completed), record.payload = "{}",
  record.trace = "00-4bf92f-01";
  record.imported = true;
  storage::encode_record(out.emplace_back(), record, {}, {});
  record.type = storage::kSystemRecord, record.workspace = {0}, record.payload = R"({"type":"token_created"})";
  storage::encode_record(out.emplace_back(), record, {}, {});
  out.push_back(storage::erase_payload(*storage::decode_record({7}, out[0])));
  return out;
}

constexpr Target kTargets[] = {
    {"session", run_session, nullptr, 50},
    {"request_head", run_request_head, nullptr},
    {"create_body", run_create_body, nullptr},
    {"update_body", run_update_body, nullptr},
    {"filters", run_filters, nullptr},
    {"sort", run_sort, nullptr},
    {"cursor", run_cursor, cursor_seeds},
    {"list_query", run_list_query, nullptr},
    {"times", run_times, nullptr},
    {"import_line", run_import_line, nullptr},
    {"stored_record", run_stored_record, stored_record_seeds},
};

}  // namespace

std::span<const Target> all_targets() { return kTargets; }

const Target& target_named(std::string_view name) {
  for (const Target& target : kTargets) {
    if (target.name == name) return target;
  }
  std::fprintf(stderr, "no fuzz target has this name\n");
  std::abort();
}

}  // namespace taskledger::fuzz
