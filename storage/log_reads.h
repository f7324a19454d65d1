// The reading half of an EventLog over tables and published heads, shared by the log that writes and the one that only
// reads. Inside `storage` only.
#pragma once

#include <algorithm>

#include "core/clock.h"
#include "storage/feed_block.h"
#include "storage/figures.h"
#include "storage/published_heads.h"
#include "storage/store_figures.h"

namespace taskledger::storage {

template <class Interface>
class LogReads : public Interface {
 public:
  LogReads(std::unique_ptr<LogTables> tables, HeadRows heads, Clock clock)
      : tables_(std::move(tables)), heads_(std::move(heads)), clock_(std::move(clock)) {}

  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                      const Visitor& visit) const override {
    return tables_->read_stream(workspace, stream, from, heads_.head().position, visit);
  }

  Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const override {
    return tables_->walk(after, std::min(to, heads_.head().position),
                         [&](const DecodedRecord& decoded) { return visit(decoded.record); });
  }

  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                         const Visitor& visit) const override {
    return tables_->read_workspace(workspace, after, heads_.tip(workspace).head.position, nullptr, visit);
  }

  Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after, const FeedFilter& filter,
                                    const Visitor& visit) const override {
    if (filter.stream) {
      const auto from = tables_->version_after(workspace, *filter.stream, after);
      if (!from) return from.error();
      return read_stream(workspace, *filter.stream, *from, [&](const Record& record) {
        if (filter.last && record.in_workspace > *filter.last) return false;
        return record.in_workspace <= after || !matches(filter, record) || visit(record);
      });
    }
    const WorkspacePosition head = heads_.tip(workspace).head.position;
    return tables_->read_workspace(workspace, after, std::min(head, filter.last.value_or(head)), &filter, visit);
  }

  Head head() const override { return heads_.head(); }
  WorkspaceHead workspace_head(WorkspaceNumber workspace) const override { return heads_.tip(workspace).head; }
  Result<std::optional<Hash>, ReadError> hash_at(Position position) const override {
    return tables_->hash_at(position, heads_.head());
  }
  Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                           WorkspacePosition position) const override {
    return tables_->workspace_hash_at(workspace, position, heads_.tip(workspace).head);
  }
  Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key) const override {
    return tables_->idempotency_row(key, clock_());
  }

  LogFigures figures() const override {
    LogFigures figures{store_figures(tables_->db(), tables_->all()), heads_.head(), {}};
    for (const auto& [workspace, tip] : heads_.rows().workspaces) figures.workspaces.emplace_back(workspace, tip.head);
    std::sort(figures.workspaces.begin(), figures.workspaces.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    return figures;
  }

 protected:
  std::unique_ptr<LogTables> tables_;
  PublishedHeads heads_;
  Clock clock_;
};

}  // namespace taskledger::storage
