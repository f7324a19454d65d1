#include "app/row_cursor.h"

#include "app/need.h"

namespace taskledger::app {
namespace {
constexpr std::size_t kRowsAtOnce = 4096;
}

RowCursor::RowCursor(const storage::ViewStore& store, std::string projection) : store_(store), projection_(std::move(projection)) {
  fill("");
}

void RowCursor::fill(std::string from) {
  need(store_.scan(projection_, store_.generation(projection_), from, "", [this](std::string_view key, std::string_view value) {
    rows_.emplace_back(key, value);
    return rows_.size() < kRowsAtOnce;
  }));
}

void RowCursor::next() {
  std::string last = std::move(rows_.front().first);
  rows_.pop_front();
  if (rows_.empty()) fill(std::move(last) + '\0');  // the key right after it
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace taskledger::app
