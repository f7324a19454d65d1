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

std::size_t PageCache::Entry::bytes() const { return sizeof *this + 96 + key.capacity() + page.rows->capacity(); }

void PageCache::Shard::drop(std::list<Entry>::iterator entry) {
  bytes -= entry->bytes();
  by_key.erase(entry->key);
  entries.erase(entry);
}

std::optional<ListPage> PageCache::find(const Image& image, const ListQuery& query) {
  if (!keeps(query)) return std::nullopt;
  const std::string_view key = key_of(image, query);
  const auto changed = changed_for(image, query);
  Shard& shard = shards_[std::hash<std::string_view>()(key) % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end() || !changed || !found->second->validity.holds(*changed, query.now)) {
    ++shard.misses;
    return std::nullopt;
  }
  ++shard.hits;
  found->second->served = true;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->page;
}

void PageCache::offer(const Image& image, const ListQuery& query, const Validity& validity, const ListPage& page) {
  if (!keeps(query)) return;
  const std::string_view key = key_of(image, query);
  const std::size_t hash = std::hash<std::string_view>()(key), state = hash ^ (validity.changed * 0x9E3779B97F4A7C15);
  Shard& shard = shards_[hash % kShards];
  const std::lock_guard lock(shard.mutex);
  bool wanted = std::exchange(shard.seen[hash / kShards % kSeen], state) == state;
  if (const auto found = shard.by_key.find(key); found != shard.by_key.end()) {
    wanted = wanted || found->second->served;
    shard.drop(found->second);
  }
  if (!wanted) return;
  Entry entry{.key = std::string(key), .validity = validity, .page = page};
  // A page as long as it is: it was written into room for the longest.
  entry.page.rows = std::make_shared<const std::string>(std::string_view(*page.rows));
  const std::size_t bytes = entry.bytes();
  if (bytes > bytes_of_shard_ / 4) return;
  while (shard.bytes + bytes > bytes_of_shard_) shard.drop(std::prev(shard.entries.end()));
  shard.entries.push_front(std::move(entry));
  shard.by_key.emplace(shard.entries.front().key, shard.entries.begin());
  shard.bytes += bytes;
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
