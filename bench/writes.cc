// `./dev bench writes`: durable writes over HTTP, alternating with db_bench (rocksdb-tools) doing synced writes of
// about the same size at the same concurrency on the same disk.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <thread>

#include "bench/bench.h"
#include "bench/dataset.h"

namespace taskledger::bench {
namespace {

class Writes {
 public:
  explicit Writes(const Settings& settings)
      : settings_(settings),
        folder_(settings.folder.empty() ? own_.path() : settings.folder),
        server_(settings, folder_ + "/writes", 10'000) {}

  int run() {
    print(settings_, fmt::format("Machine: {}. {} server thread(s), median of {} rounds of {} s; db_bench: fillrandom "
                                 "--sync=1, 300 B values.",
                                 machine(), settings_.threads, settings_.rounds, settings_.seconds));
    if (!settings_.against.empty()) return against_another();
    print(settings_,
          "\n| durable creates, connections | ours/s | p50 / p99 ms | server CPU us | generator cores | db_bench/s | "
          "ratio | wanted |\n|---|---|---|---|---|---|---|---|");
    against_db_bench(64, 0.8);
    against_db_bench(16, 0.8);
    against_db_bench(1, 0.75);
    changes();
    batches();
    crowd();
    mixed();
    if (wanted("import")) import();
    if (wanted("syncs")) run_syncs(settings_, folder_);
    print(settings_, fmt::format("\nResident after all this: {} MB.", server_.process().resident_bytes() / 1'000'000));
    return 0;
  }

 private:
  [[nodiscard]] bool wanted(const std::string& name) const {
    return settings_.only.empty() || name.find(settings_.only) != std::string::npos;
  }

  NextRequest creates() { return creates(server_); }
  NextRequest creates(const TestServer& server) {
    auto random = std::make_shared<Random>(settings_.seed + ++serial_);
    return [&server, random, now = now_ms(), body = std::string()](std::string& out, std::string_view) mutable {
      body.clear();
      append_create_body(body, *random, now);
      out = body_request("POST", server.token(), "/api/v1/tasks", body);
    };
  }
  NextRequest reads(const TestServer& server) {
    auto random = std::make_shared<Random>(settings_.seed);
    return [&server, random](std::string& out, std::string_view) {
      out = get_request(server.token(), random->below(2) ? std::string("/api/v1/tasks?mode=upcoming&limit=20")
                                                         : "/api/v1/tasks?mode=upcoming&limit=20&assigned_to=" +
                                                               user_id(random->below(kUsers)));
    };
  }

  NextRequest mix(const TestServer& server) {
    auto random = std::make_shared<Random>(9);
    auto create = std::make_shared<NextRequest>(creates(server));
    auto read = std::make_shared<NextRequest>(reads(server));
    return [random, create, read](std::string& out, std::string_view answer) {
      (random->below(10) == 0 ? *create : *read)(out, answer);
    };
  }

  // Another build of the server beside this one, in turns: what neither the hour nor the disk can be blamed for.
  int against_another() {
    Settings other = settings_;
    other.binary = settings_.against;
    const TestServer theirs(other, folder_ + "/against", 10'000);
    print(settings_, "\n| case | against/s | this/s | times | server CPU us, against / this |\n|---|---|---|---|---|");
    const auto compare = [&](const std::string& name, unsigned connections, const auto& requests) {
      if (!wanted(name)) return;
      const auto results = alternate(settings_,
                                     {{"against", theirs.port(), requests(theirs), &theirs.process()},
                                      {"this", server_.port(), requests(server_), &server_.process()}},
                                     connections);
      print(settings_,
            fmt::format("| {} | {:.0f} | {:.0f} | {:.2f} | {:.1f} / {:.1f} |{}", name, results[0].requests_per_second,
                        results[1].requests_per_second, results[1].requests_per_second / results[0].requests_per_second,
                        results[0].server_us, results[1].server_us,
                        results[0].errors + results[1].errors ? " VOID" : ""));
    };
    for (const unsigned connections : {64u, 16u, 4u, 1u})
      compare(fmt::format("creates-{}-connections", connections), connections,
              [this](const TestServer& server) { return creates(server); });
    for (const unsigned connections : {64u, 16u, 4u})
      compare(fmt::format("mixed-{}-connections", connections), connections,
              [this](const TestServer& server) { return mix(server); });
    compare("reads", settings_.connections, [this](const TestServer& server) { return reads(server); });
    return 0;
  }

  // Synced writes/s; 0 where the program is not installed.
  double db_bench(unsigned threads) {
    if (std::system("command -v db_bench >/dev/null") != 0) return 0;
    const std::string data = folder_ + "/db_bench";
    std::filesystem::remove_all(data);
    const std::string out =
        run_to_end({"db_bench", "--benchmarks=fillrandom", "--sync=1", "--value_size=300", "--key_size=16",
                    "--compression_type=none", "--threads=" + std::to_string(threads),
                    "--duration=" + std::to_string(int(settings_.seconds + settings_.warmup)), "--num=100000000",
                    "--db=" + data, "--histogram=0", "--progress_reports=false"});
    std::filesystem::remove_all(data);
    constexpr std::string_view kBefore = " micros/op ";
    const auto at = out.find(kBefore);
    if (at == std::string::npos) throw std::runtime_error("db_bench printed no figure: " + out);
    return std::atof(out.c_str() + at + kBefore.size());
  }

  void against_db_bench(unsigned connections, double floor) {
    if (!wanted(fmt::format("creates-{}-connections", connections))) return;
    std::vector<double> ours, theirs, p50, p99, server_us, generator;
    std::uint64_t errors = 0;
    for (unsigned round = 0; round < settings_.rounds; ++round) {
      const double cpu = server_.process().cpu_seconds();
      const auto result = run_load({server_.port(), connections, settings_.seconds, settings_.warmup, 0}, creates());
      server_us.push_back((server_.process().cpu_seconds() - cpu) * 1e6 / double(result.answered));
      ours.push_back(result.requests_per_second), p50.push_back(result.p50_ms), p99.push_back(result.p99_ms);
      generator.push_back(result.generator_cores);
      errors += result.errors;
      theirs.push_back(db_bench(connections));
    }
    print(settings_,
          fmt::format("| {} | {:.0f} | {:.2f} / {:.2f} | {:.1f} | {:.2f} | {:.0f} | {:.2f} | {:.2f} |{}", connections,
                      median(ours), median(p50), median(p99), median(server_us), median(generator), median(theirs),
                      median(theirs) > 0 ? median(ours) / median(theirs) : 0, floor,
                      errors ? fmt::format(" VOID: {} errors", errors) : ""));
  }

  // Updates and completes of tasks made just before, against creates in the same run.
  void changes() {
    if (!wanted("changes")) return;
    auto ids = std::make_shared<std::vector<std::string>>();
    for (int i = 0; i < 200; ++i) {
      std::string records;
      Random random(std::uint64_t(i) + 77);
      for (int k = 0; k < 100; ++k) {
        if (k) records += ',';
        append_create_body(records, random, now_ms());
      }
      const std::string answer = request_once(
          server_.port(),
          body_request("POST", server_.token(), "/api/v1/tasks/batch/create", "{\"records\":[" + records + "]}"));
      for (std::size_t at = 0; (at = answer.find("\"task_id\":\"", at)) != std::string::npos; at += 40)
        ids->push_back(answer.substr(at + 11, 36));
    }
    auto at = std::make_shared<std::size_t>(0);
    const NextRequest update = [this, ids, at](std::string& out, std::string_view) {
      const auto n = (*at)++;
      out = body_request("PUT", server_.token(), "/api/v1/tasks/" + (*ids)[n * 7919 % ids->size()],
                         fmt::format(R"({{"title":"Changed {}","priority":"{}"}})", n, n % 2 ? "low" : "high"));
    };
    const NextRequest complete = [this, ids, at](std::string& out, std::string_view) {
      const auto n = (*at)++;
      out = body_request("PUT", server_.token(), "/api/v1/tasks/" + (*ids)[n % ids->size()] + "/complete",
                         n / ids->size() % 2 ? R"({"completed":false})" : "{}");
    };
    const auto results = alternate(settings_,
                                   {{"create", server_.port(), creates()},
                                    {"update", server_.port(), update},
                                    {"complete", server_.port(), complete}},
                                   settings_.connections);
    print(
        settings_,
        fmt::format(
            "\n| changes at {} connections | per second | p50 / p99 ms | of creates | wanted |\n|---|---|---|---|---|",
            settings_.connections));
    for (std::size_t i = 0; i < results.size(); ++i)
      print(settings_, fmt::format("| {} | {:.0f} | {:.2f} / {:.2f} | {:.2f} | 0.80 |{}",
                                   i == 0   ? "create"
                                   : i == 1 ? "update"
                                            : "complete",
                                   results[i].requests_per_second, results[i].p50_ms, results[i].p99_ms,
                                   results[i].requests_per_second / results[0].requests_per_second,
                                   results[i].errors ? " VOID" : ""));
  }

  void batches() {
    if (!wanted("batch")) return;
    auto prepared = std::make_shared<std::vector<std::string>>();
    Random random(settings_.seed + 5);
    for (int i = 0; i < 200; ++i) {
      std::string records;
      for (int k = 0; k < 100; ++k) {
        if (k) records += ',';
        append_create_body(records, random, now_ms());
      }
      prepared->push_back(
          body_request("POST", server_.token(), "/api/v1/tasks/batch/create", "{\"records\":[" + records + "]}"));
    }
    auto at = std::make_shared<std::size_t>(0);
    const auto results = alternate(
        settings_,
        {{"", server_.port(),
          [prepared, at](std::string& out, std::string_view) { out = (*prepared)[(*at)++ % prepared->size()]; },
          &server_.process()}},
        8);
    print(settings_, fmt::format("\nBatch create of 100, 8 connections: {:.0f} tasks/s (wanted 60,000), p50 {:.2f} ms, "
                                 "p99 {:.2f} ms, {:.1f} us "
                                 "of CPU a task{}.",
                                 results[0].requests_per_second * 100, results[0].p50_ms, results[0].p99_ms,
                                 results[0].server_us / 100, results[0].errors ? " VOID" : ""));
  }

  void crowd() {
    if (!wanted("crowd")) return;
    const auto before = server_.process().resident_bytes();
    const auto result = run_load({server_.port(), 1000, settings_.seconds, settings_.warmup, 0}, creates());
    print(settings_,
          fmt::format("1,000 connections writing at once: {:.0f} creates/s, p50 {:.2f} ms, p99 {:.2f} ms ({:.1f} of "
                      "the median, wanted 5), {} refused with 503, {} other errors; resident {} to {} MB.",
                      result.requests_per_second, result.p50_ms, result.p99_ms, result.p99_ms / result.p50_ms,
                      result.unavailable, result.errors - result.unavailable, before / 1'000'000,
                      server_.process().resident_bytes() / 1'000'000));
  }

  void mixed() {
    if (!wanted("mixed")) return;
    mixed(server_, settings_.threads);
    // What `serve` does unless it is told otherwise.
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    if (cores == settings_.threads) return;
    Settings one_a_core = settings_;
    one_a_core.threads = cores;
    mixed(TestServer(one_a_core, folder_ + "/writes-one-a-core", 10'000), cores);
  }
  void mixed(const TestServer& server, unsigned threads) {
    const auto results =
        alternate(settings_, {{"reads", server.port(), reads(server)}, {"mix", server.port(), mix(server)}},
                  settings_.connections);
    print(settings_,
          fmt::format("90 % reads and 10 % writes, {} server thread(s): {:.0f} req/s, of them {:.0f} reads/s; "
                      "reads alone {:.0f}/s; reads keep {:.2f} (wanted 0.80){}.",
                      threads, results[1].requests_per_second, results[1].requests_per_second * 0.9,
                      results[0].requests_per_second,
                      results[1].requests_per_second * 0.9 / results[0].requests_per_second,
                      results[0].errors + results[1].errors ? " VOID" : ""));
  }

  void import() {
    const std::string lines = folder_ + "/import.ndjson";
    const auto events = write_dataset(lines, 1'000'000, settings_.seed, now_ms());
    std::vector<double> rates;
    for (unsigned round = 0; round < settings_.rounds; ++round) {
      const std::string data = folder_ + "/import";
      std::filesystem::remove_all(data);
      const auto from = std::chrono::steady_clock::now();
      (void)run_to_end({settings_.binary, "import", "--data", data, "--workspace", "bench", lines});
      rates.push_back(double(events) / std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count());
      std::filesystem::remove_all(data);
    }
    std::filesystem::remove(lines);
    print(settings_, fmt::format("Import of {} events: {:.0f} events/s, process start to end (wanted 200,000).", events,
                                 median(rates)));
  }

  const Settings& settings_;
  TemporaryFolder own_;
  std::string folder_;
  TestServer server_;
  std::uint64_t serial_ = 0;
};

}  // namespace

int run_writes(const Settings& settings) { return Writes(settings).run(); }

}  // namespace taskledger::bench
