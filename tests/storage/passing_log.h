// A log that passes everything on to another one, for tests that override some of it.
#pragma once

#include <utility>

#include "storage/bulk_append.h"
#include "storage/event_log.h"

namespace taskledger::storage {

class PassingLog : public EventLog {
 public:
  explicit PassingLog(EventLog& inner) : inner_(inner) {}

  void append(Commit commit, OnAppended done) override { inner_.append(std::move(commit), std::move(done)); }
  void observe(Observer observer) override { inner_.observe(std::move(observer)); }
  Result<std::unique_ptr<BulkAppend>, AppendError> begin_bulk(WorkspaceNumber workspace) override {
    return inner_.begin_bulk(workspace);
  }
  Result<void, ReadError> read_stream(WorkspaceNumber workspace, const Uuid& stream, Version from,
                                      const Visitor& visit) const override {
    return inner_.read_stream(workspace, stream, from, visit);
  }
  Result<void, ReadError> read_all(Position after, Position to, const Visitor& visit) const override {
    return inner_.read_all(after, to, visit);
  }
  Result<void, ReadError> read_workspace(WorkspaceNumber workspace, WorkspacePosition after,
                                         const Visitor& visit) const override {
    return inner_.read_workspace(workspace, after, visit);
  }
  Result<void, ReadError> read_feed(WorkspaceNumber workspace, WorkspacePosition after, const FeedFilter& filter,
                                    const Visitor& visit) const override {
    return inner_.read_feed(workspace, after, filter, visit);
  }
  Head head() const override { return inner_.head(); }
  WorkspaceHead workspace_head(WorkspaceNumber workspace) const override { return inner_.workspace_head(workspace); }
  Result<std::optional<Hash>, ReadError> hash_at(Position position) const override { return inner_.hash_at(position); }
  Result<std::optional<Hash>, ReadError> workspace_hash_at(WorkspaceNumber workspace,
                                                           WorkspacePosition position) const override {
    return inner_.workspace_hash_at(workspace, position);
  }
  Result<std::optional<std::string>, ReadError> idempotency_row(std::string_view key) const override {
    return inner_.idempotency_row(key);
  }
  std::optional<std::string> failure() const override { return inner_.failure(); }

 private:
  EventLog& inner_;
};

}  // namespace taskledger::storage
