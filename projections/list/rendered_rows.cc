#include "projections/list/rendered_rows.h"

#include <algorithm>
#include <utility>

#include "projections/image/prefetch.h"
#include "projections/list/render.h"

namespace taskledger::projections {

const std::shared_ptr<const std::string>& RenderedRows::nothing() {
  static const auto none = std::make_shared<const std::string>();
  return none;
}

bool RenderedRows::are(const Image& image, std::span<const Row> rows) const {
  if (rows.size() != tasks_.size()) return false;
  for (const Row row : rows) prefetch_line(&image.id[row]), prefetch_line(&image.version[row]);
  return std::ranges::equal(rows, tasks_, [&](Row row, const TaskState& task) {
    return image.version[row] == task.version && image.id[row] == task.id;
  });
}

void RenderedRows::render(const Image& image, std::span<const Row> rows) {
  if (are(image, rows)) return;
  std::string json;
  append_rows_json(json, image, rows);
  json_ = std::make_shared<const std::string>(std::string_view(json));  // as long as it is: `json` has room for more
  tasks_.clear();
  tasks_.reserve(rows.size());
  for (const Row row : rows) tasks_.push_back({image.id[row], image.version[row]});
}

}  // namespace taskledger::projections
