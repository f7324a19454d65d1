// The ReactorStore in the log's own RocksDB: a table beside the log's, in its WAL, so that it never runs ahead of the
// log after a crash. Inside `storage` only; others get it from RocksEventLog. Threads: any. The tables must outlive it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "storage/log_tables.h"
#include "storage/reactor_store.h"

namespace taskledger::storage {

class RocksReactorStore final : public ReactorStore {
 public:
  // `synced`: up to which position the log has been, or 0; `failed` is told why a write failed. On any thread.
  RocksReactorStore(const LogTables& tables, std::function<Position()> synced,
                    std::function<void(const std::string& why)> failed)
      : tables_(tables), synced_(std::move(synced)), failed_(std::move(failed)) {}
  Result<void, ReadError> write(const std::vector<RowChange>& changes) override;
  Result<void, ReadError> remove_prefix(std::string_view prefix) override;
  Result<std::optional<std::string>, ReadError> get(std::string_view key) const override;
  Result<void, ReadError> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const override;

 private:
  [[nodiscard]] rocksdb::WriteBatch new_batch() const;
  Result<void, ReadError> write(rocksdb::WriteBatch& batch);

  const LogTables& tables_;
  const std::function<Position()> synced_;
  const std::function<void(const std::string&)> failed_;
};

}  // namespace taskledger::storage
