#include "projections/image/title_text.h"

#include "core/text.h"

namespace taskledger::projections {

void append_folded_title(std::string& out, std::string_view title) {
  bool ascii = true;
  for (const char c : title) ascii &= static_cast<unsigned char>(c) < 0x80;
  if (!ascii) {
    append_folded(out, title);
  } else {
    const std::size_t from = out.size();
    out.resize(from + title.size());
    for (std::size_t i = 0; i < title.size(); ++i) {
      const char c = title[i];
      out[from + i] = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
    }
  }
  out.push_back('\0');
}

bool is_plain_json(std::string_view title) {
  bool plain = true;
  for (const char c : title) plain &= static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  return plain;
}

}  // namespace taskledger::projections
