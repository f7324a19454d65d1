// The settings of `serve`: flags, environment and file end up here; then they become the options of each layer.
#pragma once

#include <cstdint>
#include <string>

#include "app/logging.h"
#include "http/api.h"
#include "http/server.h"
#include "projections/runner.h"
#include "reactors/settings.h"
#include "storage/rocks_event_log.h"

namespace CLI {
class App;
}

namespace taskledger::app {

struct ServeSettings {
  std::string data, key_file, backup_dir;
  std::string listen = "127.0.0.1:8080";
  std::string metrics_listen;   // HOST:PORT; empty: on the main listener, when that is loopback
  std::string metrics_address;  // of it
  std::uint16_t metrics_port = 0;
  std::uint32_t access_log = 0;  // one line for every Nth request; 0: none
  LogFormat log_format = LogFormat::text;
  std::string log_level = "info";
  unsigned workers = 2;
  std::size_t worker_queue = 1024;
  std::uint32_t self_check_seconds = 0;
  std::uint32_t commit_interval_us = 2'000, wal_fill_kb = 1024;
  std::uint64_t cache_mb = 512, past_cache_mb = 512, page_cache_mb = 32, body_mb = 256;
  http::ServerOptions server;
  http::ApiOptions api;
  storage::LogOptions log;
  projections::RunnerOptions runner;
  reactors::WebhookSettings webhooks;
};

void declare_serve_settings(CLI::App& command, ServeSettings& settings);
// Checks what flags say together and fills in `server`; wrong usage is a CLI::ParseError.
void settle(ServeSettings& settings);

}  // namespace taskledger::app
