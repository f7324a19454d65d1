// Numbers as bytes in the keys (big-endian, so that they sort) and values (little-endian) of rows, and reading them
// back. Threads: any. Pure.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/ids.h"

namespace taskledger::projections {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

template <class T>
void put_big(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (sizeof(T) - 1 - i) * 8 & 0xFF);
  out.append(bytes, sizeof(T));
}
template <class T>
void put_little(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}
inline void put_uuid(std::string& out, const Uuid& id) {
  out.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

// Takes bytes off the front; once there are too few, `ok` stays false and zeros come out.
class RowReader {
 public:
  explicit RowReader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T little() {
    T value{};
    const std::string_view taken = take(sizeof(T));
    if (taken.size() == sizeof(T)) std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }
  Uuid uuid() {
    Uuid id;
    const std::string_view taken = take(16);
    if (taken.size() == 16) std::memcpy(id.bytes.data(), taken.data(), 16);
    return id;
  }
  std::string_view take(std::size_t count) {
    if (bytes_.size() < count) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  [[nodiscard]] bool done() const { return ok_ && bytes_.empty(); }  // all was there, and no more

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace taskledger::projections
