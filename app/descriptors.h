// How many files and connections the process may have open.
#pragma once

#include <cstddef>

namespace taskledger::app {

// Those that are not for connections: files of the log and of the read models, look-ups of names, and some to spare.
// Were connections to take them, RocksDB could not open its next file, and writes would stop for good.
inline constexpr std::size_t kOtherDescriptors = 512;

struct Connections {
  std::size_t of_clients, to_webhooks;
  friend bool operator==(const Connections&, const Connections&) = default;
};

// Raises the limit as far as the system lets an unprivileged process; returns it.
std::size_t raise_descriptor_limit();

// Of the connections asked for, those that `limit` descriptors leave room for. Where it is very low clients get half of
// them, and webhooks a quarter.
[[nodiscard]] Connections connections_within(std::size_t limit, Connections asked_for);

}  // namespace taskledger::app
