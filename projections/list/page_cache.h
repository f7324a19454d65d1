// Pages of lists, kept for those who ask the same again while nothing of what they show has changed: programs poll. A
// page holds as long as no task that its query could match has changed (the workspace's, the assignee's or the linked
// entity's: Image::changed), and for the instants at which its mode means the same tasks (Validity); so an answer from
// here is the answer that would be worked out. What is asked for once is not kept: only the second time within one
// state makes a page worth its memory, or that the page of the state before served somebody.
// Threads: any; find() and offer() under the image's shared lock.
// Memory: at most what it is given; the least recently used pages go first.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/query.h"
#include "projections/list/list_query.h"
#include "projections/list/rendered_rows.h"
#include "projections/read_models.h"

namespace taskledger::projections {

class PageCache {
 public:
  explicit PageCache(std::size_t bytes) : bytes_of_shard_(bytes / kShards) {}

  // The page, with the position still to be said; nullopt: it must be worked out, and may then be offered. `rows` are
  // then those of the page that was kept, if there is one.
  [[nodiscard]] std::optional<ListPage> find(const Image& image, const ListQuery& query, RenderedRowsPtr& rows);
  void offer(const Image& image, const ListQuery& query, const Validity& validity, const ListPage& page,
             const RenderedRowsPtr& rows);
  // Keeps none of what is there: what a page showed once was to be forgotten.
  void clear();
  [[nodiscard]] PageCacheFigures figures() const;

 private:
  static constexpr std::size_t kShards = 8, kSeen = 1024;
  struct Entry {
    std::string key;
    Validity validity;
    ListPage page;
    RenderedRowsPtr rows;   // the page's; null: it has none
    std::size_t bytes = 0;  // all that is kept, about
    bool served = false;    // somebody, since the page is kept
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> entries;  // the most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
    std::array<std::size_t, kSeen> seen{};  // of queries asked for once: a hash of key and state, at a place by key
    std::size_t bytes = 0;
    std::uint64_t hits = 0, misses = 0;
    void drop(std::list<Entry>::iterator entry);
  };

  [[nodiscard]] bool keeps(const ListQuery& query) const { return bytes_of_shard_ > 0 && query.meaning.has_value(); }
  const std::size_t bytes_of_shard_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace taskledger::projections
