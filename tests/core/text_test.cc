#include "core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <random>

namespace taskledger {
namespace {

using testing::ElementsAre;

std::string utf8(char32_t c) {
  std::string out;
  icu::UnicodeString(static_cast<UChar32>(c)).toUTF8String(out);
  return out;
}

// Characters of all lengths, with those that folding, spaces and JSON treat on their own more often than the rest.
std::string random_text(std::mt19937_64& random, std::size_t max) {
  static const std::u32string kSpecial =
      U"AZaz09 \t\n\"\\\b\f\r\u001f\u007f\u0080\u0085\u009f\u00a0\u00df\u0130\u0131"
      U"\u03a3\u03c3\u03c2\u0390\u1e9e\ufb03\u2003\u2028\u3000\U00010400\U0001F600";
  std::string out;
  for (std::size_t count = random() % (max + 1); count > 0; --count) {
    char32_t c;
    switch (random() % 4) {
      case 0:
        c = kSpecial[random() % kSpecial.size()];
        break;
      case 1:
        c = static_cast<char32_t>(random() % 0x110000);
        break;
      case 2:
        c = static_cast<char32_t>(random() % 0x3000);
        break;
      default:
        c = static_cast<char32_t>(' ' + random() % 95);
    }
    if (c >= 0xd800 && c < 0xe000) c = U'x';
    out += utf8(c);
  }
  return out;
}

TEST(Text, KnowsValidUtf8) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("Grüße \U0001F600"));
  EXPECT_FALSE(is_valid_utf8("\xff"));
  EXPECT_FALSE(is_valid_utf8("\xc3"));              // cut short
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));      // a surrogate
  EXPECT_FALSE(is_valid_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
}

TEST(Text, CountsCodePoints) {
  EXPECT_EQ(code_points(""), 0u);
  EXPECT_EQ(code_points("abc"), 3u);
  EXPECT_EQ(code_points("Grüße"), 5u);
  EXPECT_EQ(code_points("\U0001F600\U00010400"), 2u);
  EXPECT_EQ(code_points("e\u0301"), 2u);  // no normalisation
}

TEST(Text, TrimsWhiteSpaceOnly) {
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(" \t\n\v\f\r "), "");
  EXPECT_EQ(trim("  a b  "), "a b");
  EXPECT_EQ(trim("\u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000a\u3000\u0085"), "a");
  EXPECT_EQ(trim("\u200ba\ufeff"), "\u200ba\ufeff");  // zero width space and BOM are no White_Space
  EXPECT_EQ(trim("\x1c"
                 "a"),
            "\x1c"
            "a");  // nor are the separators of ASCII
  EXPECT_EQ(trim("é\u00a0"), "é");
}

TEST(Text, SplitsWords) {
  EXPECT_THAT(split_words(""), ElementsAre());
  EXPECT_THAT(split_words(" \u3000\n"), ElementsAre());
  EXPECT_THAT(split_words("one"), ElementsAre("one"));
  EXPECT_THAT(split_words("  größer\u2003als\t\U0001F600 "), ElementsAre("größer", "als", "\U0001F600"));
}

TEST(Text, EveryWhiteSpaceCodePointSplitsAndTrimsAndNoOtherDoes) {
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const bool space = u_isUWhiteSpace(static_cast<UChar32>(c));
    const std::string text = utf8(c);
    ASSERT_EQ(trim(text).empty(), space) << std::hex << static_cast<unsigned>(c);
    ASSERT_EQ(split_words("a" + text + "b").size(), space ? 2u : 1u) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(Text, FoldsFully) {
  EXPECT_EQ(fold_case("Hello, WORLD [@`{] 09"), "hello, world [@`{] 09");
  EXPECT_EQ(fold_case("Straße"), "strasse");
  EXPECT_EQ(fold_case("STRA\u1e9eE"), "strasse");
  EXPECT_EQ(fold_case("\u0130"), "i\u0307");  // dotted I: not the Turkish folding
  EXPECT_EQ(fold_case("\u0131"), "\u0131");   // dotless i stays
  EXPECT_EQ(fold_case("ΟΔΟΣ"), "οδοσ");
  EXPECT_EQ(fold_case("οδος"), "οδοσ");  // final sigma folds with the others
  EXPECT_EQ(fold_case("\ufb03"), "ffi");
  EXPECT_EQ(fold_case("\u0390"), "\u03b9\u0308\u0301");  // two bytes become six
  EXPECT_EQ(fold_case("\U00010400"), "\U00010428");      // Deseret
  EXPECT_EQ(fold_case("É"), "é");
  EXPECT_EQ(fold_case("E\u0301"), "e\u0301");            // without normalisation
  EXPECT_EQ(fold_case("\u212a"), "k");                   // Kelvin sign
  EXPECT_EQ(fold_case("\u13a0\uab70"), "\u13a0\u13a0");  // Cherokee folds to upper case
}

TEST(Text, EveryCodePointFoldsAsIcuSaysWhereverItStands) {
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    icu::UnicodeString expected(static_cast<UChar32>(c));
    expected.foldCase(U_FOLD_CASE_DEFAULT);
    std::string folded;
    expected.toUTF8String(folded);
    ASSERT_EQ(fold_case("AB" + utf8(c) + "C"), "ab" + folded + "c") << std::hex << static_cast<unsigned>(c);
  }
}

TEST(Text, FoldingIsIdempotentAndWorksByParts) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 5'000; ++round) {
    const std::string a = random_text(random, 30), b = random_text(random, 30);
    ASSERT_EQ(fold_case(fold_case(a)), fold_case(a));
    std::string parts = "kept";
    append_folded(parts, a);
    append_folded(parts, b);
    ASSERT_EQ(parts, "kept" + fold_case(a + b));
  }
}

TEST(Text, FindsControlsOfCategoryCcAlone) {
  EXPECT_FALSE(has_control(""));
  EXPECT_FALSE(has_control("plain ü \u00a0\u00c2\u200b\u2028\ufeff\U0001F600"));
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const bool control = u_charType(static_cast<UChar32>(c)) == U_CONTROL_CHAR;
    const std::string text = c == 0 ? std::string("a\0b", 3) : "a" + utf8(c) + "b";
    ASSERT_EQ(has_control(text), control) << std::hex << static_cast<unsigned>(c);
  }
}

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Text, EscapesOnlyWhatJsonDemands) {
  EXPECT_EQ(json(""), R"("")");
  EXPECT_EQ(json("plain / <&> \x7f Grüße \u2028 \U0001F600"), "\"plain / <&> \x7f Grüße \u2028 \U0001F600\"");
  EXPECT_EQ(json("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(json(std::string_view("\0\x01\x1f ", 4)), R"("\u0000\u0001\u001f ")");
}

// Each byte at each place of a word of eight and around it: the fast path must neither miss nor invent an escape.
TEST(Text, EscapesAtEveryPlace) {
  for (std::size_t size : {1, 7, 8, 9, 15, 16, 17, 24}) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int c = 0; c < 256; ++c) {
        std::string text(size, '!');
        text[place] = static_cast<char>(c);
        const std::string out = json(text);
        if (c >= 0x20) {
          std::string expected = text;
          if (c == '"' || c == '\\') expected.insert(place, 1, '\\');
          ASSERT_EQ(std::string_view(out).substr(1, out.size() - 2), expected) << size << ' ' << place;
        } else {
          ASSERT_EQ(out[1 + place], '\\') << size << ' ' << place << ' ' << c;
          ASSERT_GT(out.size(), size + 2);
        }
      }
    }
  }
}

TEST(Text, RandomTextComesBackFromJson) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  simdjson::dom::parser parser;
  for (int round = 0; round < 5'000; ++round) {
    const std::string text = random_text(random, 60);
    std::string_view back;
    const std::string written = "[" + json(text) + "]";
    ASSERT_EQ(parser.parse(written).at(0).get(back), simdjson::SUCCESS) << text;
    ASSERT_EQ(back, text);
  }
}

// Callers promise valid UTF-8; a broken promise may give nonsense but nothing worse.
TEST(Text, BytesThatAreNoUtf8AreHarmless) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string noise(random() % 20, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    (void)trim(noise);
    (void)split_words(noise);
    (void)code_points(noise);
    (void)has_control(noise);
    (void)fold_case(noise);
    (void)json(noise);
  }
}

}  // namespace
}  // namespace taskledger
