#include "projections/past/past_fold.h"

#include <utility>
#include <vector>

#include "projections/past/handover.h"
#include "projections/past/past_applier.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kBatchEvents = 256;  // handed over at once
constexpr std::size_t kBatches = 16;       // between the two threads
constexpr std::size_t kAhead = 8;          // events, that memory is asked for before they are applied
constexpr std::uint64_t kAlone = 4096;     // a workspace of so few events is not worth a thread

struct Batch {
  std::vector<PastApplier::Event> events;
  [[nodiscard]] std::size_t size() const { return events.size(); }
  void clear() { events.clear(); }
  void add(PastApplier::Event&& event) { events.push_back(std::move(event)); }
};

TASKLEDGER_INLINED void prefetch(const Image& image, const PastApplier::Event& one) {
  static const std::vector<Link> kNone;
  const auto* created = std::get_if<TaskCreated>(&one.event);
  image.prefetch(one.stream, created != nullptr ? created->fields.links : kNone);
}

}  // namespace

Result<std::unique_ptr<Image>, storage::ReadError> fold_past(const PastLog& log, Timestamp at) {
  auto image = std::make_unique<Image>();
  PastApplier applier(*image);
  storage::FeedFilter until;  // blocks of the log that lie after the instant as a whole are not read
  until.until = at;
  const auto decode = [&](const auto& take) -> Result<void, storage::ReadError> {
    Result<void, storage::ReadError> decoded{};
    const auto visit = [&](const storage::Record& record) {
      auto event = event_of(record.position, record.type, record.payload);
      if (!event) decoded = event.error();
      if (event && *event)
        take(PastApplier::Event{record.stream, record.version, record.time, record.actor, **std::move(event)});
      return decoded.has_value() && !log.stopping();
    };
    if (auto read = log.log.read_feed(log.workspace, {0}, until, visit); !read) return read;
    return decoded;
  };
  const auto apply = [&](PastApplier::Event&& one) { applier.apply(one, image->find(one.stream)); };
  const auto apply_all = [&](Batch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i + kAhead < batch.size()) prefetch(*image, batch.events[i + kAhead]);
      apply(std::move(batch.events[i]));
    }
  };
  const bool alone = log.log.workspace_head(log.workspace).position.value <= kAlone;
  const auto folded = alone ? decode(apply) : in_two_threads<Batch>(kBatches, kBatchEvents, decode, apply_all);
  if (!folded) return folded.error();
  if (log.stopping()) return std::unique_ptr<Image>();
  return image;
}

}  // namespace taskledger::projections
