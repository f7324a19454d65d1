#include "projections/list/page_cache.h"

#include <functional>
#include <utility>

#include "storage/bytes.h"
#include "storage/sha256.h"

namespace taskledger::projections {

namespace {

using storage::put_int;

void put(std::string& out, const SortValue& value) {
  out.push_back(static_cast<char>(value.index()));
  if (const auto* number = std::get_if<std::int64_t>(&value)) put_int(out, *number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    put_int(out, static_cast<std::uint32_t>(text->size()));
    out.append(*text);
  }
}

constexpr std::size_t kNodeBytes = 96;  // of the list and the map, an entry

// Everything an answer depends on but the state of the image and `now`, of which Validity tells. A serial number names
// the workspace too.
std::string_view key_of(const Image& image, const ListQuery& query) {
  thread_local std::string key;
  key.clear();
  put_int(key, image.serial());
  key.append(query.meaning->begin(), query.meaning->end());
  put_int(key, query.limit);
  put_int(key, query.today.begin.ms);
  put_int(key, query.today.end.ms);
  if (query.after) {
    for (const SortValue& value : query.after->values) put(key, value);
    key.append(storage::as_bytes(query.after->id.value));
  }
  return key;
}

}  // namespace

void PageCache::Shard::drop(std::list<Entry>::iterator entry) {
  bytes -= entry->bytes;
  by_key.erase(entry->key);
  entries.erase(entry);
}

std::optional<ListPage> PageCache::find(const Image& image, const ListQuery& query, RenderedRowsPtr& rows) {
  if (!keeps(query)) return std::nullopt;
  const std::string_view key = key_of(image, query);
  const auto changed = changed_for(image, query);
  Shard& shard = shards_[std::hash<std::string_view>()(key) % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) {
    ++shard.misses;
    return std::nullopt;
  }
  Entry& entry = *found->second;
  if (!changed || !entry.validity.holds(*changed, query.now)) {
    ++shard.misses;
    rows = entry.rows;
    return std::nullopt;
  }
  ++shard.hits;
  entry.served = true;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return entry.page;
}

void PageCache::offer(const Image& image, const ListQuery& query, const Validity& validity, const ListPage& page,
                      const RenderedRowsPtr& rows) {
  if (!keeps(query)) return;
  const std::string_view key = key_of(image, query);
  const std::size_t hash = std::hash<std::string_view>()(key), state = hash ^ (validity.changed * 0x9E3779B97F4A7C15);
  Shard& shard = shards_[hash % kShards];
  const std::lock_guard lock(shard.mutex);
  const bool asked_before = std::exchange(shard.seen[hash / kShards % kSeen], state) == state;
  auto found = shard.by_key.find(key);
  const bool known = found != shard.by_key.end();
  const bool wanted = asked_before || (known && found->second->served);
  const bool has_rows = rows && page.rows.get() == &rows->json();  // else they are of the page before
  const std::size_t bytes = sizeof(Entry) + kNodeBytes + key.size() + (has_rows ? rows->bytes() : 0);
  if (!wanted || bytes > bytes_of_shard_ / 4) {
    if (known) shard.drop(found->second);
    return;
  }
  if (!known) {
    shard.entries.emplace_front().key = key;
    found = shard.by_key.emplace(shard.entries.front().key, shard.entries.begin()).first;
  }
  Entry& entry = *found->second;
  shard.bytes += bytes - entry.bytes;
  entry.bytes = bytes, entry.validity = validity, entry.page = page, entry.rows = has_rows ? rows : nullptr,
  entry.served = false;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  while (shard.bytes > bytes_of_shard_) shard.drop(std::prev(shard.entries.end()));
}

void PageCache::clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    while (!shard.entries.empty()) shard.drop(shard.entries.begin());
  }
}

PageCacheFigures PageCache::figures() const {
  PageCacheFigures figures;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    figures.pages += shard.entries.size();
    figures.bytes += shard.bytes;
    figures.hits += shard.hits;
    figures.misses += shard.misses;
  }
  return figures;
}

}  // namespace taskledger::projections
