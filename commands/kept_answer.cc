#include "commands/kept_answer.h"

#include "storage/bytes.h"
#include "storage/sha256.h"

namespace taskledger::commands {
namespace {

constexpr std::uint8_t kFormat = 1;

}  // namespace

std::string kept_key(const Caller& caller, std::string_view key) {
  std::string out;
  out.reserve(4 + 16 + 32);
  storage::put_int(out, caller.workspace.value);
  out.append(storage::as_bytes(caller.user.value));
  out.append(storage::as_bytes(storage::Sha256().add(key).finish()));
  return out;
}

std::string encode(const KeptAnswer& answer) {
  std::string out;
  out.reserve(45 + 38 * answer.tasks.size());
  storage::put_int(out, kFormat);
  storage::put_int(out, answer.expires.ms);
  out.append(storage::as_bytes(answer.request));
  storage::put_int(out, static_cast<std::uint32_t>(answer.tasks.size()));
  for (const TaskOutcome& task : answer.tasks) {
    out.append(storage::as_bytes(task.task.value));
    storage::put_int(out, static_cast<std::uint8_t>(task.action));
    storage::put_int(out, task.version.value);
    storage::put_int(out, static_cast<std::uint8_t>(task.event.has_value()));
    if (task.event) out.append(storage::as_bytes(task.event->value));
  }
  return out;
}

std::optional<KeptAnswer> decode_kept(std::string_view value) {
  storage::ByteReader reader(value);
  if (reader.integer<std::uint8_t>() != kFormat) return std::nullopt;
  KeptAnswer answer;
  answer.expires.ms = reader.integer<std::int64_t>();
  reader.array(answer.request);
  for (auto count = reader.integer<std::uint32_t>(); count > 0 && reader.ok(); --count) {
    TaskOutcome task;
    reader.array(task.task.value.bytes);
    task.action = static_cast<Action>(reader.integer<std::uint8_t>());
    task.version = {reader.integer<std::uint32_t>()};
    if (reader.integer<std::uint8_t>() != 0) reader.array(task.event.emplace().value.bytes);
    answer.tasks.push_back(task);
  }
  if (!reader.ok() || !reader.rest().empty()) return std::nullopt;
  return answer;
}

}  // namespace taskledger::commands
