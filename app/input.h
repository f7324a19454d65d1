// The bytes of a file, unpacked where it is gzip (told by its content, not by its name): the other side of Output.
// Unpacks all members of a gzip file, as `gzip -d` does, and is as strict as `gzip -t`: what follows the last member
// must be zeros or nothing. (zlib's own gzread takes anything else for the end, without a word.)
// Not for use by several threads. Throws Failed naming the file when it cannot be read, is cut short or damaged.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace taskledger::app {

class Input {
 public:
  explicit Input(std::string path);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // Fills some of `to`, which is not empty, and says how much; 0 at the end.
  std::size_t read(std::span<char> to);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return taken_ - packed_.avail_in; }  // of the file as it is on disk
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  bool take_more();  // into the buffer, behind what is left of it; false at the end of the file
  void begin();
  std::size_t read_plain(std::span<char> to);
  std::size_t unpack(std::span<char> to);
  bool begin_next_member();

  std::string path_;
  std::uint64_t file_bytes_ = 0, taken_ = 0;
  int fd_ = -1;
  std::vector<unsigned char> buffer_;
  z_stream packed_{};  // next_in and avail_in: what is left in the buffer, packed or not
  bool begun_ = false, gzip_ = false, in_member_ = false;
};

}  // namespace taskledger::app
