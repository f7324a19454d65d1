// `serve`: the composition root. Opens the directory, catches the read models up, listens, and waits for a signal:
// SIGTERM and SIGINT stop in order, SIGHUP reads the certificate anew.
#include <fmt/core.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <stdio_ext.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "app/command.h"
#include "app/descriptors.h"
#include "app/logging.h"
#include "app/metrics.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/read_models.h"
#include "app/serve_settings.h"
#include "app/service_manager.h"
#include "app/signals.h"
#include "app/system.h"
#include "app/worker_pool.h"
#include "commands/command_handler.h"
#include "http/access_log.h"
#include "http/api.h"
#include "http/operator_service.h"
#include "http/request_metrics.h"
#include "http/router.h"
#include "http/server.h"
#include "projections/past/past_reads.h"
#include "reactors/webhooks.h"
#include "storage/files.h"

namespace taskledger::app {
namespace {

bool is_loopback(const std::string& address) {
  boost::system::error_code failed;
  const auto parsed = boost::asio::ip::make_address(address, failed);
  return !failed && parsed.is_loopback();
}

// Members are in the order in which they depend on each other. The log closes first, so that whoever waits for a
// commit is answered while all that could be called is still there.
class Process {
 public:
  explicit Process(const ServeSettings& settings)
      : open_(open_to_serve(settings.data, settings.key_file, settings.log)),
        models_(open_read_models(*open_.directory, *open_.log, settings.runner, "catching up")),
        past_(*open_.log, *models_.runner, system_now, {settings.past_cache_mb << 20, {}}),
        workers_(settings.workers, settings.worker_queue),
        commands_(commands::make_command_handler(*open_.log, system_now, pooled_random, command_options())),
        reactor_store_(open_.log->reactor_store()),
        webhooks_({*open_.log, *reactor_store_, server_key(), system_now, system_random}, webhook_settings(settings)),
        requests_(http::all_routes()),
        access_log_(system_now, settings.access_log, settings.log_format == LogFormat::json,
                    [this](std::string_view line) { access_sink_.write(line); }),
        api_(http::make_api(api_parts(settings), api_options(settings))),
        server_(server_options(settings), *api_) {
    if (settings.metrics_listen.empty()) return;
    operators_ = http::make_operator_service({[this] { return scrape(); }, [this] { return why_not_ready(); }});
    operator_server_.emplace(operator_options(settings), *operators_);
  }

  void start() {
    need(webhooks_.start());
    server_.start();
    if (operator_server_) operator_server_->start();
  }
  void reload_tls() { server_.reload_tls(); }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] std::optional<std::uint16_t> metrics_port() const {
    return operator_server_ ? std::optional(operator_server_->port()) : std::nullopt;
  }

  // Healthy enough not to be started anew: a log that has failed stays failed, and reads go on.
  [[nodiscard]] bool alive() const { return !models_.runner->failure(); }

  void stop() {
    // First what requests may wait for: a backup, a rebuild, a name server.
    stopping_ = true;
    webhooks_.stop_looking_up();
    models_.runner->end_maintenance();
    server_.stop();
    past_.stop();
    if (operator_server_) operator_server_->stop();
    models_.runner->stop();
    workers_.stop();
    webhooks_.stop();
    reactor_store_.reset();
    // RocksDB may abort on closing what it could not write to. There is nothing left that closing would save.
    if (open_.log->failure()) leave();
    open_.log.reset();
  }

 private:
  [[noreturn]] void leave() {
    access_sink_.end();
    std::fflush(nullptr);
    spdlog::default_logger()->flush();
    std::_Exit(kDone);
  }
  [[nodiscard]] std::string scrape() {
    return metrics_text({requests_, *open_.log, *models_.views, *models_.runner, webhooks_, workers_,
                         [this] { return server_.connections(); }, [this] { return server_.body_bytes(); }, system_now,
                         TASKLEDGER_VERSION});
  }
  [[nodiscard]] std::optional<std::string> why_not_ready() const {
    return http::why_not_ready(*open_.log, *models_.runner);
  }
  [[nodiscard]] commands::CommandHandlerOptions command_options() {
    commands::CommandHandlerOptions options;
    options.aside = [this](std::function<void()> job, std::function<void()> dropped) {
      return workers_.post(std::move(job), std::move(dropped));
    };
    return options;
  }
  [[nodiscard]] http::ApiParts api_parts(const ServeSettings& settings) {
    http::ApiParts parts{*open_.log, *models_.runner, *commands_, workers_, system_now, system_random, &webhooks_};
    parts.past = &past_;
    parts.back_up = back_up(settings);
    parts.metrics = &requests_;
    if (settings.access_log > 0) parts.access_log = &access_log_;
    // Figures are no secret of a workspace, but nobody's outside either.
    if (settings.metrics_listen.empty() && is_loopback(settings.server.address))
      parts.scrape = [this] { return scrape(); };
    return parts;
  }
  [[nodiscard]] http::ApiOptions api_options(const ServeSettings& settings) const {
    http::ApiOptions options = settings.api;
    options.server_key = server_key();
    options.version = TASKLEDGER_VERSION;
    return options;
  }
  [[nodiscard]] decltype(http::ApiParts::back_up) back_up(const ServeSettings& settings) {
    if (settings.backup_dir.empty()) return {};
    auto to = std::filesystem::absolute(settings.backup_dir);
    // It may be mounted later: each backup makes it again.
    if (auto made = storage::make_directory(to); !made)
      spdlog::warn("backups cannot be made there (--backup-dir): {}", made.error().what);
    return [this, to = std::move(to)] { return open_.log->back_up(to, &stopping_); };
  }
  [[nodiscard]] std::string server_key() const {
    const auto& key = open_.directory->secret_key();
    return {key.begin(), key.end()};
  }
  static reactors::WebhookSettings webhook_settings(const ServeSettings& settings) {
    reactors::WebhookSettings options = settings.webhooks;
    options.user_agent = "taskledger/" TASKLEDGER_VERSION;
    return options;
  }
  static http::ServerOptions server_options(const ServeSettings& settings) {
    http::ServerOptions options = settings.server;
    options.clock = system_now;
    options.request_ids = pooled_random;
    options.standard_headers = "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
    if (!options.tls_certificate.empty()) options.standard_headers += "Strict-Transport-Security: max-age=31536000\r\n";
    return options;
  }
  static http::ServerOptions operator_options(const ServeSettings& settings) {
    http::ServerOptions options;
    options.address = settings.metrics_address;
    options.port = settings.metrics_port;
    options.threads = 1;
    options.max_connections = 64;
    options.clock = system_now;
    return options;
  }

  std::atomic<bool> stopping_{false};  // a backup under way ends soon
  OpenLog open_;
  ReadModelStores models_;
  projections::PastReads past_;
  WorkerPool workers_;
  std::unique_ptr<commands::CommandHandler> commands_;
  std::unique_ptr<storage::ReactorStore> reactor_store_;
  reactors::Webhooks webhooks_;
  http::RequestMetrics requests_;
  AccessSink access_sink_{STDERR_FILENO};
  http::AccessLog access_log_;
  std::unique_ptr<http::Service> api_;
  http::Server server_;
  std::unique_ptr<http::Service> operators_;
  std::optional<http::Server> operator_server_;
};

std::string url_of(bool tls, const std::string& address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", address, v6 ? "]" : "", port);
}

void warn_of_plain_text(const ServeSettings& settings) {
  if (is_loopback(settings.server.address) || !settings.server.tls_certificate.empty()) return;
  spdlog::warn(
      "{} is no loopback address, and there is no certificate: tokens travel in plain text unless a proxy encrypts",
      settings.server.address);
}

void keep_descriptors_for_files(ServeSettings& settings) {
  const std::size_t limit = raise_descriptor_limit();
  const Connections asked{settings.server.max_connections, settings.webhooks.connections};
  const Connections room = connections_within(limit, asked);
  if (room.of_clients < asked.of_clients)
    spdlog::warn("{} open files are allowed, so at most {} connections, not {}", limit, room.of_clients,
                 asked.of_clients);
  if (room.to_webhooks < asked.to_webhooks)
    spdlog::warn("{} open files are allowed, so at most {} connections to webhooks' endpoints, not {}", limit,
                 room.to_webhooks, asked.to_webhooks);
  settings.server.max_connections = room.of_clients;
  settings.webhooks.connections = room.to_webhooks;
}

// Each arena keeps what it once needed: enough for the threads that allocate with every write (io, appender, row
// writer, RocksDB's), which with four of them waited for each other, and fewer than glibc would have, which nobody
// uses.
constexpr int kArenas = 12;

int serve(ServeSettings settings) {
  ::mallopt(M_ARENA_MAX, kArenas);
  // Small blocks are kept by each thread anyway; glibc's older lists of them are gone through, under the arena's lock,
  // whenever something large is freed.
  ::mallopt(M_MXFAST, 0);
  set_up_logging(settings.log_format, settings.log_level);
  signal(SIGPIPE, SIG_IGN);
  Signals signals;
  warn_of_plain_text(settings);
  keep_descriptors_for_files(settings);
  ServiceManager manager;
  Process process(settings);
  process.start();
  signals.started();
  fmt::print("listening on {}\n",
             url_of(!settings.server.tls_certificate.empty(), settings.server.address, process.port()));
  if (const auto port = process.metrics_port())
    fmt::print("metrics on {}/metrics\n", url_of(false, settings.metrics_address, *port));
  if (std::fflush(stdout) != 0) {  // that nobody gets to see it is no failure of the server's
    ::__fpurge(stdout);
    std::clearerr(stdout);
  }
  manager.ready();
  manager.watch([&process] { return process.alive(); });
  while (signals.next() == SIGHUP) {
    manager.reloading();
    if (!settings.server.tls_certificate.empty()) process.reload_tls();
    manager.ready();
  }
  manager.stopping();
  spdlog::info("stopping");
  process.stop();
  return kDone;
}

}  // namespace

void add_serve(CLI::App& root, Run& run) {
  auto settings = std::make_shared<ServeSettings>();
  CLI::App* command = root.add_subcommand("serve", "Serve the API from a data directory");
  declare_serve_settings(*command, *settings);
  command->callback([settings, &run] {
    settle(*settings);
    run = [settings] { return serve(*settings); };
  });
}

}  // namespace taskledger::app
