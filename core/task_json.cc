#include "core/task_json.h"

#include <array>
#include <stdexcept>

#include "core/json_reader.h"
#include "core/task_reader.h"

namespace taskledger {
namespace {

using namespace json;

constexpr std::size_t kMaxRecords = 100;

// The keys of an object with some of a task's fields: the settable ones come first, then `task_id` (batches only), then
// the read-only ones, which are ignored whatever their value.
constexpr std::size_t kTaskId = kTaskFieldNames.size();
constexpr std::array<std::string_view, 14> kUpdateKeys = {
    "title", "due_date",     "priority",     "action_type",  "assigned_to_id", "linked_entities", "task_id",
    "id",    "is_completed", "completed_at", "completed_by", "created_by",     "created_at",      "updated_at"};
static_assert(kUpdateKeys[kTaskId] == "task_id");
constexpr std::span<const std::string_view> kReadOnlyKeys = std::span(kUpdateKeys).subspan(kTaskId + 1);
constexpr std::array<std::string_view, 13> kFieldsAndReadOnlyKeys = [] {
  std::array<std::string_view, 13> keys;
  for (std::size_t i = 0, out = 0; i < kUpdateKeys.size(); ++i) {
    if (i != kTaskId) keys[out++] = kUpdateKeys[i];
  }
  return keys;
}();

// `keys`: those of a task's fields, and after them those that are ignored.
Result<CreateTask> read_create(const Object& object, std::span<const std::string_view> keys, const TimeZone& zone) {
  TaskPatch patch;
  std::uint64_t seen = 0;
  const Result<void> read = read_object(kFields, object, keys, seen,
                                        [&](std::size_t index, const Path& at, const Element& value) -> Result<void> {
                                          if (index >= kTaskFieldNames.size()) return {};
                                          return read_task_field(index, at, value, Nulls::absent, zone, patch);
                                        });
  if (!read) return read.error();
  Result<TaskFields> fields = to_fields(kFields, std::move(patch));
  if (!fields) return fields.error();
  return CreateTask{std::move(*fields)};
}

Result<void> read_task_id(const Path& path, const Element& value, TaskId& out) {
  const Result<Uuid> id = read_uuid(path, value);
  if (!id) return id.error();
  out = {*id};
  return {};
}

Result<bool> read_completed_flag(const Object& object) {
  static constexpr std::array<std::string_view, 1> kKeys = {"completed"};
  bool completed = true;
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(kFields, object, kKeys, seen, [&](std::size_t, const Path& at, const Element& value) -> Result<void> {
        const Result<bool> flag = read_bool(at, value);
        if (!flag) return flag.error();
        completed = *flag;
        return {};
      });
  if (!read) return read.error();
  return completed;
}

// The body as an object whose elements live as long as `document`.
Result<Object> body_of(const Document& document) {
  Object object;
  if (!document.root()) return Invalid{"Body " + std::string(document.requirement())};
  if (document.root()->get_object().get(object) != simdjson::SUCCESS) return Invalid{"Body must be a JSON object"};
  return object;
}

// --- batch records

using Record = Result<BatchRecord>;

Record read_update_record(const Object& object, const TimeZone& zone) {
  TaskPatch patch;
  TaskId id;
  std::uint64_t seen = 0;
  const Result<void> read = read_object(kFields, object, kUpdateKeys, seen,
                                        [&](std::size_t index, const Path& at, const Element& value) -> Result<void> {
                                          if (index < kTaskId)
                                            return read_task_field(index, at, value, Nulls::clear, zone, patch);
                                          return index == kTaskId ? read_task_id(at, value, id) : Result<void>{};
                                        });
  if (!read) return read.error();
  const std::uint64_t named = std::uint64_t{1} << kTaskId;
  if (!(seen & named)) return fault(kFields / "task_id", "is required");
  if (seen == named) return Invalid{"Record must have at least one field to change"};
  return BatchRecord{id, UpdateTask{std::move(patch)}};
}

// A record of `task_id`, perhaps `completed`, and ignored fields.
Record read_plain_record(BatchKind kind, const Object& object) {
  std::vector<std::string_view> keys = {"task_id"};
  keys.insert(keys.end(), kReadOnlyKeys.begin(), kReadOnlyKeys.end());
  const std::size_t completed_key = keys.size();
  if (kind == BatchKind::complete) keys.push_back("completed");
  TaskId id;
  bool completed = true;
  std::uint64_t seen = 0;
  const Result<void> read = read_object(kFields, object, keys, seen,
                                        [&](std::size_t index, const Path& at, const Element& value) -> Result<void> {
                                          if (index == 0) return read_task_id(at, value, id);
                                          if (index != completed_key) return {};
                                          const Result<bool> flag = read_bool(at, value);
                                          if (!flag) return flag.error();
                                          completed = *flag;
                                          return {};
                                        });
  if (!read) return read.error();
  if (!(seen & 1)) return fault(kFields / "task_id", "is required");
  if (kind == BatchKind::complete) return BatchRecord{id, CompleteTask{completed}};
  return BatchRecord{id, DeleteTask{}};
}

Record read_record(BatchKind kind, const Element& value, const TimeZone& zone) {
  Object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return Invalid{"Record must be a JSON object"};
  if (kind == BatchKind::update) return read_update_record(object, zone);
  if (kind != BatchKind::create) return read_plain_record(kind, object);
  Result<CreateTask> create = read_create(object, kFieldsAndReadOnlyKeys, zone);
  if (!create) return create.error();
  return BatchRecord{std::nullopt, std::move(*create)};
}

Result<Array> records_of(const Object& body) {
  static constexpr std::array<std::string_view, 1> kKeys = {"records"};
  std::optional<Array> records;
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(kFields, body, kKeys, seen, [&](std::size_t, const Path& at, const Element& value) -> Result<void> {
        Array array;
        if (value.get_array().get(array) != simdjson::SUCCESS) return fault(at, "must be an array");
        records = array;
        return {};
      });
  if (!read) return read.error();
  const Path at = kFields / "records";
  if (!records) return fault(at, "is required");
  const auto begin = records->begin();
  if (!(begin != records->end()) || records->size() > kMaxRecords) return fault(at, "must have 1 to 100 records");
  return *records;
}

}  // namespace

Result<CreateTask> parse_create(std::string_view json, const TimeZone& zone) {
  const Document document(json);
  const Result<Object> body = body_of(document);
  if (!body) return body.error();
  return read_create(*body, kTaskFieldNames, zone);
}

Result<UpdateTask> parse_update(std::string_view json, const TimeZone& zone) {
  const Document document(json);
  const Result<Object> body = body_of(document);
  if (!body) return body.error();
  UpdateTask command;
  std::uint64_t seen = 0;
  const Result<void> read = read_object(kFields, *body, kFieldsAndReadOnlyKeys, seen,
                                        [&](std::size_t index, const Path& at, const Element& value) -> Result<void> {
                                          if (index >= kTaskFieldNames.size()) return {};
                                          return read_task_field(index, at, value, Nulls::clear, zone, command.patch);
                                        });
  if (!read) return read.error();
  if (seen == 0) return Invalid{"Body must have at least one field"};
  return command;
}

Result<CompleteTask> parse_complete(std::string_view json) {
  if (json.empty()) return CompleteTask{};
  const Document document(json);
  const Result<Object> body = body_of(document);
  if (!body) return body.error();
  const Result<bool> completed = read_completed_flag(*body);
  if (!completed) return completed.error();
  return CompleteTask{*completed};
}

Result<UndoEvent> parse_undo(std::string_view json) {
  if (json.empty()) return UndoEvent{};
  const Document document(json);
  const Result<Object> body = body_of(document);
  if (!body) return body.error();
  static constexpr std::array<std::string_view, 1> kKeys = {"event_id"};
  UndoEvent command;
  std::uint64_t seen = 0;
  const Result<void> read =
      read_object(kFields, *body, kKeys, seen, [&](std::size_t, const Path& at, const Element& value) -> Result<void> {
        const Result<Uuid> id = read_uuid(at, value);
        if (!id) return id.error();
        command.event = EventId{*id};
        return {};
      });
  if (!read) return read.error();
  return command;
}

Result<std::vector<BatchRecord>, BatchInvalid> parse_batch(BatchKind kind, std::string_view json,
                                                           const TimeZone& zone) {
  const Document document(json);
  const Result<Object> body = body_of(document);
  if (!body) return BatchInvalid{body.error().message, std::nullopt};
  const Result<Array> array = records_of(*body);
  if (!array) return BatchInvalid{array.error().message, std::nullopt};
  std::vector<BatchRecord> records;
  records.reserve(array->size());
  for (const Element& item : *array) {
    Record record = read_record(kind, item, zone);
    if (!record) {
      return BatchInvalid{"records[" + std::to_string(records.size()) + "]: " + record.error().message, records.size()};
    }
    records.push_back(std::move(*record));
  }
  return records;
}

void throw_exception_from_error(const BatchInvalid& error, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + error.message);
}

}  // namespace taskledger
