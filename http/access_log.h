// One line a request: what was asked for (the route's template, never the address as sent), how it ended, how long it
// took. Nothing in it is the caller's own text but a request id that has passed is_request_id().
//   text   2025-03-17T10:00:00Z GET /api/v1/tasks/{id} 200 53us 512B 127.0.0.1 workspace=1 id=5f0c…
//   json   {"time":"…","level":"info","message":"request","method":"GET","route":"…","status":200,"us":53,"bytes":512,
//           "remote":"127.0.0.1","workspace":1,"request_id":"…"}
// Threads: any; `write` must allow that.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "core/clock.h"
#include "core/ids.h"

namespace taskledger::http {

struct Route;

struct AccessLine {
  const Route* route = nullptr;  // null: none was found
  unsigned status = 0;
  std::uint64_t microseconds = 0, bytes = 0;
  std::string_view remote, request_id;
  std::optional<WorkspaceNumber> workspace;  // of the caller
};

class AccessLog {
 public:
  // Of every thread's requests each `every`th is told, and all that failed on the server's side (5xx); 0: none.
  AccessLog(Clock clock, std::uint32_t every, bool json, std::function<void(std::string_view line)> write)
      : clock_(std::move(clock)), every_(every), json_(json), write_(std::move(write)) {}
  void add(const AccessLine& line) const;

 private:
  const Clock clock_;
  const std::uint32_t every_;
  const bool json_;
  const std::function<void(std::string_view line)> write_;
};

}  // namespace taskledger::http
