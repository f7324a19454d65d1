// log_failure and LogFailure, declared in http/io_shard.h.
#include <spdlog/spdlog.h>

#include "http/io_shard.h"

namespace taskledger::http {

void log_failure(std::string_view what, const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", what, error.what());
  } catch (...) {
    spdlog::error("{}: unknown exception", what);
  }
}

void LogFailure::operator()(std::exception_ptr failure) const { log_failure(what, failure); }

}  // namespace taskledger::http
