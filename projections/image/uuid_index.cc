#include "projections/image/uuid_index.h"

#include <random>

namespace taskledger::projections {

UuidIndex::UuidIndex() {
  std::random_device device;
  seed_ = std::uint64_t{device()} << 32 | device();
}

}  // namespace taskledger::projections
