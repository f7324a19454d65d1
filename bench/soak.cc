// Mixed load for a long time: in slices, each with fresh connections and some idle ones, so that connections come and
// go all the while. A line a slice: memory, descriptors, disk, latency. What must not grow is compared at the end, the
// second quarter of the time (warm by then) against the last.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <utility>
#include <vector>

#include "bench/bench.h"
#include "bench/dataset.h"

namespace taskledger::bench {
namespace {

constexpr double kSlice = 10;
constexpr unsigned kIdle = 32;

struct Sample {
  double minutes = 0, resident_mb = 0, descriptors = 0, disk_mb = 0, rate = 0, p50 = 0, p99 = 0;
  double disk_bytes = 0;  // for each request since the last sample: the log only grows, but at the same pace
  std::uint64_t errors = 0;
};

std::size_t files_in(const std::filesystem::path& folder) {
  std::error_code ignored;
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder, ignored), std::filesystem::directory_iterator()));
}

double megabytes_under(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    const auto size = entry.file_size(ignored);  // a file may go in between
    if (!ignored) bytes += size;
  }
  return static_cast<double>(bytes) / (1 << 20);
}

// Of the id in the answer to a creation; empty for other answers.
std::string created_id(std::string_view answer) {
  constexpr std::string_view kStart = R"({"task_id":")";
  return answer.starts_with(kStart) && answer.find(R"("created")") != answer.npos
             ? std::string(answer.substr(kStart.size(), 36))
             : std::string();
}

// 60 % lists, 15 % statistics, 10 % creations; the rest completes, changes and deletes what was created.
class Mix {
 public:
  Mix(std::string token, std::uint64_t seed) : token_(std::move(token)), random_(seed) {}
  void operator()(std::string& out, std::string_view answer) {
    if (auto id = created_id(answer); !id.empty()) ids_.push_back(std::move(id));
    const auto dice = random_() % 100;
    if (dice < 60) {
      static constexpr std::string_view kLists[]{
          "?mode=today",        "?mode=overdue&limit=50",
          "?sort_by=title",     "?priority=high&sort_by=created_at&sort_dir=desc",
          "?search=a&limit=10", "?mode=completed"};
      out = get_request(token_, "/api/v1/tasks" + std::string(kLists[random_() % std::size(kLists)]));
    } else if (dice < 75) {
      out = get_request(token_, "/api/v1/tasks/stats?assigned_to=all");
    } else if (dice < 85 || ids_.empty()) {
      out = body_request("POST", token_, "/api/v1/tasks",
                         R"({"title": "Soak", "priority": "high", "due_date": "2030-01-02"})");
    } else {
      const auto at = random_() % ids_.size();
      const std::string task = "/api/v1/tasks/" + ids_[at];
      if (dice < 90) {
        out = body_request("PUT", token_, task, R"({"priority": "low"})");
      } else if (dice < 93) {
        out = body_request("PUT", token_, task + "/complete", R"({"completed": true})");
      } else {
        // As many leave as come, so that what is held does not grow by the load itself.
        out = body_request("DELETE", token_, task, "");
        ids_[at] = std::move(ids_.back());
        ids_.pop_back();
      }
    }
  }

 private:
  std::string token_;
  std::mt19937_64 random_;
  std::vector<std::string> ids_;
};

double mean(const std::vector<Sample>& samples, std::size_t from, std::size_t to, double Sample::*of) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += samples[i].*of;
  return to > from ? sum / static_cast<double>(to - from) : 0;
}

}  // namespace

int run_soak(const Settings& settings, double minutes, double rate) {
  std::unique_ptr<TemporaryFolder> temporary;
  std::string folder = settings.folder;
  if (folder.empty()) {
    temporary = std::make_unique<TemporaryFolder>();
    folder = temporary->path();
  }
  TestServer server(settings, folder, settings.sizes.front());
  const std::string proc = "/proc/" + std::to_string(server.process().pid()) + "/fd";
  Mix mix(server.token(), settings.seed);
  print(settings, fmt::format("soak: {} minutes, {} tasks, {} connections, {}", minutes, server.tasks(),
                              settings.connections, machine()));
  print(settings, "| minute | resident MB | descriptors | disk MB | requests/s | p50 ms | p99 ms | errors |");
  print(settings, "|---|---|---|---|---|---|---|---|");
  std::vector<Sample> samples;
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
  };
  double disk_before = megabytes_under(folder);
  do {
    const LoadResult load = run_load({server.port(), settings.connections, kSlice, 0, kIdle, rate}, std::ref(mix));
    samples.push_back({passed(), static_cast<double>(server.process().resident_bytes()) / (1 << 20),
                       static_cast<double>(files_in(proc)), megabytes_under(folder), load.requests_per_second,
                       load.p50_ms, load.p99_ms, 0, load.errors});
    Sample& s = samples.back();
    const double grown = s.disk_mb - std::exchange(disk_before, s.disk_mb);
    s.disk_bytes = load.answered > 0 ? grown * (1 << 20) / static_cast<double>(load.answered) : 0;
    print(settings, fmt::format("| {:.1f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.2f} | {:.2f} | {} |", s.minutes,
                                s.resident_mb, s.descriptors, s.disk_mb, s.rate, s.p50, s.p99, s.errors));
  } while (passed() < minutes);
  server.stop();
  const std::size_t quarter = samples.size() / 4;
  std::uint64_t errors = 0;
  for (const Sample& sample : samples) errors += sample.errors;
  const auto disk = [&](std::size_t from, std::size_t to) { return mean(samples, from, to, &Sample::disk_bytes); };
  const auto growth = [&](double Sample::*of) {
    const double early = mean(samples, quarter, 2 * quarter, of),
                 late = mean(samples, samples.size() - quarter, samples.size(), of);
    return early > 0 ? 100 * (late / early - 1) : 0;
  };
  print(settings,
        fmt::format("second quarter to last: resident {:+.1f} %, descriptors {:+.1f} %, p99 {:+.1f} %; {} errors",
                    growth(&Sample::resident_mb), growth(&Sample::descriptors), growth(&Sample::p99), errors));
  print(settings, fmt::format("bytes on disk for each request: {:.0f} in the second quarter, {:.0f} in the last",
                              disk(quarter, 2 * quarter), disk(samples.size() - quarter, samples.size())));
  return errors == 0 ? 0 : 1;
}

}  // namespace taskledger::bench
