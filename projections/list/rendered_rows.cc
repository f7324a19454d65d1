#include "projections/list/rendered_rows.h"

#include <algorithm>

#include "projections/image/prefetch.h"
#include "projections/list/render.h"

namespace taskledger::projections {

bool RenderedRows::are(const Image& image, std::span<const Row> rows) const {
  if (rows.size() != tasks_.size()) return false;
  for (const Row row : rows) prefetch_line(&image.id[row]), prefetch_line(&image.version[row]);
  return std::ranges::equal(rows, tasks_, [&](Row row, const TaskState& task) {
    return image.version[row] == task.version && image.id[row] == task.id;
  });
}

RenderedRowsPtr RenderedRows::of(const Image& image, std::span<const Row> rows, const RenderedRowsPtr& before) {
  if (before && before->are(image, rows)) return before;
  auto made = std::make_shared<RenderedRows>();
  append_rows_json(made->json_, image, rows);
  made->tasks_.reserve(rows.size());
  for (const Row row : rows) made->tasks_.push_back({image.id[row], image.version[row]});
  return made;
}

}  // namespace taskledger::projections
