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

Result<void, ReadError> append_one(EventLog& log, const Erasure& one, Version expected, EventType type) {
  Commit commit;
  commit.workspace = one.workspace;
  commit.actor = one.actor;
  commit.imported = true;
  commit.expected = {{one.stream, expected}};
  if (type == EventType::task_erased) commit.erase = {one.stream};
  commit.records.push_back({.stream = one.stream,
                            .type = static_cast<std::uint8_t>(type),
                            .payload = "{}",
                            .time = {},
                            .id = {},
                            .trace = {}});
  std::promise<bool> answered;
  log.append(std::move(commit), [&](const EventLog::Appending& done) { answered.set_value(done.has_value()); });
  if (answered.get_future().get()) return {};
  return ReadError{fmt::format("task {} of workspace {} cannot be erased: {}", to_string(one.stream),
                               one.workspace.value, log.failure().value_or("its history is damaged"))};
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

Result<void, ReadError> check_erasures(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return ReadError{fmt::format("cannot read {}: there is no such file", file.string())};
  std::ifstream in(file);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const bool torn = in.eof();  // the last one, of which a crash left a part
    if (!torn && !parse_line(line))
      return ReadError{fmt::format("{}:{}: is not a line of a list of erasures", file.string(), number)};
    if (torn && number == 1 && !parse_line(line))
      return ReadError{fmt::format("{} is no list of erasures", file.string())};
  }
  if (!in.eof() || in.bad()) return ReadError{fmt::format("cannot read {}", file.string())};
  return {};
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
    auto state = state_of(log, one);
    if (!state) return state.error();
    if (state->version == Version{} || state->erased) continue;
    // First deleted, by itself: an erasure takes what is there before it, the deletion included.
    if (!state->deleted) {
      if (auto deleted = append_one(log, one, state->version, EventType::task_deleted); !deleted)
        return deleted.error();
      state->version = state->version.next();
    }
    if (auto done = append_one(log, one, state->version, EventType::task_erased); !done) return done.error();
    ++erased;
  }
  return erased;
}

}  // namespace taskledger::storage
