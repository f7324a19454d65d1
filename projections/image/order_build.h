// A sort order of a large image, built while the image is read and written, neither held up for longer than a piece of
// the copy takes (about a millisecond):
//   begin    from here on the image notes which rows change
//   copy     the keys of the rows, piece by piece; a row that changes meanwhile is put right at the end
//   sort     the long part, on the copy alone
//   publish  the noted rows leave by the keys they were copied with and join by those they have; then the order serves
// Threads: one builds; begin and copy under the image's shared lock, publish under its exclusive lock, sort under none.
// One build at a time for each image. Memory, while it lasts: about 60 bytes a task, for titles their text besides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "projections/image/image.h"

namespace taskledger::projections {

class OrderBuild {
 public:
  static constexpr Row kPiece = 16'384;  // rows copied under one lock

  explicit OrderBuild(Field field) : field_(field) {}
  void begin(const Image& image);
  // Copies the next piece; false when there is none.
  [[nodiscard]] bool copy(const Image& image);
  void sort();
  void publish(Image& image);

 private:
  struct Key {
    std::uint64_t first = 0, second = 0;  // as far as numbers go
    Uuid id;
    std::size_t text = 0;                 // titles: where in texts_ the folded one begins
    std::uint32_t folded = 0, title = 0;  // and the lengths of the two
    bool live = false, null = false;
  };
  [[nodiscard]] bool less(Row a, Row b) const;

  const Field field_;
  std::vector<Key> keys_;  // by row
  std::string texts_;
  OrderTree tree_;
};

}  // namespace taskledger::projections
