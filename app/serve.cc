// `serve`: the composition root. Opens the directory, catches the read models up, listens, and waits for a signal:
// SIGTERM and SIGINT stop in order, SIGHUP reads the certificate anew.
#include <fmt/core.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdio>

#include "app/command.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/read_models.h"
#include "app/serve_settings.h"
#include "app/system.h"
#include "app/worker_pool.h"
#include "commands/command_handler.h"
#include "http/api.h"
#include "http/server.h"
#include "projections/past/past_reads.h"
#include "reactors/webhooks.h"

namespace taskledger::app {
namespace {

// Signals that the main thread waits for; blocked before any thread starts, so that each inherits the mask.
sigset_t block_signals() {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&awaited, number);
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return awaited;
}

// Members are in the order in which they depend on each other. The log closes first, so that whoever waits for a
// commit is answered while all that could be called is still there.
class Process {
 public:
  explicit Process(const ServeSettings& settings)
      : open_(open_to_write(settings.data, settings.key_file, settings.log)),
        models_(open_read_models(*open_.directory, *open_.log, settings.runner, "catching up")),
        past_(*open_.log, *models_.runner, system_now, {settings.past_cache_mb << 20}),
        commands_(commands::make_command_handler(*open_.log, system_now, system_random)),
        workers_(settings.workers, settings.worker_queue),
        reactor_store_(open_.log->reactor_store()),
        webhooks_({*open_.log, *reactor_store_, server_key(), system_now, system_random}, webhook_settings(settings)),
        api_(http::make_api({*open_.log, *models_.runner, *commands_, workers_, system_now, system_random, &webhooks_, &past_},
                            api_options(settings))),
        server_(server_options(settings), *api_) {}

  void start() {
    need(webhooks_.start());
    server_.start();
  }
  void reload_tls() { server_.reload_tls(); }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }

  void stop() {
    server_.stop();
    past_.stop();
    workers_.stop();
    webhooks_.stop();
    models_.runner->stop();
    reactor_store_.reset();
    open_.log.reset();
  }

 private:
  [[nodiscard]] http::ApiOptions api_options(const ServeSettings& settings) const {
    http::ApiOptions options = settings.api;
    options.cursor_key = server_key();
    options.version = TASKLEDGER_VERSION;
    return options;
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
    return options;
  }

  OpenLog open_;
  ReadModelStores models_;
  projections::PastReads past_;
  std::unique_ptr<commands::CommandHandler> commands_;
  WorkerPool workers_;
  std::unique_ptr<storage::ReactorStore> reactor_store_;
  reactors::Webhooks webhooks_;
  std::unique_ptr<http::Service> api_;
  http::Server server_;
};

std::string url_of(const ServeSettings& settings, std::uint16_t port) {
  const bool tls = !settings.server.tls_certificate.empty();
  const bool v6 = settings.server.address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", settings.server.address, v6 ? "]" : "", port);
}

void warn_of_plain_text(const ServeSettings& settings) {
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(settings.server.address, failed);
  if (failed || address.is_loopback() || !settings.server.tls_certificate.empty()) return;
  spdlog::warn("{} is no loopback address, and there is no certificate: tokens travel in plain text unless a proxy encrypts",
               settings.server.address);
}

int serve(const ServeSettings& settings) {
  set_up_logging(settings.log_format, settings.log_level);
  const sigset_t awaited = block_signals();
  warn_of_plain_text(settings);
  Process process(settings);
  process.start();
  fmt::print("listening on {}\n", url_of(settings, process.port()));
  std::fflush(stdout);
  while (true) {
    int number = 0;
    if (sigwait(&awaited, &number) != 0) continue;
    if (number != SIGHUP) break;
    if (!settings.server.tls_certificate.empty()) process.reload_tls();
  }
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
