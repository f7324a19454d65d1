// Lines of a text file, plain or gzip (input.h), one after the other, in constant memory.
// Not for use by several threads. Throws Failed naming the file when it cannot be read, is cut short or damaged, or
// holds a line longer than kMaxLineBytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/input.h"

namespace taskledger::app {

inline constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

class LineReader {
 public:
  explicit LineReader(std::string path);

  // The next line without its end (LF or CR LF), the first one without a byte order mark; valid until the next call.
  // False after the last one.
  bool next(std::string_view& line);
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }        // of the line handed out last, from 1
  [[nodiscard]] std::uint64_t bytes_read() const { return input_.bytes_read(); }  // of the file as it is on disk
  [[nodiscard]] std::uint64_t file_bytes() const { return input_.file_bytes(); }

 private:
  void fill();

  Input input_;
  std::uint64_t line_number_ = 0;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0, scanned_ = 0;
  bool at_end_ = false;
};

}  // namespace taskledger::app
