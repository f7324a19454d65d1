#include "storage/record_format.h"

#include <cstring>

#include "storage/bytes.h"
#include "storage/sha256.h"

namespace taskledger::storage {
namespace {

constexpr std::uint8_t kWhole = 0, kErased = 1;
constexpr std::uint8_t kImported = 1, kHasId = 2, kHasTrace = 4;

Hash workspace_hash(std::string_view header, const Hash& digest) {
  return Sha256().add(kWorkspaceHashTag).add(header).add(digest).finish();
}

Hash log_hash(Position position, const Hash& workspace, std::string_view previous) {
  std::string start(kLogHashTag);
  put_int(start, position.value);
  return Sha256().add(start).add(workspace).add(previous).finish();
}

Hash digest_of(std::string_view nonce_and_payload) { return Sha256().add(nonce_and_payload).finish(); }

}  // namespace

Hash hash_of(std::string_view bytes32) {
  Hash hash;
  std::memcpy(hash.data(), bytes32.data(), hash.size());
  return hash;
}

ChainHashes encode_record(std::string& out, const Record& record, const ChainHashes& before, const Nonce& nonce) {
  const bool has_id = record.id != EventId{};
  const bool has_trace = !record.trace.empty();
  out += static_cast<char>(kRecordFormat);
  out += static_cast<char>(kWhole);
  out += as_bytes(before.log);
  const std::size_t header_at = out.size();
  out += as_bytes(before.workspace);
  out += static_cast<char>((record.imported ? kImported : 0) | (has_id ? kHasId : 0) | (has_trace ? kHasTrace : 0));
  out += static_cast<char>(record.type);
  put_int(out, record.workspace.value);
  put_int(out, record.in_workspace.value);
  out += as_bytes(record.stream);
  put_int(out, record.version.value);
  put_int(out, record.time.ms);
  out += as_bytes(record.actor.value);
  if (has_id) out += as_bytes(record.id.value);
  if (has_trace) {
    put_int(out, static_cast<std::uint16_t>(record.trace.size()));
    out += record.trace;
  }
  const std::size_t body_at = out.size();
  out.append(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  out += record.payload.value_or("");

  const std::string_view bytes(out);
  ChainHashes after;
  after.workspace = workspace_hash(bytes.substr(header_at, body_at - header_at), digest_of(bytes.substr(body_at)));
  after.log = log_hash(record.position, after.workspace, as_bytes(before.log));
  return after;
}

std::optional<DecodedRecord> decode_record(Position position, std::string_view bytes) {
  ByteReader in(bytes);
  if (in.integer<std::uint8_t>() != kRecordFormat) return std::nullopt;
  const auto state = in.integer<std::uint8_t>();
  if (state > kErased) return std::nullopt;
  DecodedRecord decoded;
  Record& record = decoded.record;
  decoded.previous_log = in.take(32);
  const char* header_begin = in.rest().data();
  decoded.previous_workspace = in.take(32);
  const auto flags = in.integer<std::uint8_t>();
  if (flags & ~(kImported | kHasId | kHasTrace)) return std::nullopt;
  record.position = position;
  record.imported = flags & kImported;
  record.type = in.integer<std::uint8_t>();
  record.workspace.value = in.integer<std::uint32_t>();
  record.in_workspace.value = in.integer<std::uint64_t>();
  in.array(record.stream.bytes);
  record.version.value = in.integer<std::uint32_t>();
  record.time.ms = in.integer<std::int64_t>();
  in.array(record.actor.value.bytes);
  if (flags & kHasId) in.array(record.id.value.bytes);
  if (flags & kHasTrace) record.trace = in.take(in.integer<std::uint16_t>());
  if (!in.ok()) return std::nullopt;
  decoded.body = in.rest();
  decoded.header = {header_begin, static_cast<std::size_t>(decoded.body.data() - header_begin)};
  if (state == kErased) {
    if (decoded.body.size() != 32) return std::nullopt;
  } else {
    if (decoded.body.size() < Nonce{}.size()) return std::nullopt;
    record.payload = decoded.body.substr(Nonce{}.size());
  }
  return decoded;
}

ChainHashes hashes_after(const DecodedRecord& decoded) {
  ChainHashes after;
  const Hash digest = decoded.record.payload ? digest_of(decoded.body) : hash_of(decoded.body);
  after.workspace = workspace_hash(decoded.header, digest);
  after.log = log_hash(decoded.record.position, after.workspace, decoded.previous_log);
  return after;
}

std::string erase_payload(const DecodedRecord& decoded) {
  std::string out;
  out += static_cast<char>(kRecordFormat);
  out += static_cast<char>(kErased);
  out += decoded.previous_log;
  out += decoded.header;
  if (decoded.record.payload) {
    out += as_bytes(digest_of(decoded.body));
  } else {
    out += decoded.body;
  }
  return out;
}

}  // namespace taskledger::storage
