#include "storage/erasure_list.h"

#include <fmt/format.h>

#include <fstream>
#include <future>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "storage/files.h"

namespace taskledger::storage {
namespace {

std::optional<Erasure> parse_line(const std::string& line) {
  std::istringstream in(line);
  std::string stream, actor;
  Erasure one;
  if (!(in >> one.workspace.value >> stream >> actor >> one.time.ms) || !(in >> std::ws).eof()) return std::nullopt;
  const auto stream_id = parse_uuid(stream), actor_id = parse_uuid(actor);
  if (!stream_id || !actor_id) return std::nullopt;
  one.stream = *stream_id;
  one.actor = {*actor_id};
  return one;
}

using Key = std::pair<WorkspaceNumber, Uuid>;

// What the log says of a listed task.
struct State {
  Version version;
  bool deleted = false, erased = false;
};

Result<State, ReadError> state_of(const EventLog& log, const Erasure& one) {
  State state;
  const auto read = log.read_stream(one.workspace, one.stream, {1}, [&](const Record& record) {
    const auto type = static_cast<EventType>(record.type);
    state.version = record.version;
    state.erased = state.erased || type == EventType::task_erased;
    if (type == EventType::task_deleted) state.deleted = true;
    if (type == EventType::task_restored) state.deleted = false;
    return true;
  });
  if (!read) return read.error();
  return state;
}

NewRecord record_of(const Uuid& stream, EventType type) {
  return {
      .stream = stream, .type = static_cast<std::uint8_t>(type), .payload = "{}", .time = {}, .id = {}, .trace = {}};
}

}  // namespace

Result<std::vector<Erasure>, ReadError> read_erasures(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::vector<Erasure>{};
  std::ifstream in(file);
  if (!in) return ReadError{fmt::format("cannot read {}", file.string())};
  std::vector<Erasure> all;
  std::set<Key> seen;
  for (std::string line; std::getline(in, line);) {
    const auto one = parse_line(line);
    if (one && seen.insert({one->workspace, one->stream}).second) all.push_back(*one);
  }
  if (in.bad()) return ReadError{fmt::format("cannot read {}", file.string())};
  return all;
}

Result<void, ReadError> add_erasures(const std::filesystem::path& file, std::span<const Erasure> erasures) {
  const auto there = read_erasures(file);
  if (!there) return there.error();
  std::set<Key> seen;
  for (const Erasure& one : *there) seen.insert({one.workspace, one.stream});
  std::string lines;
  for (const Erasure& one : erasures) {
    if (!seen.insert({one.workspace, one.stream}).second) continue;
    lines += fmt::format("{} {} {} {}\n", one.workspace.value, to_string(one.stream), to_string(one.actor.value),
                         one.time.ms);
  }
  return lines.empty() ? Result<void, ReadError>{} : append_lines(file, lines);
}

Result<std::uint64_t, ReadError> erase_listed(EventLog& log, std::span<const Erasure> erasures) {
  std::uint64_t erased = 0;
  for (const Erasure& one : erasures) {
    const auto state = state_of(log, one);
    if (!state) return state.error();
    if (state->version == Version{} || state->erased) continue;
    Commit commit;
    commit.workspace = one.workspace;
    commit.actor = one.actor;
    commit.imported = true;
    commit.expected = {{one.stream, state->version}};
    commit.erase = {one.stream};
    if (!state->deleted) commit.records.push_back(record_of(one.stream, EventType::task_deleted));
    commit.records.push_back(record_of(one.stream, EventType::task_erased));
    std::promise<bool> answered;
    log.append(std::move(commit), [&](const EventLog::Appending& done) { answered.set_value(done.has_value()); });
    if (!answered.get_future().get()) {
      return ReadError{fmt::format("task {} of workspace {} cannot be erased: {}", to_string(one.stream),
                                   one.workspace.value, log.failure().value_or("its history is damaged"))};
    }
    ++erased;
  }
  return erased;
}

}  // namespace taskledger::storage
