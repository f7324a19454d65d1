#define OPENSSL_SUPPRESS_DEPRECATED  // as in sha256.cc
#include "storage/sha256_lanes.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace taskledger::storage {

void write_padding(std::uint8_t* message, std::size_t message_bytes) {
  const std::size_t end = padded_bytes(message_bytes);
  message[message_bytes] = 0x80;
  std::memset(message + message_bytes + 1, 0, end - message_bytes - 1);
  const std::uint64_t bits = std::uint64_t{message_bytes} * 8;
  for (std::size_t i = 0; i < 8; ++i) message[end - 1 - i] = static_cast<std::uint8_t>(bits >> i * 8);
}

void hash_all_in_turn(std::span<const PaddedMessage> messages) {
  for (const PaddedMessage& message : messages) {
    SHA256_CTX context;
    SHA256_Init(&context);
    for (std::size_t i = 0; i < message.count; ++i) SHA256_Transform(&context, message.blocks + i * kSha256Block);
    for (std::size_t i = 0; i < 32; ++i)
      message.hash[i] = static_cast<std::uint8_t>(context.h[i / 4] >> (3 - i % 4) * 8);
  }
}

#if defined(__x86_64__)
namespace {

// The round constants of FIPS 180-4.
alignas(16) constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
constexpr std::uint32_t kStart[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#define TASKLEDGER_SHA __attribute__((target("sha,sse4.1,ssse3")))

// A message under way. The instructions want the state in this order.
struct Lane {
  __m128i abef, cdgh;
  const std::uint8_t* blocks;
  std::size_t left = 0;  // blocks
  std::uint8_t* hash;
};

TASKLEDGER_SHA inline void begin(Lane& lane, const PaddedMessage& message) {
  lane.abef = _mm_set_epi32(static_cast<int>(kStart[0]), static_cast<int>(kStart[1]), static_cast<int>(kStart[4]),
                            static_cast<int>(kStart[5]));
  lane.cdgh = _mm_set_epi32(static_cast<int>(kStart[2]), static_cast<int>(kStart[3]), static_cast<int>(kStart[6]),
                            static_cast<int>(kStart[7]));
  lane.blocks = message.blocks;
  lane.left = message.count;
  lane.hash = message.hash;
}

TASKLEDGER_SHA inline __m128i in_network_order(__m128i words) {
  return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

TASKLEDGER_SHA inline void end(const Lane& lane) {
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1B), dchg = _mm_shuffle_epi32(lane.cdgh, 0xB1);
  const __m128i dcba = _mm_blend_epi16(feba, dchg, 0xF0), hgfe = _mm_alignr_epi8(dchg, feba, 8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lane.hash), in_network_order(dcba));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lane.hash + 16), in_network_order(hgfe));
}

TASKLEDGER_SHA inline void load(const Lane& lane, __m128i (&words)[4]) {
  for (int i = 0; i < 4; ++i) {
    words[i] = in_network_order(_mm_loadu_si128(reinterpret_cast<const __m128i*>(lane.blocks) + i));
  }
}

// Four rounds, the `group`th of sixteen; the words of the message are scheduled in place.
TASKLEDGER_SHA __attribute__((always_inline)) inline void rounds(int group, __m128i& abef, __m128i& cdgh,
                                                                 __m128i (&words)[4]) {
  __m128i& now = words[group % 4];
  if (group >= 4) {
    const __m128i last = words[(group + 3) % 4];
    now = _mm_add_epi32(_mm_sha256msg1_epu32(now, words[(group + 1) % 4]),
                        _mm_alignr_epi8(last, words[(group + 2) % 4], 4));
    now = _mm_sha256msg2_epu32(now, last);
  }
  const __m128i with_constants = _mm_add_epi32(now, _mm_load_si128(reinterpret_cast<const __m128i*>(kRound) + group));
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, with_constants);
  abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(with_constants, 0x0E));
}

TASKLEDGER_SHA void block(Lane& lane) {
  __m128i words[4];
  load(lane, words);
  __m128i abef = lane.abef, cdgh = lane.cdgh;
#pragma GCC unroll 16
  for (int group = 0; group < 16; ++group) rounds(group, abef, cdgh, words);
  lane.abef = _mm_add_epi32(lane.abef, abef);
  lane.cdgh = _mm_add_epi32(lane.cdgh, cdgh);
  lane.blocks += kSha256Block;
  --lane.left;
}

TASKLEDGER_SHA void block_of_both(Lane& a, Lane& b) {
  __m128i words_a[4], words_b[4];
  load(a, words_a);
  load(b, words_b);
  __m128i abef_a = a.abef, cdgh_a = a.cdgh, abef_b = b.abef, cdgh_b = b.cdgh;
#pragma GCC unroll 16
  for (int group = 0; group < 16; ++group) {
    rounds(group, abef_a, cdgh_a, words_a);
    rounds(group, abef_b, cdgh_b, words_b);
  }
  a.abef = _mm_add_epi32(a.abef, abef_a);
  a.cdgh = _mm_add_epi32(a.cdgh, cdgh_a);
  b.abef = _mm_add_epi32(b.abef, abef_b);
  b.cdgh = _mm_add_epi32(b.cdgh, cdgh_b);
  for (Lane* lane : {&a, &b}) {
    lane->blocks += kSha256Block;
    --lane->left;
  }
}

TASKLEDGER_SHA void hash_in_two_lanes(std::span<const PaddedMessage> messages) {
  Lane a, b;
  std::size_t next = 0;
  // Takes the next message once its last one is done; false: there is none.
  const auto goes_on = [&](Lane& lane, bool& busy) TASKLEDGER_SHA {
    if (busy && lane.left == 0) {
      end(lane);
      busy = false;
    }
    if (!busy && next < messages.size()) {
      begin(lane, messages[next++]);
      busy = true;
    }
    return busy;
  };
  bool a_busy = false, b_busy = false;
  for (;;) {
    const bool a_goes_on = goes_on(a, a_busy), b_goes_on = goes_on(b, b_busy);
    if (a_goes_on && b_goes_on) {
      for (std::size_t both = std::min(a.left, b.left); both > 0; --both) block_of_both(a, b);
    } else if (a_goes_on) {
      block(a);
    } else if (b_goes_on) {
      block(b);
    } else {
      return;
    }
  }
}

bool look_for_sha_instructions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has_sse = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) != 0;
  return has_sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

bool has_sha_instructions() {
  static const bool has = look_for_sha_instructions();
  return has;
}

}  // namespace

void hash_all(std::span<const PaddedMessage> messages) {
  has_sha_instructions() ? hash_in_two_lanes(messages) : hash_all_in_turn(messages);
}

#else

void hash_all(std::span<const PaddedMessage> messages) { hash_all_in_turn(messages); }

#endif

}  // namespace taskledger::storage
