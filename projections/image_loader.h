// Loads an image from a workspace's rows of `list`: the thread that reads them hands them on in batches, and where
// there are many a second one takes some, so that both decode them and put them into columns. Threads: one; it may
// bring another.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "projections/image/image.h"

namespace taskledger::projections {

class ImageLoader {
 public:
  // `tasks` rows are to come; `image` is new and outlives this.
  ImageLoader(Image& image, std::uint32_t tasks);
  ~ImageLoader();
  // The next row. False: it, or one before, is damaged, or it is one too many.
  bool add(std::string_view key, std::string_view value);
  // False: a row is damaged, or rows are missing. Otherwise the image is as if each task had been put.
  [[nodiscard]] bool finish();
  [[nodiscard]] std::uint32_t rows() const { return rows_; }  // so far

 private:
  struct Batch {
    Row first = 0;
    std::string bytes;                // keys and values, one after the other
    std::vector<std::uint32_t> ends;  // of each of them
  };
  void hand_on();
  void help();
  void load(const Batch& batch, std::vector<Task>& tasks);

  Image& image_;
  const std::uint32_t tasks_;
  std::uint32_t rows_ = 0;
  Batch filling_;
  std::vector<Task> decoded_;  // by the owner; kept for the memory it has
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch> waiting_, empty_;
  bool closed_ = false;
  std::atomic<bool> damaged_ = false;
  std::thread helper_;
};

}  // namespace taskledger::projections
