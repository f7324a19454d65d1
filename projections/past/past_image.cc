#include "projections/past/past_image.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "projections/past/past_copy.h"
#include "projections/past/past_refold.h"

namespace taskledger::projections {

namespace {

// Rough costs of the ways, in nanoseconds, for choosing.
constexpr double kFoldEvent = 2'000, kCopyRow = 120, kScanEvent = 250, kScannedTask = 1'500, kStreamedTask = 20'000;

// How many of the workspace's events lie up to the instant, if they came in order of time (imports need not have).
Result<std::uint64_t, storage::ReadError> events_until(const PastLog& log, Timestamp at, std::uint64_t head) {
  std::uint64_t low = 0, high = head;  // the first `low` are, those after `high` are not
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    Timestamp time{};
    const auto read = log.log.read_workspace(log.workspace, {middle}, [&](const storage::Record& record) {
      time = record.time;
      return false;
    });
    if (!read) return read.error();
    time <= at ? low = middle + 1 : high = middle;
  }
  return low;
}

// The tasks deleted after the instant, some of them more than once, found in parts of the log by whoever has time.
class Deletions {
 public:
  Deletions(const PastLog& log, Timestamp at, WorkspacePosition head) : log_(log), at_(at), head_(head) {}

  // Returns when there is no part left to begin with. Threads: any.
  void find() {
    storage::FeedFilter filter;
    filter.type = static_cast<std::uint8_t>(EventType::task_deleted);
    filter.since = Timestamp{at_.ms + 1};
    std::vector<Uuid> found;
    Result<void, storage::ReadError> read{};
    for (std::uint64_t after = 0; read && !log_.stopping() && (after = next_.fetch_add(kPart)) < head_.value;) {
      filter.last = WorkspacePosition{std::min(after + kPart, head_.value)};
      read = log_.log.read_feed(log_.workspace, {after}, filter, [&](const storage::Record& record) {
        found.push_back(record.stream);
        return true;
      });
    }
    const std::lock_guard lock(mutex_);
    if (!read) failed_ = read;
    tasks_.insert(tasks_.end(), found.begin(), found.end());
  }
  // Once every find() has returned.
  Result<std::vector<Uuid>, storage::ReadError> take() {
    if (!failed_) return failed_.error();
    return std::move(tasks_);
  }

 private:
  static constexpr std::uint64_t kPart = 1 << 15;  // whole blocks of the feed
  const PastLog& log_;
  const Timestamp at_;
  const WorkspacePosition head_;
  std::atomic<std::uint64_t> next_{0};
  std::mutex mutex_;
  std::vector<Uuid> tasks_;
  Result<void, storage::ReadError> failed_{};
};

// What comes while an image is made.
struct Since {
  WorkspacePosition position;  // so far
  bool rewritten = false;      // the past is another: an import, an erasure
  std::vector<Uuid> deleted;
};

Result<void, storage::ReadError> read_on(Since& since, const PastLog& log, Timestamp at) {
  return log.log.read_workspace(log.workspace, since.position, [&](const storage::Record& record) {
    const auto type = static_cast<EventType>(record.type);
    since.position = record.in_workspace;
    since.rewritten = record.imported || record.time <= at || type == EventType::task_erased;
    if (type == EventType::task_deleted) since.deleted.push_back(record.stream);
    return !since.rewritten && !log.stopping();
  });
}

template <class Visit>
void each_row(const Bits& rows, const Visit& visit) {
  for (std::size_t word = 0; word < rows.size(); ++word) {
    for (std::uint64_t left = rows[word]; left != 0; left &= left - 1) {
      if (!visit(static_cast<Row>(word * 64 + static_cast<std::size_t>(std::countr_zero(left))))) return;
    }
  }
}

struct Refolding {
  PastWay::Way way;
  double cost;
};

struct Plan {
  RowsThen rows;
  double before = 0, until = 0, head = 0;  // events: before the oldest task changed since, up to the instant, all

  // For `changed` tasks of the copy and `deleted` ones that it lacks.
  [[nodiscard]] Refolding refold(double changed, double deleted) const {
    const Refolding ways[] = {
        {PastWay::streams, (changed + deleted) * kStreamedTask},
        {PastWay::scan, until * kScanEvent + (changed + deleted) * kScannedTask},
        {PastWay::scan_and_streams, (until - before) * kScanEvent + changed * kScannedTask + deleted * kStreamedTask}};
    return *std::min_element(std::begin(ways), std::end(ways),
                             [](const Refolding& a, const Refolding& b) { return a.cost < b.cost; });
  }
  [[nodiscard]] bool fold_is_cheaper() const {
    const double deletions = (head - until) * kScanEvent / 2;  // none, or the half of blocks, who knows
    return until * kFoldEvent < static_cast<double>(rows.created) * kCopyRow + deletions +
                                    refold(static_cast<double>(rows.changed_since), 0).cost;
  }
};

// nullopt: something cannot be read.
std::optional<Plan> make_plan(ReadModels& live, const PastLog& log, Timestamp at) {
  const auto head = log.log.workspace_head(log.workspace).position;
  const auto rows = count_rows_then(live, log.workspace, at);
  const auto until = events_until(log, at, head.value);
  if (!rows || !until) return std::nullopt;
  const auto before = rows->changed_since == 0 ? until : events_until(log, {rows->oldest_changed.ms - 1}, *until);
  if (!before) return std::nullopt;
  return Plan{*rows, static_cast<double>(*before), static_cast<double>(*until), static_cast<double>(head.value)};
}

// `lacking`: rows of tasks deleted since, among those that changed.
Result<void, storage::ReadError> refold(PastCopy& copy, const std::vector<Row>& lacking, const PastLog& log,
                                        Timestamp at, PastWay::Way way) {
  if (way != PastWay::streams) {
    const auto since = way == PastWay::scan ? std::nullopt : std::optional(copy.oldest_changed);
    auto scanned = refold_by_scan(*copy.image, copy.changed_since, log, since, at);
    if (!scanned || way == PastWay::scan) return scanned;
  }
  Result<void, storage::ReadError> folded{};
  const auto by_stream = [&](Row row) {
    folded = refold_by_stream(*copy.image, row, log, at);
    return folded.has_value() && !log.stopping();
  };
  if (way == PastWay::streams) {
    each_row(copy.changed_since, by_stream);
  } else {
    static_cast<void>(std::all_of(lacking.begin(), lacking.end(), by_stream));
  }
  return folded;
}

// nullptr: it cannot be done, or stopped.
Result<std::unique_ptr<Image>, storage::ReadError> from_live(ReadModels& live, const PastLog& log, Timestamp at,
                                                             const PastWay& way, const Plan& plan) {
  const WorkspacePosition settled{static_cast<std::uint64_t>(plan.head)};
  Deletions deletions(log, at, settled);
  std::jthread finding([&] { deletions.find(); });
  auto copied = copy_rows_then(live, log, at, settled, plan.rows, way.rows_at_once);
  deletions.find();
  finding.join();
  auto deleted = deletions.take();
  if (!copied) return copied.error();
  if (!deleted) return deleted.error();
  if (!*copied) return std::unique_ptr<Image>();
  Since since{settled, false, *std::move(deleted)};
  if (auto read = read_on(since, log, at); !read) return read.error();
  PastCopy& copy = **copied;
  std::size_t changed = 0;
  for (const std::uint64_t word : copy.changed_since) changed += static_cast<std::size_t>(std::popcount(word));
  std::vector<Row> lacking;
  for (const Uuid& task : since.deleted) {
    if (const auto row = add_changed(copy, task)) lacking.push_back(*row);
  }
  if (changed + lacking.size() > 0) {
    const auto best = plan.refold(static_cast<double>(changed), static_cast<double>(lacking.size()));
    const auto chosen = way.way == PastWay::cheapest ? best.way : way.way;
    if (auto folded = refold(copy, lacking, log, at, chosen); !folded) return folded.error();
  }
  if (!since.rewritten) {
    if (auto read = read_on(since, log, at); !read) return read.error();
  }
  if (since.rewritten || log.stopping()) return std::unique_ptr<Image>();
  return std::move(copy.image);
}

}  // namespace

Result<std::unique_ptr<Image>, storage::ReadError> past_image(ReadModels& live, const PastLog& log, Timestamp at,
                                                              const PastWay& way) {
  const auto plan = way.way == PastWay::fold ? std::nullopt : make_plan(live, log, at);
  if (plan && (way.way != PastWay::cheapest || !plan->fold_is_cheaper())) {
    auto image = from_live(live, log, at, way, *plan);
    if (image && *image != nullptr) return image;
  }
  return fold_past(log, at);  // also where the serving image cannot be had
}

}  // namespace taskledger::projections
