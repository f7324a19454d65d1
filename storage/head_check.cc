#include "storage/head_check.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "storage/keys.h"
#include "storage/log_tables.h"
#include "storage/wal_check.h"

namespace taskledger::storage {
namespace {

// Follows the records of the WALs from the head of the tables on.
class WalHead final : public rocksdb::WriteBatch::Handler {
 public:
  // `marked`: the position whose record is wanted.
  WalHead(const LogTables& tables, const Head& head, Position marked)
      : tables_(tables), events_(tables.events->GetID()), heads_(tables.heads->GetID()), marked_(marked), head_(head) {}

  Result<void, ReadError> add(std::string_view batch) {
    first_ = last_ = {};
    moved_.reset();
    if (const auto read = rocksdb::WriteBatch(std::string(batch)).Iterate(this); !read.ok()) return read_error(read);
    if (!moved_ || moved_->position <= head_.position) return {};
    if (first_ != head_.position.next() || last_ != moved_->position) {
      for (const Position position : {head_.position.next(), moved_->position}) {
        const auto bytes = tables_.event_bytes(position);
        if (!bytes) return bytes.error();
        if (!*bytes) return damaged(position, "record is missing");
      }
      bytes_.clear();
    }
    head_ = *moved_;
    at_head_.swap(bytes_);
    return {};
  }

  [[nodiscard]] const Head& head() const { return head_; }
  [[nodiscard]] Result<void, ReadError> confirm_head() const {
    return at_head_.empty() ? tables_.confirm_head(head_) : confirm_record(head_, at_head_);
  }
  [[nodiscard]] Result<std::optional<Hash>, ReadError> hash_at_mark() const {
    std::optional<std::string> record = at_mark_;
    if (!record) {
      auto bytes = tables_.event_bytes(marked_);
      if (!bytes) return bytes.error();
      record = std::move(*bytes);
    }
    const auto hash = log_hash_of(marked_, record);
    if (!hash) return hash.error();
    return std::optional<Hash>(*hash);
  }

  rocksdb::Status PutCF(std::uint32_t table, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    if (table == heads_ && key.ToStringView() == keys::kGlobalHead) {
      moved_ = decode_head(value.ToStringView());
      if (!moved_) return rocksdb::Status::Corruption("a head row of the log is damaged");
    }
    if (table != events_ || key.size() != sizeof(std::uint64_t)) return rocksdb::Status::OK();
    const Position position{get_int<std::uint64_t>(key.data())};
    if (position <= head_.position) return rocksdb::Status::OK();
    if (first_.value == 0) first_ = position;
    last_ = position;
    bytes_.assign(value.data(), value.size());
    if (position == marked_) at_mark_ = bytes_;
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override { return rocksdb::Status::OK(); }
  rocksdb::Status SingleDeleteCF(std::uint32_t, const rocksdb::Slice&) override { return rocksdb::Status::OK(); }
  rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status MarkNoop(bool) override { return rocksdb::Status::OK(); }

 private:
  const LogTables& tables_;
  const std::uint32_t events_, heads_;
  const Position marked_;
  Head head_;
  std::string at_head_;  // empty: in a table
  std::optional<std::string> at_mark_;
  // Of the batch that is read: its records past the head, the bytes of the last one, and where it moves the head.
  Position first_, last_;
  std::string bytes_;
  std::optional<Head> moved_;
};

ReadError also(ReadError error, const std::optional<TornWal>& torn) {
  if (torn) error.what += fmt::format("; {}", torn->where);
  return error;
}

}  // namespace

Result<std::optional<std::string>, ReadError> check_head(const std::string& log, const std::optional<HeadMark>& mark,
                                                         rocksdb::Env& env) {
  std::unique_ptr<LogTables> tables;
  if (env.FileExists(log + "/CURRENT").ok()) {
    auto opened = LogTables::open_without_wal(log, env);
    if (!opened) return opened.error();
    tables = std::move(*opened);
  }
  if (!tables) {  // nothing was ever written to it
    if (!mark) return std::optional<std::string>();
    const auto confirmed = confirm_head_mark(*mark, {}, std::optional<Hash>(Hash{}));
    if (!confirmed) return confirmed.error();
    return std::optional<std::string>();
  }
  const auto rows = tables->head_rows();
  if (!rows) return rows.error();
  // A block of it that cannot be read is damage for whoever reads it, unless the log ends there.
  if (const auto last = tables->event_bytes(rows->head.position); last && rows->head.position.value > 0) {
    if (auto whole = confirm_record(rows->head, *last); !whole) return whole.error();
  }
  WalHead end(*tables, rows->head, mark ? mark->position : Position{});
  auto torn = check_wal(log, WalTail::find, mark ? mark->position : Position{}, &env,
                        [&](std::string_view batch) { return end.add(batch); });
  if (!torn) return torn.error();
  if (mark && mark->position.value > 0) {
    const auto hash = mark->position > end.head().position ? std::optional<Hash>() : end.hash_at_mark();
    if (auto confirmed = confirm_head_mark(*mark, end.head(), hash); !confirmed) return also(confirmed.error(), *torn);
  }
  if (auto whole = end.confirm_head(); !whole) return also(whole.error(), *torn);
  if (*torn && (*torn)->synced > end.head().position)
    return also(ends_too_early(end.head().position, (*torn)->synced), *torn);
  return *torn ? std::optional(std::move((*torn)->where)) : std::nullopt;
}

}  // namespace taskledger::storage
