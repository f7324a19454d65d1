#include "app/line_reader.h"

#include <cstring>
#include <utility>

#include "app/command.h"

namespace taskledger::app {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(std::string path) : input_(std::move(path)), buffer_(2 * kMaxLineBytes) {}

void LineReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  scanned_ -= begin_;
  begin_ = 0;
  const std::size_t got = input_.read({buffer_.data() + end_, buffer_.size() - end_});
  if (got == 0) at_end_ = true;
  end_ += got;
}

bool LineReader::next(std::string_view& line) {
  while (true) {
    const char* found = static_cast<const char*>(std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_));
    const std::size_t stop = found != nullptr ? static_cast<std::size_t>(found - buffer_.data()) : end_;
    scanned_ = stop;
    if (stop - begin_ > kMaxLineBytes)
      throw Failed(input_.path() + ":" + std::to_string(line_number_ + 1) + ": longer than " +
                   std::to_string(kMaxLineBytes) + " bytes");
    if (found == nullptr && !at_end_) {
      fill();
      continue;
    }
    if (found == nullptr && begin_ == end_) return false;
    line = {buffer_.data() + begin_, stop - begin_};
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line_number_ == 0 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    begin_ = scanned_ = found != nullptr ? stop + 1 : stop;
    ++line_number_;
    return true;
  }
}

}  // namespace taskledger::app
