// What a second listener for operators (--metrics-listen) serves: /metrics, /healthz, /readyz; nothing of the API.
// Answers on its io thread, so that it should have a server, and a thread, of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/service.h"

namespace taskledger::http {

struct OperatorParts {
  std::function<std::string()> scrape;                    // Prometheus text
  std::function<std::optional<std::string>()> not_ready;  // why not; nullopt: ready
};

[[nodiscard]] std::unique_ptr<Service> make_operator_service(OperatorParts parts);
[[nodiscard]] Reply metrics_reply(std::string text);
[[nodiscard]] Reply readiness_reply(const std::optional<std::string>& not_ready);

}  // namespace taskledger::http
