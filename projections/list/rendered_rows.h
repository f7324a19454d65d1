// A page's tasks as JSON, and which they are at which versions: rendered again only where one of them has changed,
// since most writes change a page's total and none of its rows. Threads: of its owner; render() under the image's
// shared lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "projections/image/image.h"

namespace taskledger::projections {

class RenderedRows {
 public:
  // Never null; stays what it is when other rows are rendered.
  [[nodiscard]] const std::shared_ptr<const std::string>& json() const { return json_; }
  // `rows` of any image that holds the same workspace's tasks.
  void render(const Image& image, std::span<const Row> rows);
  [[nodiscard]] std::size_t bytes() const { return json_->capacity() + tasks_.capacity() * sizeof(TaskState); }

 private:
  struct TaskState {
    Uuid id;
    std::uint32_t version;
  };
  [[nodiscard]] bool are(const Image& image, std::span<const Row> rows) const;
  static const std::shared_ptr<const std::string>& nothing();

  std::shared_ptr<const std::string> json_ = nothing();
  std::vector<TaskState> tasks_;
};

}  // namespace taskledger::projections
