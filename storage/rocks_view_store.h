// The ViewStore on RocksDB, under DIR/views. Disposable: what is damaged or of another format at opening is thrown away
// and made anew, and the projections fill it from the log. What only could not be read now (no descriptors left, a disk
// that does not answer) is an error, and stays.
//
//   column family "PROJECTION.GENERATION" (list.1 …)   the rows of one generation, as the projection writes them
//   default (meta)  'F'                                    → the format's name: of another one nothing is read
//                   'S' projection                         → generation:u64        the serving one
//                   'C' projection 0 generation:u64        → position:u64 hash:32  its checkpoint
//                   'E' projection 0 generation:u64 key    → ""  a row erased there, files not yet purged
//
// Threads: any; one writer a generation at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "storage/data_directory.h"
#include "storage/figures.h"
#include "storage/view_store.h"

namespace rocksdb {
class Env;
}

namespace taskledger::storage {

struct ViewOptions {
  std::size_t block_cache_bytes = std::size_t{32} << 20;
  std::size_t write_buffer_bytes = std::size_t{16} << 20;  // of each table
  std::size_t large_write = 10'000;  // rows of one write from which tables are built beside the memtables
  std::chrono::milliseconds merge_interval = std::chrono::seconds(20);  // of looking for small tables to merge
  bool keep_damaged = false;                                            // an error too, then
  rocksdb::Env* env = nullptr;
};

class RocksViewStore : public ViewStore {
 public:
  [[nodiscard]] virtual StoreFigures figures() const = 0;
  // Whether every block of every table can be read; otherwise what is wrong, with the file.
  [[nodiscard]] virtual Result<void, ReadError> check_blocks() const = 0;
};

struct OpenedViews {
  std::unique_ptr<RocksViewStore> store;
  std::string discarded;  // why an earlier store was thrown away, for the log; empty: it was not
};
// ReadError: nor could a new one be made, or it was to be kept. The directory must outlive the store.
[[nodiscard]] Result<OpenedViews, ReadError> open_view_store(DataDirectory& directory, ViewOptions options = {});
// Of a store that is not open: what is wrong with it may show only when rows are read.
[[nodiscard]] Result<void, ReadError> discard_view_store(DataDirectory& directory);

}  // namespace taskledger::storage
