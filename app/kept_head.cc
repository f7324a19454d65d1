#include "app/kept_head.h"

#include <simdjson.h>

#include "app/command.h"
#include "core/time_zone.h"
#include "storage/sha256.h"

namespace taskledger::app {

KeptHead read_kept_head(const std::string& file) {
  simdjson::padded_string text;
  if (simdjson::padded_string::load(file).get(text) != simdjson::SUCCESS) throw Failed(file + ": cannot be read");
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  std::string_view hash, workspace;
  std::uint64_t position = 0;
  KeptHead kept;
  const bool both = parser.parse(text).get(json) == simdjson::SUCCESS &&
                    json["position"].get(position) == simdjson::SUCCESS && json["hash"].get(hash) == simdjson::SUCCESS;
  const auto parsed = both ? storage::parse_hash(hash) : std::nullopt;
  if (!parsed) throw Failed(file + ": is no kept head: JSON with \"position\" and \"hash\"");
  kept.head.position = {position};
  kept.head.hash = *parsed;
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
