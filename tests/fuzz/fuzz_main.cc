// libFuzzer's entry, one binary a target: TASKLEDGER_FUZZ_TARGET names it. Inputs that are made come in by a mutation
// of nothing: an empty input stands for one of them.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/fuzz/targets.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {
const taskledger::fuzz::Target& target() {
  static const auto& found = taskledger::fuzz::target_named(TASKLEDGER_FUZZ_TARGET);
  return found;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  target().run({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (target().seeds != nullptr && (size <= 1 || seed % 64 == 0)) {
    static const auto seeds = target().seeds();
    const auto& chosen = seeds[seed / 64 % seeds.size()];
    if (chosen.size() <= max_size) {
      std::memcpy(data, chosen.data(), chosen.size());
      size = chosen.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
