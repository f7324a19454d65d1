#include "projections/list/render.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/text.h"
#include "core/timestamp.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kFixed = 512;  // bound of an object without its title: 12 names, 4 ids, 4 times, names of members

constexpr std::string_view kPriorities[] = {"null", "\"low\"", "\"medium\"", "\"high\""};
constexpr std::string_view kActionTypes[] = {
    "null", "\"call\"", "\"email\"", "\"linkedin_message\"", "\"meeting\"", "\"whatsapp_message\""};

class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  [[nodiscard]] char* at() const { return at_; }
  void text(std::string_view piece) {
    std::memcpy(at_, piece.data(), piece.size());
    at_ += piece.size();
  }
  void uuid(const Uuid& id) {
    *at_++ = '"';
    write_uuid(at_, id);
    at_ += 36;
    *at_++ = '"';
  }
  void time(std::int64_t ms) {
    if (ms == kNoTime) return text("null");
    *at_++ = '"';
    at_ += write_rfc3339(at_, {ms});
    *at_++ = '"';
  }
  void user(const Image& image, std::uint32_t number) {
    if (number == kNoUser) return text("null");
    *at_++ = '"';
    std::memcpy(at_, image.users[number].text, 36);
    at_ += 36;
    *at_++ = '"';
  }

 private:
  char* at_;
};

char* write_task(char* to, const Image& image, Row row, std::string& escaped) {
  Writer out(to);
  const Facets facets = facets_of(image.cell[row]);
  out.text(R"({"id":)");
  out.uuid(image.id[row]);
  out.text(R"(,"title":)");
  if (image.plain[row] != 0) {
    out.text("\"");
    out.text({image.title[row].data(), image.title[row].size()});
    out.text("\"");
  } else {
    escaped.clear();
    append_json_string(escaped, {image.title[row].data(), image.title[row].size()});
    out.text(escaped);
  }
  out.text(R"(,"due_date":)");
  out.time(image.due[row]);
  out.text(R"(,"priority":)");
  out.text(kPriorities[facets.priority]);
  out.text(R"(,"action_type":)");
  out.text(kActionTypes[facets.action_type]);
  out.text(facets.completed ? R"(,"is_completed":true,"completed_at":)" : R"(,"is_completed":false,"completed_at":)");
  out.time(image.completed[row]);
  out.text(R"(,"completed_by":)");
  out.user(image, image.completed_by[row]);
  out.text(R"(,"assigned_to_id":)");
  out.user(image, image.assignee[row]);
  out.text(R"(,"created_by":)");
  out.user(image, image.created_by[row]);
  out.text(R"(,"created_at":)");
  out.time(image.created[row]);
  out.text(R"(,"updated_at":)");
  out.time(image.updated[row]);
  out.text("}");
  return out.at();
}

// Room that a thread keeps, so that it is neither allocated nor set for each page: what is larger than kKept is let go.
class Scratch {
 public:
  char* take(std::size_t bytes) {
    if (size_ < bytes) {
      at_ = std::make_unique_for_overwrite<char[]>(bytes);
      size_ = bytes;
    }
    return at_.get();
  }
  void trim() {
    if (size_ > kKept) at_.reset(), size_ = 0;
  }

 private:
  static constexpr std::size_t kKept = 256 * 1024;
  std::unique_ptr<char[]> at_;
  std::size_t size_ = 0;
};

constexpr std::size_t kAhead = 32;  // rows fetched while others are written

// Rows of a page lie all over the columns: their cache lines are asked for together rather than one after the other.
TASKLEDGER_INLINED void prefetch(const Image& image, Row row) {
  const auto fetch = [row](const auto& column) __attribute__((always_inline)) { prefetch_line(&column[row]); };
  image.title.prefetch(row);
  fetch(image.id), fetch(image.due), fetch(image.created), fetch(image.updated), fetch(image.completed);
  fetch(image.assignee), fetch(image.created_by), fetch(image.completed_by), fetch(image.cell), fetch(image.plain);
}

}  // namespace

void append_rows_json(std::string& out, const Image& image, std::span<const Row> rows) {
  for (std::size_t i = 0; i < std::min(kAhead, rows.size()); ++i) prefetch(image, rows[i]);
  std::size_t room = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    room += kFixed + image.title[rows[i]].size() * 6;  // \u00XX is the longest escape
    if (i < kAhead) image.title.prefetch_values(rows[i]);
    if (i + kAhead < rows.size()) image.title.prefetch(rows[i + kAhead]);
  }
  thread_local Scratch scratch;
  char* const begin = scratch.take(room);
  char* at = begin;
  std::string escaped;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) prefetch(image, rows[i + kAhead]), image.title.prefetch_values(rows[i + kAhead]);
    if (i != 0) *at++ = ',';
    at = write_task(at, image, rows[i], escaped);
  }
  out.append(begin, at);
  scratch.trim();
}

}  // namespace taskledger::projections
