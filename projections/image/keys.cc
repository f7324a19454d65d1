#include "projections/image/keys.h"

#include <algorithm>

namespace taskledger::projections {

std::uint64_t title_key_of(std::string_view folded) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = key << 8 | (i < folded.size() ? static_cast<unsigned char>(folded[i]) : 0);
  return key;
}

KeyValue key_value(const SortValue& value, Field field) {
  KeyValue key;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    key.number = *number;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    if (field == Field::title) {
      key.title = *text;
      key.folded = fold_case(*text);
      key.title_key = title_key_of(key.folded);
    } else if (text->size() == key.user.bytes.size()) {
      std::copy(text->begin(), text->end(), key.user.bytes.begin());
    } else {
      key.null = true;
    }
  } else {
    key.null = true;
  }
  return key;
}

}  // namespace taskledger::projections
