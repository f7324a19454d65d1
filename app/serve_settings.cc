#include "app/serve_settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <thread>

#include "app/cli.h"
#include "app/command.h"
#include "http/cors.h"

namespace taskledger::app {
namespace {

using std::chrono::milliseconds;

template <class Number>
CLI::Option* number(CLI::App& command, const char* flag, Number& value, const char* what) {
  return command.add_option(flag, value, what)->type_name("N")->capture_default_str();
}

CLI::Option* duration(CLI::App& command, const char* flag, milliseconds& value, const char* what) {
  return command
      .add_option_function<std::uint32_t>(
          flag, [&value](const std::uint32_t& ms) { value = milliseconds{ms}; }, what)
      ->type_name("MS")
      ->check(at_least(1))
      ->default_str(std::to_string(value.count()));
}

template <class Enum>
CLI::Option* choice(CLI::App& command, const char* flag, Enum& value, const std::map<std::string, Enum>& names,
                    const char* what, const char* standard) {
  return command
      .add_option_function<std::string>(
          flag, [&value, names](const std::string& name) { value = names.at(name); }, what)
      ->check(CLI::IsMember(names))
      ->type_name("")
      ->default_str(standard);
}

void declare_server(CLI::App& command, ServeSettings& settings) {
  http::ServerOptions& server = settings.server;
  command.add_option("--listen", settings.listen, "Address and port; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  number(command, "--threads", server.threads, "Threads for connections; 0: one a core")->check(between(0, 1024));
  command.add_option("--tls-cert", server.tls_certificate, "Certificate chain, PEM; read anew on SIGHUP")
      ->type_name("FILE");
  command.add_option("--tls-key", server.tls_key, "Its key, PEM")->type_name("FILE");
  number(command, "--max-connections", server.max_connections, "More are answered 503")->check(at_least(1));
  number(command, "--max-request-line", server.max_request_line, "Bytes; longer is 414")->check(between(256, 1 << 20));
  number(command, "--max-header-bytes", server.max_header_bytes, "Bytes of all header fields; more is 431")
      ->check(between(256, 1 << 20));
  number(command, "--max-body-memory-mb", settings.body_mb,
         "For request bodies that are being received, all together, and a quarter of it for long heads; more are "
         "answered 503")
      ->check(between(8, 1 << 20));
  duration(command, "--header-timeout", server.header_timeout, "From a request's first byte to the end of its head");
  duration(command, "--body-timeout", server.body_timeout, "For a whole body");
  duration(command, "--idle-timeout", server.idle_timeout, "Between requests of a connection");
  duration(command, "--write-timeout", server.write_timeout, "For a peer that does not read its answer");
  duration(command, "--drain-timeout", server.drain_timeout, "On stop, for what is under way");
}

void declare_api(CLI::App& command, ServeSettings& settings) {
  command
      .add_option("--cors-origins", settings.api.cors_origins, "Origins that may call from browsers, or *; empty: off")
      ->type_name("LIST");
  auto* limit =
      number(command, "--rate-limit", settings.api.rate_limit, "Requests a second for each token; 0: no limit")
          ->check(at_least(0));
  number(command, "--rate-burst", settings.api.rate_burst, "Requests at once; 0: as the rate")
      ->check(at_least(0))
      ->needs(limit);
  duration(command, "--stream-heartbeat", settings.api.stream_heartbeat, "Between signs of life on event streams");
  number(command, "--auth-failure-rate", settings.api.auth_failure_rate,
         "Invalid tokens a second from one address before 429; 0: no limit")
      ->check(at_least(0));
  number(command, "--auth-failure-burst", settings.api.auth_failure_burst, "Of them at once")->check(at_least(0));
  number(command, "--workers", settings.workers, "Threads for long reads and administration")->check(between(1, 256));
  number(command, "--worker-queue", settings.worker_queue, "Long reads that may wait; more are answered 503")
      ->check(at_least(1));
}

void declare_storage(CLI::App& command, ServeSettings& settings) {
  choice<storage::Durability>(command, "--durability", settings.log.durability,
                              {{"fsync", storage::Durability::fsync}, {"os", storage::Durability::os}},
                              "fsync: acknowledged is on disk; os: a power loss may take the last second", "fsync");
  command.add_option("--key-file", settings.key_file, "Where secret.key is, when not in the data directory")
      ->type_name("FILE");
  command
      .add_option("--backup-dir", settings.backup_dir, "Where backups go that are asked for over the API; empty: none")
      ->type_name("DIR");
  number(command, "--cache-mb", settings.cache_mb, "Memory for workspaces' read models")->check(between(1, 1 << 20));
  number(command, "--page-cache-mb", settings.page_cache_mb, "Memory for pages that are asked for again; 0: none")
      ->check(between(0, 1 << 20));
  number(command, "--rebuild-threads", settings.runner.rebuild_threads,
         "For rebuilding and checking read models; 0: one a core")
      ->check(between(0, 256));
  number(command, "--self-check-interval", settings.self_check_seconds,
         "Seconds between slow checks of the read models against the log; 0: none")
      ->check(at_least(0));
  number(command, "--past-cache-mb", settings.past_cache_mb, "Memory for lists and stats of the past (as_of)")
      ->check(between(1, 1 << 20));
  number(command, "--max-queued-commits", settings.log.max_queued_commits,
         "Writes that may wait for the disk; more are answered 503")
      ->check(at_least(1));
  number(command, "--max-queued-bytes", settings.log.max_queued_bytes, "Bytes of them")->check(at_least(1));
  number(command, "--max-group-records", settings.log.max_group_records, "Records of one group commit")
      ->check(at_least(1));
  number(command, "--max-group-bytes", settings.log.max_group_bytes, "Bytes of one group commit")->check(at_least(1));
  number(command, "--commit-interval-us", settings.commit_interval_us,
         "Microseconds between group commits while reads keep the threads for connections busy; 0: none")
      ->check(between(0, 100'000));
  number(command, "--wal-fill-kb", settings.wal_fill_kb,
         "Zeros that the write-ahead log is filled with ahead, so that syncs are quicker; 0: none")
      ->check(between(0, 16 << 10));
}

void declare_webhooks(CLI::App& command, ServeSettings& settings) {
  reactors::WebhookSettings& webhooks = settings.webhooks;
  command.add_flag("--webhook-allow-private", webhooks.allow_private,
                   "Send webhooks to loopback and private addresses too");
  command.add_option("--webhook-ca", webhooks.extra_ca_file, "Certificates trusted beside the system's, PEM")
      ->type_name("FILE");
  duration(command, "--webhook-timeout", webhooks.total_timeout, "For one attempt of a delivery");
  number(command, "--webhook-in-flight", webhooks.in_flight, "Requests under way to one endpoint")
      ->check(between(1, 1024));
  number(command, "--webhook-connections", webhooks.connections, "Connections to all endpoints together")
      ->check(at_least(1));
  number(command, "--webhook-attempts", webhooks.retry.max_attempts, "Of a delivery, before it is parked")
      ->check(between(1, 100));
  duration(command, "--webhook-first-retry", webhooks.retry.first,
           "Before the second attempt; later waits double up to a day");
}

}  // namespace

void declare_serve_settings(CLI::App& command, ServeSettings& settings) {
  add_config_option(command);
  add_data_option(command, settings.data);
  declare_server(command, settings);
  declare_api(command, settings);
  declare_storage(command, settings);
  declare_webhooks(command, settings);
  command
      .add_option("--metrics-listen", settings.metrics_listen,
                  "Serve /metrics, /healthz and /readyz here too, and /metrics nowhere else")
      ->type_name("HOST:PORT");
  number(command, "--access-log", settings.access_log, "A line on stderr for every Nth request; 0: none")
      ->check(at_least(0));
  choice<LogFormat>(command, "--log-format", settings.log_format,
                    {{"text", LogFormat::text}, {"json", LogFormat::json}}, "Of the lines on stderr: text or json",
                    "text");
  command.add_option("--log-level", settings.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->type_name("")
      ->capture_default_str();
}

namespace {

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};

HostAndPort parse_listen(const char* flag, const std::string& listen) {
  const auto colon = listen.rfind(':');
  std::string host = listen.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* end = listen.data() + listen.size();
  const auto [stop, error] =
      std::from_chars(listen.data() + (colon == std::string::npos ? listen.size() : colon + 1), end, port);
  if (host.empty() || error != std::errc{} || stop != end)
    throw CLI::ValidationError(flag, "takes HOST:PORT, not " + listen);
  return {host == "localhost" ? "127.0.0.1" : host, port};
}

}  // namespace

void settle(ServeSettings& settings) {
  const auto main = parse_listen("--listen", settings.listen);
  settings.server.address = main.host;
  settings.server.port = main.port;
  if (!settings.metrics_listen.empty()) {
    const auto metrics = parse_listen("--metrics-listen", settings.metrics_listen);
    settings.metrics_address = metrics.host;
    settings.metrics_port = metrics.port;
  }
  if (const auto wrong = http::Cors::first_wrong(settings.api.cors_origins); !wrong.empty()) {
    throw CLI::ValidationError(
        "--cors-origins", "takes scheme://host[:port] in lower case and without a path, not " + std::string(wrong));
  }
  if (settings.server.tls_certificate.empty() != settings.server.tls_key.empty())
    throw CLI::ValidationError("--tls-cert and --tls-key", "go together");
  if (settings.server.threads == 0) settings.server.threads = std::max(1u, std::thread::hardware_concurrency());
  settings.server.load = std::make_shared<RequestLoad>(settings.server.threads);
  settings.log.load = settings.server.load;
  settings.log.group_interval = std::chrono::microseconds(settings.commit_interval_us);
  settings.log.wal_fill_bytes = std::size_t{settings.wal_fill_kb} << 10;
  if (settings.api.rate_burst == 0) settings.api.rate_burst = settings.api.rate_limit;
  settings.runner.self_check_interval = std::chrono::seconds(settings.self_check_seconds);
  settings.server.max_body_bytes = static_cast<std::size_t>(settings.body_mb) << 20;
  settings.runner.page_cache_bytes = static_cast<std::size_t>(settings.page_cache_mb) << 20;
  settings.runner.cache_bytes = static_cast<std::size_t>(settings.cache_mb) << 20;
}

}  // namespace taskledger::app
