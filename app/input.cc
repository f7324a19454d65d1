#include "app/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "app/command.h"

namespace taskledger::app {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kGzipWindow = 15 + 16;  // the largest, in gzip's frame

bool looks_packed(const z_stream& left) {
  return left.avail_in >= 2 && left.next_in[0] == 0x1f && left.next_in[1] == 0x8b;
}

}  // namespace

Input::Input(std::string path) : path_(std::move(path)), buffer_(kBufferBytes) {
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) fail(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail("is a directory");
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) fail(std::strerror(errno));
}

Input::~Input() {
  if (gzip_) inflateEnd(&packed_);
  ::close(fd_);
}

void Input::fail(const std::string& what) const { throw Failed(path_ + ": " + what); }

bool Input::take_more() {
  if (packed_.avail_in > 0) std::memmove(buffer_.data(), packed_.next_in, packed_.avail_in);
  packed_.next_in = buffer_.data();
  while (true) {
    const auto got = ::read(fd_, buffer_.data() + packed_.avail_in, buffer_.size() - packed_.avail_in);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    packed_.avail_in += static_cast<unsigned>(got);
    taken_ += static_cast<std::uint64_t>(got);
    return got > 0;
  }
}

void Input::begin() {
  begun_ = true;
  while (packed_.avail_in < 2 && take_more()) {
  }
  // An empty file is an empty one of lines, but no gzip file: its writer was stopped before it wrote anything.
  if (packed_.avail_in == 0 && path_.ends_with(".gz")) fail("the gzip data ends too early: the file is empty");
  if (!looks_packed(packed_)) return;
  if (inflateInit2(&packed_, kGzipWindow) != Z_OK) fail("there is no memory to unpack it");
  gzip_ = in_member_ = true;
}

std::size_t Input::read(std::span<char> to) {
  if (!begun_) begin();
  return gzip_ ? unpack(to) : read_plain(to);
}

std::size_t Input::read_plain(std::span<char> to) {
  if (packed_.avail_in == 0 && !take_more()) return 0;
  const std::size_t size = std::min<std::size_t>(to.size(), packed_.avail_in);
  std::memcpy(to.data(), packed_.next_in, size);
  packed_.next_in += size;
  packed_.avail_in -= static_cast<unsigned>(size);
  return size;
}

std::size_t Input::unpack(std::span<char> to) {
  packed_.next_out = reinterpret_cast<unsigned char*>(to.data());
  packed_.avail_out = static_cast<unsigned>(to.size());
  while (packed_.avail_out == to.size()) {
    if (!in_member_ && !begin_next_member()) return 0;
    if (packed_.avail_in == 0 && !take_more()) fail("the gzip data ends too early");
    const int result = inflate(&packed_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      in_member_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail(std::string("the gzip data is damaged: ") + (packed_.msg != nullptr ? packed_.msg : zError(result)));
    }
  }
  return to.size() - packed_.avail_out;
}

// False at the end of the file. What is padded with zeros, as on tapes, ends where they begin.
bool Input::begin_next_member() {
  while (packed_.avail_in < 2 && take_more()) {
  }
  if (looks_packed(packed_)) {
    inflateReset(&packed_);
    return in_member_ = true;
  }
  do {
    const Bytef* begin = packed_.next_in;
    if (std::any_of(begin, begin + packed_.avail_in, [](Bytef byte) { return byte != 0; }))
      fail("trailing garbage after the gzip data");
    packed_.avail_in = 0;
  } while (take_more());
  return false;
}

}  // namespace taskledger::app
