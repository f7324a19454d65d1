// taskledger-bench: benchmarks of the real server; `./dev bench NAME` builds and calls it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/bench.h"
#include "bench/ceiling.h"
#include "bench/dataset.h"

int main(int argc, char** argv) {
  namespace bench = taskledger::bench;
  CLI::App app{"Benchmarks of the real server"};
  app.require_subcommand(1);
  bench::Settings settings;
  settings.self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto common = [&](CLI::App* command) {
    command->add_option("--binary", settings.binary, "the server")->required()->check(CLI::ExistingFile);
    command->add_option("--sizes", settings.sizes, "tasks in the workspaces, small to large")
        ->delimiter(',')
        ->capture_default_str();
    command->add_option("--connections", settings.connections)->capture_default_str();
    command->add_option("--threads", settings.threads, "io threads of the server and of the ceiling")
        ->capture_default_str();
    command->add_option("--rounds", settings.rounds)->capture_default_str();
    command->add_option("--seconds", settings.seconds, "of each measured run")->capture_default_str();
    command->add_option("--warmup", settings.warmup)->capture_default_str();
    command->add_option("--seed", settings.seed)->capture_default_str();
    command->add_option("--only", settings.only, "cases whose name contains this");
    command->add_option("--folder", settings.folder, "keep the data here and use it again");
    command->add_option("--report", settings.report, "append the table to this file");
  };
  auto* reads = app.add_subcommand("reads", "lists, single tasks and stats against a bare server");
  auto* writes = app.add_subcommand("writes", "durable writes against db_bench");
  auto* webhooks = app.add_subcommand("webhooks", "deliveries to a local receiver");
  auto* rebuild =
      app.add_subcommand("rebuild", "read models built anew against a bare scan of the log, and reads beside it");
  auto* soak =
      app.add_subcommand("soak", "mixed load with reconnects for a long time: memory, descriptors, latency over time");
  double minutes = 30;
  soak->add_option("--minutes", minutes)->capture_default_str();
  double rate = 0;
  soak->add_option("--rate", rate, "requests a second; 0: as fast as they are answered")->capture_default_str();
  common(reads), common(writes), common(webhooks), common(rebuild), common(soak);
  writes->add_option("--against", settings.against, "another build of the server: only the two, in turns")
      ->check(CLI::ExistingFile);
  rebuild->add_option("--events", settings.events, "in the log, about")->capture_default_str();
  std::uint64_t tasks = 0;
  std::int64_t now = 0;
  std::string path;
  auto* generate = app.add_subcommand("generate", "write the data set as event lines");
  generate->add_option("tasks", tasks)->required();
  generate->add_option("file", path)->required();
  generate->add_option("--seed", settings.seed);
  generate->add_option("--now", now, "milliseconds since 1970")->required();
  unsigned port = 0;
  auto* ceiling = app.add_subcommand("ceiling", "the bare server");
  ceiling->add_option("port", port)->required();
  ceiling->add_option("threads", settings.threads)->required();
  ceiling->add_option("answer", path, "file with a whole HTTP answer")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    if (*generate) return bench::write_dataset(path, tasks, settings.seed, now), 0;
    if (*ceiling) {
      std::ifstream file(path, std::ios::binary);
      return bench::serve_ceiling(std::uint16_t(port), settings.threads, {std::istreambuf_iterator<char>(file), {}});
    }
    if (*rebuild) return bench::run_rebuild(settings);
    if (*soak) return bench::run_soak(settings, minutes, rate);
    if (*webhooks) return bench::run_webhooks(settings);
    return *reads ? bench::run_reads(settings) : bench::run_writes(settings);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
