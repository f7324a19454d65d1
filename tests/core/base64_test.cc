// The vectors of RFC 4648, and that every text has one spelling.
#include "core/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace taskledger {
namespace {

std::string to_base64url(std::string_view bytes) {
  std::string out;
  append_base64url(out, bytes);
  return out;
}

TEST(Base64, IsThatOfTheRfc) {
  for (const auto& [bytes, text] : {std::pair<std::string_view, std::string_view>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"},
                                    {"\xfb\xff\xfe", "+//+"}}) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, ForUrlsHasOtherDigitsAndNoPadding) {
  for (const auto& [bytes, text] : {std::pair<std::string_view, std::string_view>{"", ""},
                                    {"f", "Zg"},
                                    {"fo", "Zm8"},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg"},
                                    {"\xfb\xff\xfe", "-__-"}}) {
    EXPECT_EQ(to_base64url(bytes), text);
    EXPECT_EQ(from_base64url(text), bytes);
  }
}

TEST(Base64, HasOneSpelling) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zg==Zg==", "Zm9v ", "-__-"})
    EXPECT_FALSE(from_base64(text)) << text;
  for (const char* text : {"Zg==", "Zh", "Zm9", "Z", "Zm9vY", "Zm 9v", "+//+"})
    EXPECT_FALSE(from_base64url(text)) << text;
}

}  // namespace
}  // namespace taskledger
