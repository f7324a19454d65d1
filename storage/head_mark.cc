#include "storage/head_mark.h"

#include <fmt/format.h>

#include <charconv>

#include "storage/files.h"
#include "storage/sha256.h"

namespace taskledger::storage {

Result<void, ReadError> write_head_mark(const std::filesystem::path& file, const HeadMark& mark) {
  return write_file_atomically(
      file, fmt::format("taskledger head 1\nposition {}\nhash {}\n", mark.position.value, to_hex(mark.hash)));
}

Result<std::optional<HeadMark>, ReadError> read_head_mark(const std::filesystem::path& file) {
  auto text = read_small_file(file);
  if (!text) return text.error();
  if (!*text) return std::optional<HeadMark>{};
  std::string_view rest(**text);
  auto skip = [&](std::string_view word) {
    const bool there = rest.starts_with(word);
    if (there) rest.remove_prefix(word.size());
    return there;
  };
  HeadMark mark;
  const ReadError bad{fmt::format("{} is damaged: it is no head mark", file.string())};
  if (!skip("taskledger head 1\nposition ")) return bad;
  const auto number = std::from_chars(rest.data(), rest.data() + rest.size(), mark.position.value);
  if (number.ec != std::errc{}) return bad;
  rest.remove_prefix(static_cast<std::size_t>(number.ptr - rest.data()));
  if (!skip("\nhash ")) return bad;
  const auto hash = parse_hash(rest.substr(0, 64));
  if (!hash || rest.substr(64) != "\n") return bad;
  mark.hash = *hash;
  return std::optional<HeadMark>(mark);
}

ReadError ends_too_early(Position end, Position acknowledged) {
  return {fmt::format("log ends at position {}, but {} was acknowledged: its tail is lost (restore a backup)",
                      end.value, acknowledged.value)};
}

Result<void, ReadError> confirm_head_mark(const HeadMark& mark, const Head& head,
                                          const Result<std::optional<Hash>, ReadError>& hash_there) {
  if (head.position < mark.position) return ends_too_early(head.position, mark.position);
  if (!hash_there) return hash_there.error();
  if (!*hash_there || **hash_there != mark.hash) {
    return ReadError{
        fmt::format("position {}: the log is not the one that was acknowledged (its hash differs from the head mark)",
                    mark.position.value)};
  }
  return {};
}

}  // namespace taskledger::storage
