// A short run of the fuzz targets without a fuzzer: every input of the corpus, and mutations of it from a seed. A crash
// names target, input and seed on stderr before it (TASKLEDGER_FUZZ_SEED runs another one).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/targets.h"

namespace taskledger::fuzz {
namespace {

std::vector<std::string> inputs_of(const Target& target) {
  std::vector<std::string> out{""};
  const std::filesystem::path folder = std::filesystem::path(TASKLEDGER_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
  if (std::filesystem::exists(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream file(entry.path(), std::ios::binary);
      out.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  if (target.seeds) {
    for (auto& made : target.seeds()) out.push_back(std::move(made));
  }
  std::sort(out.begin(), out.end());  // a folder has no order
  return out;
}

// Flips, inserts, removes, repeats and joins bytes.
std::string mutate(std::string input, const std::vector<std::string>& others, std::mt19937_64& random) {
  using namespace std::string_view_literals;
  static constexpr std::string_view kTelling = "\0\xff\x80{}[]\",:\\\r\n \t09-+.%&="sv;
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    switch (random() % 6) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << random() % 8));
        break;
      case 1:
        input.insert(at, 1, kTelling[random() % kTelling.size()]);
        break;
      case 2:
        input.erase(at, 1 + random() % 8);
        break;
      case 3:
        input.insert(at, input.substr(at, random() % 32));
        break;
      case 4:
        input = input.substr(0, at) + others[random() % others.size()].substr(0, 4096);
        break;
      default:
        if (!input.empty()) input[at] = static_cast<char>(random());
    }
  }
  return input;
}

class Corpus : public ::testing::TestWithParam<std::string_view> {};

TEST_P(Corpus, EveryInputAndItsMutations) {
  const Target& target = target_named(GetParam());
  const char* given = std::getenv("TASKLEDGER_FUZZ_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : 20260101;
  std::fprintf(stderr, "%s: seed %llu\n", std::string(target.name).c_str(), static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  const auto inputs = inputs_of(target);
  EXPECT_GT(inputs.size(), 3u) << "there is next to no corpus";
  for (const auto& input : inputs) {
    target.run(input);
    for (int i = 0; i < target.mutations; ++i) target.run(mutate(input, inputs, random));
  }
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> out;
  for (const Target& target : all_targets()) out.push_back(target.name);
  return out;
}
INSTANTIATE_TEST_SUITE_P(All, Corpus, ::testing::ValuesIn(names()),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace taskledger::fuzz
