#include "app/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace taskledger::app {

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::size_t>::max();
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  return limit.rlim_cur;
}

Connections connections_within(std::size_t limit, Connections asked_for) {
  const std::size_t to_webhooks = std::min(asked_for.to_webhooks, std::max<std::size_t>(limit / 4, 1));
  const std::size_t others = kOtherDescriptors + to_webhooks;
  const std::size_t room = limit > 2 * others ? limit - others : limit / 2;
  return {std::min(asked_for.of_clients, room), to_webhooks};
}

}  // namespace taskledger::app
