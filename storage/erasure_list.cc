#include "storage/erasure_list.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "storage/append_and_wait.h"
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

enum class DamagedLines { refused, passed_over };

Result<std::vector<Erasure>, ReadError> read_lines(const std::filesystem::path& file, DamagedLines damaged) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::vector<Erasure>{};
  std::ifstream in(file);
  if (!in) return ReadError{fmt::format("cannot read {}", file.string())};
  std::vector<Erasure> all;
  std::set<Key> seen;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const bool cut_off = in.eof();
    const auto one = parse_line(line);
    if (!one && !cut_off && damaged == DamagedLines::refused)
      return ReadError{fmt::format("{}:{}: is not a line of a list of erasures", file.string(), number)};
    if (one && seen.insert({one->workspace, one->stream}).second) all.push_back(*one);
  }
  if (in.bad()) return ReadError{fmt::format("cannot read {}", file.string())};
  return all;
}

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
  if (append_and_wait(log, std::move(commit))) return {};
  return ReadError{fmt::format("task {} of workspace {} cannot be erased: {}", to_string(one.stream),
                               one.workspace.value, log.failure().value_or("its history is damaged"))};
}

}  // namespace

Result<std::vector<Erasure>, ReadError> read_erasures(const std::filesystem::path& file) {
  return read_lines(file, DamagedLines::refused);
}

Result<void, ReadError> check_erasures(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return ReadError{fmt::format("cannot read {}: there is no such file", file.string())};
  const auto all = read_erasures(file);
  if (!all) return all.error();
  if (all->empty() && std::filesystem::file_size(file, error) > 0)
    return ReadError{fmt::format("{} is no list of erasures", file.string())};
  return {};
}

bool lacks_its_end(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return false;
  if (in.tellg() <= 0) return true;
  in.seekg(-1, std::ios::end);
  return in.get() != '\n';
}

bool ErasureList::is_there() const {
  std::error_code error;
  return std::filesystem::exists(file_, error) || error;
}

Result<void, ReadError> ErasureList::add(std::span<const Erasure> erasures) {
  if (erasures.empty()) return {};
  if (!listed_ || !is_there()) {
    const auto there = read_lines(file_, DamagedLines::passed_over);
    if (!there) return there.error();
    listed_.emplace();
    for (const Erasure& one : *there) listed_->insert({one.workspace, one.stream});
  }
  std::string lines;
  for (const Erasure& one : erasures) {
    if (!listed_->insert({one.workspace, one.stream}).second) continue;
    lines += fmt::format("{} {} {} {}\n", one.workspace.value, to_string(one.stream), to_string(one.actor.value),
                         one.time.ms);
  }
  if (lines.empty()) return {};
  auto added = append_lines(file_, lines, [](const std::string& line) { return parse_line(line).has_value(); });
  if (!added) listed_.reset();  // who knows what of it is there
  return added;
}

Result<void, ReadError> add_erasures(const std::filesystem::path& file, std::span<const Erasure> erasures) {
  return ErasureList(file).add(erasures);
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
