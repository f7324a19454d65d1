// The rows of a projection's serving generation, one after the other, in bounded memory; and bytes as text for people.
// Throws Failed when the store cannot be read. Not for use by several threads; the store must outlive it.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "storage/view_store.h"

namespace taskledger::app {

class RowCursor {
 public:
  RowCursor(const storage::ViewStore& store, std::string projection);
  [[nodiscard]] bool valid() const { return !rows_.empty(); }
  [[nodiscard]] const std::string& key() const { return rows_.front().first; }
  [[nodiscard]] const std::string& value() const { return rows_.front().second; }
  void next();

 private:
  void fill(std::string from);

  const storage::ViewStore& store_;
  const std::string projection_;
  std::deque<std::pair<std::string, std::string>> rows_;
};

[[nodiscard]] std::string to_hex(std::string_view bytes);

}  // namespace taskledger::app
