// How the columns of an image say that there is nothing.
#pragma once

#include <cstdint>
#include <limits>

namespace taskledger::projections {

inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::max();  // sorts last
inline constexpr std::uint32_t kNoUser = 0;                                        // number of "nobody"

}  // namespace taskledger::projections
