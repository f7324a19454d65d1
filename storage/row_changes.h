// Changes of the rows of a table, their bytes one after the other in one buffer: hundreds of thousands are gathered,
// sorted and written at a time, and a string for each key and value would cost more than all of that.
// Threads: as a container. Memory: the bytes, and 16 a change.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace taskledger::storage {

class RowChanges {
 public:
  struct Change {
    std::string_view key;
    std::optional<std::string_view> value;  // absent: remove
  };

  RowChanges() = default;
  RowChanges(std::initializer_list<Change> changes) {
    for (const Change& one : changes) change(one.key, one.value);
  }

  // `append_key(bytes)` and `append_value(bytes)` append to a std::string.
  template <std::invocable<std::string&> AppendKey, std::invocable<std::string&> AppendValue>
  void put(const AppendKey& append_key, const AppendValue& append_value) {
    Place& place = begin(append_key);
    append_value(bytes_);
    place.value = static_cast<std::uint32_t>(bytes_.size() - place.at - place.key);
  }
  template <std::invocable<std::string&> AppendKey>
  void remove(const AppendKey& append_key) {
    begin(append_key).value = kRemoved;
  }
  void put(std::string_view key, std::string_view value) {
    put([&](std::string& out) { out += key; }, [&](std::string& out) { out += value; });
  }
  void remove(std::string_view key) {
    remove([&](std::string& out) { out += key; });
  }
  void change(std::string_view key, std::optional<std::string_view> value) { value ? put(key, *value) : remove(key); }

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool empty() const { return places_.empty(); }
  // Valid until the next change.
  [[nodiscard]] std::string_view key(std::size_t i) const {
    return std::string_view(bytes_).substr(places_[i].at, places_[i].key);
  }
  [[nodiscard]] Change operator[](std::size_t i) const {
    const Place& place = places_[i];
    if (place.value == kRemoved) return {key(i), std::nullopt};
    return {key(i), std::string_view(bytes_).substr(place.at + place.key, place.value)};
  }
  // Their numbers in the order of their keys, of changes of one key only the last.
  [[nodiscard]] std::vector<std::uint32_t> in_order() const;

 private:
  struct Place {
    std::size_t at;
    std::uint32_t key, value;  // bytes
  };
  static constexpr std::uint32_t kRemoved = 0xFFFFFFFF;

  template <class AppendKey>
  Place& begin(const AppendKey& append_key) {
    const std::size_t at = bytes_.size();
    append_key(bytes_);
    return places_.emplace_back(Place{at, static_cast<std::uint32_t>(bytes_.size() - at), 0});
  }

  std::string bytes_;
  std::vector<Place> places_;
};

}  // namespace taskledger::storage
