#include "http/cursor.h"

#include <openssl/crypto.h>

#include <cstring>

#include "core/base64.h"
#include "storage/bytes.h"

namespace taskledger::http {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kCodeBytes = 16;
constexpr std::size_t kMaxCursorCharacters = 16 * 1024;

void put_value(std::string& out, const SortValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out.push_back(1);
    storage::put_int(out, *number);
  } else if (const auto* bytes = std::get_if<std::string>(&value)) {
    out.push_back(2);
    storage::put_int(out, static_cast<std::uint16_t>(bytes->size()));
    out.append(*bytes);
  } else {
    out.push_back(0);
  }
}

// The code has been checked: what is read here was written by append().
SortValue take_value(storage::ByteReader& reader) {
  switch (reader.integer<std::uint8_t>()) {
    case 1:
      return reader.integer<std::int64_t>();
    case 2:
      return std::string(reader.take(reader.integer<std::uint16_t>()));
    default:
      return std::monostate();
  }
}

}  // namespace

Cursors::Code Cursors::code(WorkspaceNumber workspace, const Fingerprint& fingerprint, std::string_view payload) const {
  std::string message;
  message.reserve(4 + fingerprint.size() + payload.size());
  storage::put_int(message, workspace.value);
  message.append(reinterpret_cast<const char*>(fingerprint.data()), fingerprint.size()).append(payload);
  const auto hash = seal_(message);
  Code code;
  std::memcpy(code.data(), hash.data(), code.size());
  return code;
}

void Cursors::append(std::string& out, WorkspaceNumber workspace, const Fingerprint& fingerprint,
                     const PageEnd& end) const {
  std::string payload;
  payload.reserve(96);
  payload.push_back(static_cast<char>(kFormat));
  storage::put_int(payload, end.now.ms);
  payload.append(storage::as_bytes(end.after.id.value));
  payload.push_back(static_cast<char>(end.after.values.size()));
  for (const SortValue& value : end.after.values) put_value(payload, value);
  const auto seal = code(workspace, fingerprint, payload);
  append_base64url(out, payload.append(seal.data(), seal.size()));
}

std::optional<PageEnd> Cursors::open(std::string_view cursor, WorkspaceNumber workspace,
                                     const Fingerprint& fingerprint) const {
  if (cursor.size() > kMaxCursorCharacters) return std::nullopt;
  const auto bytes = from_base64url(cursor);
  if (!bytes || bytes->size() < kCodeBytes) return std::nullopt;
  const auto payload = std::string_view(*bytes).substr(0, bytes->size() - kCodeBytes);
  const auto seal = code(workspace, fingerprint, payload);
  if (CRYPTO_memcmp(seal.data(), bytes->data() + payload.size(), kCodeBytes) != 0) return std::nullopt;

  storage::ByteReader reader(payload);
  if (reader.integer<std::uint8_t>() != kFormat) return std::nullopt;
  PageEnd end;
  end.now.ms = reader.integer<std::int64_t>();
  reader.array(end.after.id.value.bytes);
  for (auto count = reader.integer<std::uint8_t>(); count > 0; --count) end.after.values.push_back(take_value(reader));
  if (!reader.ok() || !reader.rest().empty()) return std::nullopt;
  return end;
}

}  // namespace taskledger::http
