// Keys of the reactor store's rows about webhooks. Integers big-endian, so that rows stand in the order of their
// numbers and times.
// clang-format off
//   'W' webhook:16 'b' task:16            -> number:u64     the delivery that holds back the later ones of this task
//   'W' webhook:16 'c'                    -> checkpoint     cursor:u64 replays_applied:u64 done:u64 waiting:u64
//                                                           parked:u64 forgetting:u64 (0: nothing, else 1 + after what)
//   'W' webhook:16 'd' slot:u16           -> age:u64 delivery   the last done ones, a ring by age
//   'W' webhook:16 'h' task:16 number:u64 -> ""             held deliveries, by task
//   'W' webhook:16 'p' number:u64         -> delivery       parked (delivery.h)
//   'W' webhook:16 'q' number:u64         -> delivery       waiting, of all kinds
//   'W' webhook:16 'r' due:u64 number:u64 -> ""             those of 'q' that are tried when due
// clang-format on
#pragma once

#include <string>
#include <string_view>

#include "reactors/delivery.h"
#include "storage/bytes.h"

namespace taskledger::reactors::keys {

inline constexpr char kBlocked = 'b', kCheckpoint = 'c', kDone = 'd', kHeld = 'h', kParked = 'p', kWaiting = 'q',
                      kDue = 'r';
inline constexpr std::size_t kPrefixBytes = 17;

inline std::string webhook(const WebhookId& id) {
  std::string key = "W";
  key.append(reinterpret_cast<const char*>(id.value.bytes.data()), id.value.bytes.size());
  return key;
}
inline std::string table(std::string_view prefix, char name) { return std::string(prefix) + name; }
inline std::string number(std::string_view prefix, char name, std::uint64_t number) {
  std::string key = table(prefix, name);
  storage::put_int(key, number);
  return key;
}
inline std::string task(std::string_view prefix, char name, const TaskId& task) {
  std::string key = table(prefix, name);
  key.append(reinterpret_cast<const char*>(task.value.bytes.data()), task.value.bytes.size());
  return key;
}
inline std::string held(std::string_view prefix, const Delivery& delivery) {
  std::string key = task(prefix, kHeld, delivery.task);
  storage::put_int(key, delivery.number);
  return key;
}
inline std::string due(std::string_view prefix, const Delivery& delivery) {
  std::string key = number(prefix, kDue, static_cast<std::uint64_t>(delivery.due.ms));
  storage::put_int(key, delivery.number);
  return key;
}
inline std::string done(std::string_view prefix, std::uint16_t slot) {
  std::string key = table(prefix, kDone);
  storage::put_int(key, slot);
  return key;
}
// The number that ends a key.
inline std::uint64_t last_number(std::string_view key) {
  return storage::get_int<std::uint64_t>(key.data() + key.size() - sizeof(std::uint64_t));
}

}  // namespace taskledger::reactors::keys
