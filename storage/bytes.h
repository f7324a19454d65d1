// Big-endian integers in keys and records, so that byte order is number order and a person can read them in a dump.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace taskledger::storage {

template <class Int>
void put_int(std::string& out, Int value) {
  auto bits = static_cast<std::make_unsigned_t<Int>>(value);
  char bytes[sizeof(Int)];
  for (std::size_t i = sizeof(Int); i-- > 0;) {
    bytes[i] = static_cast<char>(bits & 0xff);
    if constexpr (sizeof(Int) > 1) bits >>= 8;
  }
  out.append(bytes, sizeof(Int));
}

// `bytes` has room for it.
template <class Int>
[[nodiscard]] Int get_int(const char* bytes) {
  std::make_unsigned_t<Int> bits = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    bits =
        static_cast<std::make_unsigned_t<Int>>(bits << (sizeof(Int) > 1 ? 8 : 0)) | static_cast<std::uint8_t>(bytes[i]);
  }
  return static_cast<Int>(bits);
}

// Takes values off the front of a buffer; `ok` turns false where it ends early.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class Int>
  Int integer() {
    auto bytes = take(sizeof(Int));
    return bytes.empty() ? Int{} : get_int<Int>(bytes.data());
  }
  template <class Array>
  void array(Array& out) {
    auto bytes = take(out.size());
    if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), out.size());
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace taskledger::storage
