#include "core/ids.h"

// The one-shot SHA-1 calls are deprecated in OpenSSL 3 for EVP, which fetches an implementation and allocates for
// every digest: several times the cost of one block, in a function that runs for each event shown.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace taskledger {
namespace {

constexpr std::uint8_t kNoDigit = 0xff;

// The value of a hexadecimal digit in either case, by character.
constexpr auto kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::uint8_t n = 0; n < 10; ++n) digits['0' + n] = n;
  for (std::uint8_t n = 0; n < 6; ++n) digits['a' + n] = digits['A' + n] = static_cast<std::uint8_t>(10 + n);
  return digits;
}();

// The two characters of each byte.
constexpr auto kPairs = [] {
  std::array<char, 512> pairs{};
  for (unsigned n = 0; n < 256; ++n) {
    pairs[2 * n] = "0123456789abcdef"[n >> 4];
    pairs[2 * n + 1] = "0123456789abcdef"[n & 15];
  }
  return pairs;
}();

// Where in the text each byte's two digits stand; the hyphens are between.
constexpr std::size_t kTextSize = 36;
constexpr std::array<std::uint8_t, 16> kOffsets{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

// Name space of workspace ids. Part of the format of exports: never change it.
constexpr Uuid kWorkspaceNames{
    {0x6c, 0x3d, 0x0f, 0x5e, 0x2b, 0x7a, 0x4c, 0x91, 0x9e, 0x44, 0x1d, 0x8a, 0x70, 0x5b, 0xf2, 0x36}};

void set_version(Uuid& uuid, std::uint8_t version) noexcept {
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | version << 4);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  if (text.size() != kTextSize || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') {
    return std::nullopt;
  }
  Uuid uuid;
  std::uint8_t bad = 0;  // a digit has no bit above the fourth, kNoDigit has them all
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    const std::uint8_t high = kDigits[static_cast<std::uint8_t>(text[kOffsets[i]])];
    const std::uint8_t low = kDigits[static_cast<std::uint8_t>(text[kOffsets[i] + 1])];
    bad |= high | low;
    uuid.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (bad & 0xf0) return std::nullopt;
  return uuid;
}

void write_uuid(char* out, const Uuid& uuid) noexcept {
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) std::memcpy(out + kOffsets[i], &kPairs[2 * uuid.bytes[i]], 2);
  out[8] = out[13] = out[18] = out[23] = '-';
}

void append_uuid(std::string& out, const Uuid& uuid) {
  char text[kTextSize];
  write_uuid(text, uuid);
  out.append(text, kTextSize);
}

std::string to_string(const Uuid& uuid) {
  std::string out;
  append_uuid(out, uuid);
  return out;
}

Uuid uuid_v7(std::int64_t unix_ms, const std::array<std::uint8_t, 10>& random) noexcept {
  Uuid uuid;
  const auto time = static_cast<std::uint64_t>(unix_ms);
  for (int i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
  std::memcpy(uuid.bytes.data() + 6, random.data(), random.size());
  set_version(uuid, 7);
  return uuid;
}

Uuid uuid_v5(const Uuid& name_space, std::span<const std::uint8_t> name) {
  SHA_CTX sha;
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1_Init(&sha);
  SHA1_Update(&sha, name_space.bytes.data(), name_space.bytes.size());
  SHA1_Update(&sha, name.data(), name.size());
  SHA1_Final(digest.data(), &sha);
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), digest.data(), uuid.bytes.size());
  set_version(uuid, 5);
  return uuid;
}

WorkspaceId workspace_id_of(std::string_view name) {
  return {uuid_v5(kWorkspaceNames, {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()})};
}

EventId derived_event_id(const WorkspaceId& workspace, const TaskId& task, Version version) {
  std::array<std::uint8_t, 20> name;
  std::memcpy(name.data(), task.value.bytes.data(), 16);
  for (int i = 0; i < 4; ++i) name[16 + i] = static_cast<std::uint8_t>(version.value >> (24 - 8 * i));
  return {uuid_v5(workspace.value, name)};
}

}  // namespace taskledger
