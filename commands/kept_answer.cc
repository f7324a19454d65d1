#include "commands/kept_answer.h"

#include <cstring>

#include "storage/sha256.h"

namespace taskledger::commands {
namespace {

constexpr char kFormat = 1;

template <class Number>
void put(std::string& out, Number value) {
  for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
  }
}
void put(std::string& out, const Uuid& id) { out.append(reinterpret_cast<const char*>(id.bytes.data()), 16); }

struct Reader {
  std::string_view left;
  bool good = true;

  std::string_view take(std::size_t size) {
    if (left.size() < size) {
      good = false;
      left = {};
      return {};
    }
    const auto taken = left.substr(0, size);
    left.remove_prefix(size);
    return taken;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  Uuid uuid() {
    Uuid id;
    if (const auto bytes = take(16); good) std::memcpy(id.bytes.data(), bytes.data(), 16);
    return id;
  }
};

}  // namespace

std::string kept_key(const Caller& caller, std::string_view key) {
  std::string out;
  out.reserve(4 + 16 + 32);
  put(out, caller.workspace.value);
  put(out, caller.user.value);
  out.append(storage::as_bytes(storage::Sha256().add(key).finish()));
  return out;
}

std::string encode(const KeptAnswer& answer) {
  std::string out;
  out.reserve(45 + 38 * answer.tasks.size());
  out.push_back(kFormat);
  put(out, answer.expires.ms);
  out.append(reinterpret_cast<const char*>(answer.request.data()), answer.request.size());
  put(out, static_cast<std::uint32_t>(answer.tasks.size()));
  for (const TaskOutcome& task : answer.tasks) {
    put(out, task.task.value);
    put(out, static_cast<std::uint8_t>(task.action));
    put(out, task.version.value);
    put(out, static_cast<std::uint8_t>(task.event.has_value()));
    if (task.event) put(out, task.event->value);
  }
  return out;
}

std::optional<KeptAnswer> decode_kept(std::string_view value) {
  Reader reader{value};
  if (reader.number(1) != static_cast<std::uint64_t>(kFormat)) return std::nullopt;
  KeptAnswer answer;
  answer.expires.ms = static_cast<std::int64_t>(reader.number(8));
  if (const auto hash = reader.take(32); reader.good) std::memcpy(answer.request.data(), hash.data(), 32);
  const auto count = reader.number(4);
  for (std::uint64_t i = 0; i < count && reader.good; ++i) {
    TaskOutcome task;
    task.task = TaskId{reader.uuid()};
    task.action = static_cast<Action>(reader.number(1));
    task.version = {static_cast<std::uint32_t>(reader.number(4))};
    if (reader.number(1) != 0) task.event = EventId{reader.uuid()};
    answer.tasks.push_back(task);
  }
  if (!reader.good || !reader.left.empty()) return std::nullopt;
  return answer;
}

}  // namespace taskledger::commands
