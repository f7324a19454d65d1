#include "projections/past/past_copy.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace taskledger::projections {

namespace {

constexpr Row kCountedAtOnce = 1 << 17;
constexpr std::size_t kNamesAtOnce = 4096;
constexpr std::chrono::milliseconds kPatience{1'000};  // for reads to follow the log

// A task's content is yet to be found out.
void mark(PastCopy& copy, Row row) {
  if (copy.changed_since.size() <= row / 64) copy.changed_since.resize(row / 64 + 1);
  copy.changed_since[row / 64] |= std::uint64_t{1} << (row % 64);
  copy.image->live[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  copy.image->version[row] = 0;
}

// Rows just copied. One that comes for the second time was deleted and restored between: it is marked already, or its
// first copy is what it was then, but for the mark that it gets now.
void index_rows(PastCopy& copy, Row from, Timestamp at) {
  Image& image = *copy.image;
  for (Row row = from; row < image.rows(); ++row) {
    if (image.updated[row] <= at.ms) {
      image.index_row(row);
      continue;
    }
    copy.oldest_changed.ms = std::min(copy.oldest_changed.ms, image.created[row]);
    if (const auto before = image.find(image.id[row])) {
      mark(copy, *before);
      image.live[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    } else {
      image.index_row(row);
      mark(copy, row);
    }
  }
}

}  // namespace

Result<RowsThen, storage::ReadError> count_rows_then(ReadModels& live, WorkspaceNumber workspace, Timestamp at) {
  RowsThen count;
  Row next = 0;
  for (bool done = false; !done;) {
    const auto read = live.read_image(workspace, [&](const Image& image, WorkspacePosition) {
      const Row end = std::min(image.rows(), next + kCountedAtOnce);
      for (; next < end; ++next) {
        if (image.created[next] > at.ms || !image.is_live(next)) continue;
        ++count.created;
        if (image.updated[next] <= at.ms) continue;
        ++count.changed_since;
        count.oldest_changed.ms = std::min(count.oldest_changed.ms, image.created[next]);
      }
      done = next >= image.rows();
    });
    if (!read) return read.error();
  }
  return count;
}

Result<std::optional<PastCopy>, storage::ReadError> copy_rows_then(ReadModels& live, const PastLog& log, Timestamp at,
                                                                   WorkspacePosition settled, const RowsThen& expected,
                                                                   Row rows_at_once) {
  PastCopy copy;
  copy.image = std::make_unique<Image>();
  copy.image->reserve(expected.created);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::optional<std::uint64_t> serial;
  std::vector<Row> rows;
  enum class Found { more, all, behind, another } found = Found::more;
  Row next = 0;
  const auto copy_some = [&](const Image& image, WorkspacePosition position) {
    found = Found::behind;
    if (position < settled) return;
    found = Found::another;
    if (serial.value_or(image.serial()) != image.serial()) return;
    serial = image.serial();
    rows.clear();
    for (const Row end = std::min(image.rows(), next + rows_at_once); next < end; ++next) {
      if (image.created[next] <= at.ms && image.is_live(next)) rows.push_back(next);
    }
    copy.image->append_rows(image, rows);
    found = Found::more;
    if (next == image.rows() && copy.image->append_names(image, kNamesAtOnce)) found = Found::all;
  };
  while (found != Found::all) {
    const Row before = copy.image->rows();
    const auto read = live.read_image(log.workspace, copy_some);
    if (!read) return read.error();
    if (found == Found::another || log.stopping()) return std::optional<PastCopy>();
    if (found == Found::behind) {
      if (std::chrono::steady_clock::now() > until) return std::optional<PastCopy>();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    index_rows(copy, before, at);
  }
  copy.changed_since.resize(copy.image->live.size());
  return std::optional<PastCopy>(std::move(copy));
}

std::optional<Row> add_changed(PastCopy& copy, const Uuid& task) {
  const auto found = copy.image->find(task);
  const Row row = found ? *found : copy.image->append_unknown(task);
  if (row / 64 < copy.changed_since.size() && (copy.changed_since[row / 64] >> (row % 64) & 1) != 0)
    return std::nullopt;
  mark(copy, row);
  return row;
}

}  // namespace taskledger::projections
