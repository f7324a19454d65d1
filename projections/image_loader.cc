#include "projections/image_loader.h"

#include <utility>

#include "core/named_thread.h"
#include "projections/list/list_row.h"

namespace taskledger::projections {

namespace {
constexpr Row kBatch = 2 * Image::kLoadedTogether;
constexpr std::size_t kWaiting = 8;  // batches, before the reader loads one itself
}  // namespace

ImageLoader::ImageLoader(Image& image, std::uint32_t tasks) : image_(image), tasks_(tasks) {
  image_.begin_load(tasks);
  if (tasks >= Image::kWorthAThread) helper_ = named_thread("image-loader", [this] { help(); });
}

ImageLoader::~ImageLoader() {
  if (!helper_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    waiting_.clear();
  }
  changed_.notify_one();
  helper_.join();
}

bool ImageLoader::add(std::string_view key, std::string_view value) {
  if (rows_ == tasks_ || damaged_) return false;
  filling_.bytes.append(key).append(value);
  filling_.ends.push_back(static_cast<std::uint32_t>(filling_.bytes.size() - value.size()));
  filling_.ends.push_back(static_cast<std::uint32_t>(filling_.bytes.size()));
  if (++rows_ % kBatch == 0) hand_on();
  return !damaged_;
}

void ImageLoader::hand_on() {
  if (helper_.joinable()) {
    std::unique_lock lock(mutex_);
    if (waiting_.size() < kWaiting) {
      waiting_.push_back(std::move(filling_));
      filling_ = {};
      if (!empty_.empty()) {
        filling_ = std::move(empty_.back());
        empty_.pop_back();
      }
      changed_.notify_one();
      lock.unlock();
    }
  }
  if (!filling_.ends.empty()) load(filling_, decoded_);
  filling_.first = rows_;
  filling_.bytes.clear();
  filling_.ends.clear();
}

void ImageLoader::help() {
  std::vector<Task> tasks;
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !waiting_.empty() || closed_; });
    if (waiting_.empty()) return;
    Batch batch = std::move(waiting_.back());
    waiting_.pop_back();
    lock.unlock();
    load(batch, tasks);
    batch.bytes.clear();
    batch.ends.clear();
    lock.lock();
    empty_.push_back(std::move(batch));
  }
}

void ImageLoader::load(const Batch& batch, std::vector<Task>& tasks) {
  const std::string_view bytes = batch.bytes;
  const std::size_t count = batch.ends.size() / 2;
  if (tasks.size() < count) tasks.resize(kBatch);
  std::size_t from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t value = batch.ends[2 * i], end = batch.ends[2 * i + 1];
    if (!read_list_row(bytes.substr(from, value - from), bytes.substr(value, end - value), tasks[i])) {
      damaged_ = true;
      return;
    }
    from = end;
  }
  image_.load(batch.first, std::span(tasks).first(count));
}

bool ImageLoader::finish() {
  if (!filling_.ends.empty() && !damaged_) load(filling_, decoded_);
  while (helper_.joinable()) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) {
      closed_ = true;
      lock.unlock();
      changed_.notify_one();
      helper_.join();
      break;
    }
    const Batch batch = std::move(waiting_.back());
    waiting_.pop_back();
    lock.unlock();
    load(batch, decoded_);
  }
  if (damaged_ || rows_ != tasks_) return false;
  image_.finish();
  return true;
}

}  // namespace taskledger::projections
