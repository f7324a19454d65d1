// fingerprint_of, declared in http/list_parameters.h: the canonical bytes of a list query, hashed. Order does not
// matter where the meaning has none: conditions of a group, members of an `in`, search words.
#include <algorithm>
#include <cstring>

#include "http/list_parameters.h"
#include "storage/bytes.h"
#include "storage/sha256.h"

namespace taskledger::http {
namespace {

using storage::put_int;

void put_text(std::string& out, std::string_view text) {
  put_int(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}
void put_byte(std::string& out, unsigned value) { out.push_back(static_cast<char>(value)); }

template <class Value>
std::vector<Value> as_set(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

void put(std::string& out, const Condition& condition) {
  put_byte(out, 'c');
  put_byte(out, static_cast<unsigned>(condition.field));
  put_byte(out, static_cast<unsigned>(condition.test));
  put_byte(out, condition.negated);
  put_int(out, condition.low);
  put_int(out, condition.high);
  put_int(out, condition.codes);
  const auto texts = as_set(condition.texts);
  put_int(out, static_cast<std::uint32_t>(texts.size()));
  for (const auto& text : texts) put_text(out, text);
  const auto ids = as_set(condition.ids);
  put_int(out, static_cast<std::uint32_t>(ids.size()));
  for (const auto& id : ids) out.append(storage::as_bytes(id));
}

void put(std::string& out, const FilterGroup& group) {
  std::vector<std::string> parts;
  parts.reserve(group.children.size());
  for (const FilterNode& child : group.children) {
    std::string part;
    if (const auto* condition = std::get_if<Condition>(&child)) {
      put(part, *condition);
    } else {
      put(part, *std::get<std::unique_ptr<FilterGroup>>(child));
    }
    parts.push_back(std::move(part));
  }
  parts = as_set(std::move(parts));
  put_byte(out, group.any && parts.size() > 1 ? 'o' : 'a');
  put_int(out, static_cast<std::uint32_t>(parts.size()));
  for (const auto& part : parts) put_text(out, part);
}

}  // namespace

Fingerprint fingerprint_of(const ListQuery& query, std::string_view zone, std::string_view as_of) {
  thread_local std::string bytes;
  bytes.clear();
  put_text(bytes, "list");
  put_byte(bytes, static_cast<unsigned>(query.mode));
  put_text(bytes, zone);
  put_text(bytes, as_of);
  put_byte(bytes, query.priority ? static_cast<unsigned>(*query.priority) : 0);
  put_byte(bytes, query.action_type ? static_cast<unsigned>(*query.action_type) : 0);
  put_byte(bytes, query.linked_entity_type ? static_cast<unsigned>(*query.linked_entity_type) : 0);
  put_byte(bytes, (query.assigned_to ? 1 : 0) | (query.linked_entity_id ? 2 : 0));
  if (query.assigned_to) bytes.append(storage::as_bytes(query.assigned_to->value));
  if (query.linked_entity_id) bytes.append(storage::as_bytes(query.linked_entity_id->value));
  for (const SortKey& key : query.order) {
    put_byte(bytes, 's');
    put_byte(bytes, static_cast<unsigned>(key.field));
    put_byte(bytes, key.descending);
  }
  if (!query.search.empty()) {
    for (const auto& word : as_set(query.search)) {
      put_byte(bytes, 'w');
      put_text(bytes, word);
    }
  }
  // A group without conditions matches all, like no filters.
  if (query.filters && !query.filters->children.empty()) put(bytes, *query.filters);
  const auto hash = storage::Sha256().add(bytes).finish();
  Fingerprint fingerprint;
  std::memcpy(fingerprint.data(), hash.data(), fingerprint.size());
  return fingerprint;
}

}  // namespace taskledger::http
