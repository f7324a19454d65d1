#include "app/line_reader.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "app/command.h"

namespace taskledger::app {

LineReader::LineReader(std::string path) : path_(std::move(path)), buffer_(2 * kMaxLineBytes) {
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) throw Failed(path_ + ": " + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) throw Failed(path_ + ": is a directory");
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  file_ = gzopen(path_.c_str(), "rb");  // reads what is not gzip as it is
  if (file_ == nullptr) throw Failed(path_ + ": " + std::strerror(errno));
  gzbuffer(file_, 256 * 1024);
}

LineReader::~LineReader() { gzclose(file_); }

std::uint64_t LineReader::bytes_read() const {
  const z_off_t offset = gzoffset(file_);
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

void LineReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  scanned_ -= begin_;
  begin_ = 0;
  const int got = gzread(file_, buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
  int code = Z_OK;
  const char* text = gzerror(file_, &code);
  if (got < 0 || code < 0) throw Failed(path_ + ": " + (code == Z_BUF_ERROR ? "the gzip data ends too early" : text));
  if (got == 0) at_end_ = true;
  end_ += static_cast<std::size_t>(got);
}

bool LineReader::next(std::string_view& line) {
  while (true) {
    const char* found = static_cast<const char*>(std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_));
    const std::size_t stop = found != nullptr ? static_cast<std::size_t>(found - buffer_.data()) : end_;
    scanned_ = stop;
    if (stop - begin_ > kMaxLineBytes)
      throw Failed(path_ + ":" + std::to_string(line_number_ + 1) + ": longer than " + std::to_string(kMaxLineBytes) +
                   " bytes");
    if (found == nullptr && !at_end_) {
      fill();
      continue;
    }
    if (found == nullptr && begin_ == end_) return false;
    line = {buffer_.data() + begin_, stop - begin_};
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin_ = scanned_ = found != nullptr ? stop + 1 : stop;
    ++line_number_;
    return true;
  }
}

}  // namespace taskledger::app
