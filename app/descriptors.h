// How many files and connections the process may have open.
#pragma once

#include <cstddef>

namespace taskledger::app {

// Those that are not for connections of clients: files of the log and of the read models, webhooks, and some to spare.
// Were connections to take them, RocksDB could not open its next file, and writes would stop for good.
inline constexpr std::size_t kOtherDescriptors = 512;

// Raises the limit as far as the system lets an unprivileged process; returns it.
std::size_t raise_descriptor_limit();

// Of the connections asked for, those that `limit` descriptors leave room for; half of them where it is very low.
[[nodiscard]] std::size_t connections_within(std::size_t limit, std::size_t asked_for);

}  // namespace taskledger::app
