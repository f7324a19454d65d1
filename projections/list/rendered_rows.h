// A page's tasks as JSON, and which they are at which versions: rendered again only where one of them is another, since
// most writes change a page's total and none of its rows.
// Threads: any, as it does not change; making one is done under the image's shared lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "projections/image/image.h"

namespace taskledger::projections {

class RenderedRows;
using RenderedRowsPtr = std::shared_ptr<const RenderedRows>;

class RenderedRows {
 public:
  // Of tasks of the image's workspace; `before`, where it is of them as they are. `before` may be null.
  [[nodiscard]] static RenderedRowsPtr of(const Image& image, std::span<const Row> rows, const RenderedRowsPtr& before);

  [[nodiscard]] const std::string& json() const { return json_; }
  [[nodiscard]] std::size_t bytes() const { return json_.capacity() + tasks_.capacity() * sizeof(TaskState); }

 private:
  struct TaskState {
    Uuid id;
    std::uint32_t version;
  };
  [[nodiscard]] bool are(const Image& image, std::span<const Row> rows) const;

  std::string json_;
  std::vector<TaskState> tasks_;
};

}  // namespace taskledger::projections
