// `./dev bench rebuild`: all read models built anew from a log, alternating with a bare scan and parse of the same log
// by two threads; the memory that takes; `verify`, and its walk of the chains alone, against a bare scan; and list
// pages of a server before and while it rebuilds.
#include <fmt/format.h>
#include <simdjson.h>
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "bench/bench.h"
#include "bench/dataset.h"
#include "core/event.h"
#include "storage/chain_check.h"
#include "storage/data_directory.h"
#include "storage/rocks_event_log.h"

namespace taskledger::bench {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// By the clock, and of processors: beside other work only the latter can be compared.
struct Took {
  double seconds = 0, processors = 0;
};
template <class Work>
Took timed(int whose, const Work& work) {
  const double before = processor_seconds(whose);
  const auto start = Clock::now();
  work();
  return {since(start), processor_seconds(whose) - before};
}

constexpr unsigned kEventsOfATask = 4;  // created, two updates, completed
constexpr unsigned kTasksOfACommit = 250;

Timestamp now() { return {now_ms()}; }

struct Opened {
  std::unique_ptr<storage::DataDirectory> directory;
  std::unique_ptr<storage::RocksEventLog> log;
  explicit Opened(const std::string& data) {
    directory =
        std::move(*storage::DataDirectory::open(data, {storage::DataDirectory::Access::exclusive, {}, random_bytes()}));
    storage::LogOptions options;
    options.clock = now;
    options.random = random_bytes();
    options.durability = storage::Durability::os;
    log = std::move(*storage::open_event_log(*directory, std::move(options)));
  }
};

// Commits in flight, so that the appender always has something to do.
class Writer {
 public:
  explicit Writer(storage::EventLog& log) : log_(log) {}
  void append(storage::Commit commit) {
    {
      std::unique_lock lock(mutex_);
      done_.wait(lock, [this] { return in_flight_ < 16; });
      ++in_flight_;
    }
    log_.append(std::move(commit), [this](const storage::EventLog::Appending& result) {
      const std::lock_guard lock(mutex_);
      failed_ = failed_ || !result;
      --in_flight_;
      done_.notify_all();
    });
  }
  void finish() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return in_flight_ == 0; });
    if (failed_) throw std::runtime_error("a commit failed");
  }

 private:
  storage::EventLog& log_;
  std::mutex mutex_;
  std::condition_variable done_;
  unsigned in_flight_ = 0;
  bool failed_ = false;
};

struct Made {
  Uuid id;
  TaskFields fields;
};

TaskEvent event_of(unsigned version, Made& task, Random& random, std::int64_t at) {
  const auto user = [&] { return UserId{*parse_uuid(user_id(random.below(kUsers)))}; };
  const auto due = [&] { return Timestamp{at + (std::int64_t{random.below(365 * 86'400)} - 180 * 86'400) * 1000}; };
  if (version == 0) {
    task.fields = {};
    task.fields.title = fmt::format("Call customer {} about offer {}", random.below(100'000), random.below(1'000'000));
    task.fields.due_date = due();
    task.fields.priority = static_cast<Priority>(1 + random.below(3));
    task.fields.action_type = static_cast<ActionType>(1 + random.below(5));
    task.fields.assigned_to = user();
    for (unsigned links = 1 + random.below(2); links > 0; --links)
      task.fields.links.push_back(
          {{*parse_uuid(entity_id(random.below(50'000) * 2 + links % 2))}, EntityType::contacts});
    return TaskCreated{task.fields};
  }
  TaskPatch patch;
  if (version == 1) patch.due_date = due();
  if (version == 2) patch.assigned_to = user();
  if (version < 3) return TaskUpdated{std::move(patch)};
  return TaskCompleted{};
}

// Tasks in groups: all of a group are created, changed and completed, a commit for each step, as a day's work is mixed.
void write_log(const std::string& data, std::uint64_t events, std::uint64_t seed) {
  const Opened opened(data);
  Writer writer(*opened.log);
  Random random(seed);
  std::vector<Made> tasks(kTasksOfACommit);
  const std::int64_t at = now().ms;
  for (std::uint64_t written = 0; written < events;) {
    for (Made& task : tasks) {
      const std::uint64_t words[2] = {random.next(), random.next()};
      std::memcpy(task.id.bytes.data(), words, sizeof words);
    }
    for (unsigned version = 0; version < kEventsOfATask; ++version) {
      storage::Commit commit;
      commit.workspace = WorkspaceNumber{1};
      commit.actor = UserId{*parse_uuid(user_id(random.below(kUsers)))};
      for (Made& task : tasks) {
        const TaskEvent event = event_of(version, task, random, at);
        commit.expected.push_back({task.id, {version}});
        commit.records.push_back({.stream = task.id,
                                  .type = static_cast<std::uint8_t>(type_of(event)),
                                  .payload = event_data(event),
                                  .time = {},
                                  .id = {},
                                  .trace = {}});
      }
      written += commit.records.size();
      writer.append(std::move(commit));
    }
  }
  writer.finish();
}

// Reads all of it with two threads, parses the payloads or not, and does nothing with it.
Took bare_scan(const std::string& data, bool parse, std::uint64_t& events) {
  const Opened opened(data);
  const std::uint64_t head = opened.log->head().position.value, half = head / 2;
  events = head;
  const auto scan = [&](std::uint64_t after, std::uint64_t to) {
    simdjson::dom::parser parser;
    std::string padded;
    std::uint64_t fields = 0;
    const auto read = opened.log->read_all({after}, {to}, [&](const storage::Record& record) {
      if (!parse) return true;
      padded.assign(record.payload.value_or("{}"));
      padded.reserve(padded.size() + simdjson::SIMDJSON_PADDING);
      fields += simdjson::dom::object(parser.parse(padded.data(), padded.size(), false).get_object()).size();
      return true;
    });
    if (!read) throw std::runtime_error(read.error().what);
  };
  return timed(RUSAGE_SELF, [&] {
    std::thread other([&] { scan(0, half); });
    scan(half, head);
    other.join();
  });
}

// The part of `verify` that walks both chains, without the one that walks the indexes.
Took walk_chains(const std::string& data) {
  const auto tables = std::move(*storage::LogTables::open_read_only(data + "/log", *rocksdb::Env::Default()));
  const auto heads = *tables->head_rows();
  return timed(RUSAGE_SELF, [&] {
    if (const auto walked = storage::check_chains(*tables, heads, 2, {}); !walked)
      throw std::runtime_error(walked.error().what);
  });
}

Took run(std::vector<std::string> command) {
  return timed(RUSAGE_CHILDREN, [&] { (void)run_to_end(std::move(command)); });
}

// What was measured of one thing, round by round.
struct Rounds {
  std::vector<double> seconds, processors;
  void add(const Took& took) {
    seconds.push_back(took.seconds);
    processors.push_back(took.processors);
  }
  [[nodiscard]] std::string row(const char* what, double events) const {
    return fmt::format("| {} | {:.0f} | {:.2f} |\n", what, events / median(seconds), median(processors) / events * 1e6);
  }
};
// A row for how much of the speed of `scan` something has.
std::string ratio_row(const char* what, const Rounds& scan, const Rounds& of) {
  return fmt::format("| {} | {:.2f} | {:.2f} |\n", what, median(scan.seconds) / median(of.seconds),
                     median(scan.processors) / median(of.processors));
}

void reads_beside(const Settings& settings, const std::string& folder) {
  TestServer server(settings, folder, 0);
  const auto page = [&](std::string& out, std::string_view) {
    out = get_request(server.token(), "/api/v1/tasks?mode=upcoming&limit=20");
  };
  (void)request_once(server.port(), get_request(server.token(), "/api/v1/tasks?limit=1"));
  const LoadResult alone = run_load({server.port(), settings.connections, settings.seconds, settings.warmup}, page);
  for (const char* name : {"list", "mode", "stats", "notifications"})
    (void)request_once(server.port(), body_request("POST", server.token(),
                                                   fmt::format("/api/v1/admin/projections/{}/rebuild", name), ""));
  const LoadResult beside = run_load({server.port(), settings.connections, settings.seconds, 0}, page);
  const std::string state = request_once(server.port(), get_request(server.token(), "/api/v1/admin/projections"));
  const bool still = state.find("rebuilding") != std::string::npos;
  print(settings,
        fmt::format("| list pages/s alone | {:.0f} |\n| list pages/s during a rebuild{} | {:.0f} ({:.2f}, wanted 0.5; "
                    "{} errors) |",
                    alone.requests_per_second, still ? "" : " (it ended before the measurement)",
                    beside.requests_per_second, beside.requests_per_second / alone.requests_per_second, beside.errors));
}

}  // namespace

int run_rebuild(const Settings& settings) {
  const TemporaryFolder own;
  const std::string folder =
      fmt::format("{}/rebuild-{}", settings.folder.empty() ? own.path() : settings.folder, settings.events);
  const std::string data = folder + "/data", token_file = folder + "/token";
  if (!std::filesystem::exists(token_file)) {
    std::filesystem::create_directories(folder);
    const std::string token =
        run_to_end({settings.binary, "token", "create", "--data", data, "--workspace", "bench", "--user", user_id(0),
                    "--scopes", "tasks:read,tasks:write,audit:read,admin,operator"});
    write_log(data, settings.events, settings.seed);
    std::ofstream(token_file) << token.substr(0, token.find('\n'));
  }
  print(settings,
        fmt::format("Machine: {}. Log of about {} events, {} a task.", machine(), settings.events, kEventsOfATask));
  Rounds parsing, rebuilding, scanning, chains, verifying;
  std::uint64_t events = 0;
  for (unsigned round = 0; round < settings.rounds; ++round) {
    parsing.add(bare_scan(data, true, events));
    rebuilding.add(run({settings.binary, "rebuild", "--data", data, "--threads", "2"}));
    scanning.add(bare_scan(data, false, events));
    chains.add(walk_chains(data));
    verifying.add(run({settings.binary, "verify", "--data", data, "--threads", "2"}));
  }
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);  // the largest child: only rebuilds are large
  const auto all = double(events);
  print(settings, "\n| two threads | events/s | processor us an event |\n|---|---|---|\n" +
                      parsing.row("bare scan and parse", all) + rebuilding.row("rebuild of all read models", all) +
                      ratio_row("rebuild / scan and parse (wanted 0.5, or 1,000,000 events/s)", parsing, rebuilding) +
                      scanning.row("bare scan", all) + chains.row("the chains of verify", all) +
                      ratio_row("chains / scan (wanted 0.5)", scanning, chains) +
                      verifying.row("verify, with its indexes", all) + ratio_row("verify / scan", scanning, verifying) +
                      fmt::format("\nPeak memory of a rebuild: {:.0f} MB (at most 2,048).\n\n| | |\n|---|---|",
                                  double(used.ru_maxrss) / 1024));
  reads_beside(settings, folder);
  return 0;
}

}  // namespace taskledger::bench
