// One function for each kind of input that comes from outside. Called by libFuzzer (fuzz_main.cc, clang) and, over the
// corpus and seeded mutations of it, by the normal tests (corpus_test.cc). A broken promise aborts the process; what
// the input itself does wrong is an error value, and fine.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taskledger::fuzz {

struct Target {
  std::string_view name;  // its corpus is tests/fuzz/corpus/NAME
  void (*run)(std::string_view input);
  std::vector<std::string> (*seeds)();  // valid inputs that are made, not written; may be null
  int mutations = 300;                  // of each input, in the tests
};
[[nodiscard]] std::span<const Target> all_targets();
[[nodiscard]] const Target& target_named(std::string_view name);

}  // namespace taskledger::fuzz
