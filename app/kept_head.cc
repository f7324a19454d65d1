#include "app/kept_head.h"

#include <simdjson.h>

#include "app/command.h"
#include "core/time_zone.h"

namespace taskledger::app {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool parse_hash(std::string_view text, storage::Hash& hash) {
  if (text.size() != 2 * hash.size()) return false;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    hash[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

}  // namespace

KeptHead read_kept_head(const std::string& file) {
  simdjson::padded_string text;
  if (simdjson::padded_string::load(file).get(text) != simdjson::SUCCESS) throw Failed(file + ": cannot be read");
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  std::string_view hash, workspace;
  std::uint64_t position = 0;
  KeptHead kept;
  if (parser.parse(text).get(json) != simdjson::SUCCESS || json["position"].get(position) != simdjson::SUCCESS ||
      json["hash"].get(hash) != simdjson::SUCCESS || !parse_hash(hash, kept.head.hash))
    throw Failed(file + ": is no kept head: JSON with \"position\" and \"hash\"");
  kept.head.position = {position};
  std::string_view time, signature, key_id;
  if (json["time"].get(time) == simdjson::SUCCESS && json["signature"].get(signature) == simdjson::SUCCESS &&
      json["key_id"].get(key_id) == simdjson::SUCCESS) {
    const auto at = parse_time(time, *TimeZone::load("UTC"));
    if (!at) throw Failed(file + ": its time is none");
    kept.head.time = at->at;
    kept.signature = signature;
    kept.key_id = key_id;
  }
  if (json["workspace_id"].get(workspace) == simdjson::SUCCESS) {
    if (const auto id = parse_uuid(workspace)) kept.workspace = WorkspaceId{*id};
  }
  return kept;
}

}  // namespace taskledger::app
