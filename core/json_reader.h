// Reading JSON that callers wrote: the whole document is validated (UTF-8 too), unknown and duplicate keys are found by
// iterating, and every fault names the place where it stands. Internal to core: nothing else includes simdjson.
//
// Threads: any; a Document uses buffers of the thread that made it and must be used and destroyed there.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "core/result.h"

namespace taskledger::json {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

// A parsed document. Elements and the strings they hand out live as long as it does. `text` is copied, so it needs no
// padding and may go away.
class Document {
 public:
  explicit Document(std::string_view text);
  ~Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // The root, or nullopt: not valid JSON in UTF-8 (or nested deeper than 1,024, or with a number that 64 bits do not
  // hold).
  [[nodiscard]] const std::optional<Element>& root() const { return root_; }
  // Without a root: it has numbers that 64 bits do not hold and is JSON otherwise, or is nested too deep to tell.
  [[nodiscard]] bool beyond_limits() const { return large_number_ || too_deep_; }
  // Without a root, what the text must be, to be said to the caller.
  [[nodiscard]] std::string_view requirement() const {
    return large_number_ ? "must be valid JSON, its numbers within 64 bits" : "must be valid JSON";
  }

  struct Buffers;  // a parser and its padded copy of the text

 private:
  std::unique_ptr<Buffers> own_;  // for a large text, or while this thread's buffers are in use
  bool borrowed_ = false, large_number_ = false, too_deep_ = false;
  std::optional<Element> root_;
};

// Where in a document a value stands: `linked_entities[0].type`. A chain of stack values that costs nothing until a
// fault spells it out; every part must outlive those made from it.
struct Path {
  const Path* parent = nullptr;
  std::string_view key;              // of the root: "Field" or "Parameter"
  std::optional<std::size_t> index;  // given: an item of `parent`

  [[nodiscard]] Path operator/(std::string_view name) const { return {this, name, std::nullopt}; }
  [[nodiscard]] Path operator[](std::size_t item) const { return {this, {}, item}; }
};
// The places are the document's top: `Field 'x' …`; callers of the query start at `Parameter` and their parameter.
inline constexpr Path kFields{nullptr, "Field", std::nullopt};
inline constexpr Path kParameters{nullptr, "Parameter", std::nullopt};

// `Field 'linked_entities[0].type' <text>`. Keys of the caller's own are cut to a readable length.
[[nodiscard]] Invalid fault(const Path& path, std::string_view text);
[[nodiscard]] Invalid not_one_of(const Path& path, std::string_view names);  // `… must be one of: <names>`

// The values of a kind, or the fault. A null is of none of these kinds.
[[nodiscard]] Result<std::string_view> read_string(const Path& path, const Element& value);
[[nodiscard]] Result<bool> read_bool(const Path& path, const Element& value);
[[nodiscard]] Result<Uuid> read_uuid(const Path& path, const Element& value);
[[nodiscard]] Result<std::uint64_t> read_count(const Path& path, const Element& value, std::uint64_t max);  // 1 to max
// The member of an enumeration by its name; `parse` is one of core's parse_… functions.
template <class Parse>
[[nodiscard]] auto read_member(const Path& path, const Element& value, Parse parse, std::string_view names)
    -> Result<typename decltype(parse(std::string_view{}))::value_type> {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    if (auto member = parse(text)) return *member;
  }
  return not_one_of(path, names);
}

// Calls `visit(index of the key in names, its path, value)` for each key, in the document's order, until it fails.
// Keys not in `names` and repeated ones are faults. At most 64 names. `seen` gets a bit for every key met.
template <class Visit>
[[nodiscard]] Result<void> read_object(const Path& path, const Object& object, std::span<const std::string_view> names,
                                       std::uint64_t& seen, Visit visit) {
  seen = 0;
  for (const auto& [key, value] : object) {
    std::size_t index = 0;
    while (index < names.size() && names[index] != key) ++index;
    const Path here = path / key;
    if (index == names.size()) return fault(here, "is unknown");
    const std::uint64_t bit = std::uint64_t{1} << index;
    if (seen & bit) return fault(here, "is given twice");
    seen |= bit;
    if (Result<void> done = visit(index, here, value); !done) return done;
  }
  return {};
}

}  // namespace taskledger::json
