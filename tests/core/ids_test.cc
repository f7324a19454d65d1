#include "core/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <unordered_set>

#include "core/ascending_uuids.h"

namespace taskledger {
namespace {

constexpr Uuid kDns{{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Uuid, IsReadInAnyCaseAndWrittenInLower) {
  const auto uuid = parse_uuid("6BA7b810-9dAD-11d1-80b4-00C04FD430c8");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(*uuid, kDns);
  EXPECT_EQ(to_string(*uuid), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  std::string out = "id=";
  append_uuid(out, *uuid);
  EXPECT_EQ(out, "id=6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

TEST(Uuid, AcceptsAnyVersion) {
  EXPECT_TRUE(parse_uuid("00000000-0000-0000-0000-000000000000"));
  EXPECT_TRUE(parse_uuid("ffffffff-ffff-ffff-ffff-ffffffffffff"));
}

TEST(Uuid, RefusesEveryOtherShape) {
  for (const std::string_view text : {
           "",
           "6ba7b810",
           "6ba7b8109dad11d180b400c04fd430c8",
           "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
           " 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
           "6ba7b810-9dad-11d1-80b4-00c04fd430c8 ",
           "6ba7b810-9dad-11d1-80b4-00c04fd430c",
           "6ba7b810-9dad-11d1-80b4-00c04fd430c88",
           "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
           "6ba7b810-9dad-11d1-80b4_00c04fd430c8",
           "6ba7b81-09dad-11d1-80b4-00c04fd430c8",
           "6ba7b810-9dad-11d1-80b400c04-fd430c8",
           "+ba7b810-9dad-11d1-80b4-00c04fd430c8",
           "6ba7b810-9dad-11d1-80b4-00c04fd430\xc3\xa9",
       }) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(Uuid, RefusesEveryBadByteAtEveryPlace) {
  const std::string good = to_string(kDns);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[i] = static_cast<char>(c);
      const bool hyphen_place = good[i] == '-';
      const bool allowed = hyphen_place ? c == '-' : c < 128 && std::isxdigit(c);
      EXPECT_EQ(parse_uuid(text).has_value(), allowed) << i << ' ' << c;
    }
  }
}

TEST(Uuid, RandomBytesNeverCrashAndRandomIdsComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string noise(random() % 45, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    (void)parse_uuid(noise);
    Uuid uuid;
    for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(random());
    ASSERT_EQ(parse_uuid(to_string(uuid)), uuid);
  }
}

TEST(Uuid, TextAndBytesSortAlike) {
  std::mt19937_64 random(7);
  std::vector<Uuid> uuids(500);
  for (Uuid& uuid : uuids) {
    for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(random());
  }
  std::sort(uuids.begin(), uuids.end());
  EXPECT_TRUE(std::is_sorted(uuids.begin(), uuids.end(),
                             [](const Uuid& a, const Uuid& b) { return to_string(a) < to_string(b); }));
}

TEST(Uuid, Version7HoldsTheTimeAndTheRandomBits) {
  // The example of RFC 9562, appendix A.6.
  const std::array<std::uint8_t, 10> random{0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
  EXPECT_EQ(to_string(uuid_v7(0x017F22E279B0, random)), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  std::array<std::uint8_t, 10> ones;
  ones.fill(0xff);
  EXPECT_EQ(to_string(uuid_v7(1, ones)), "00000000-0001-7fff-bfff-ffffffffffff");
  EXPECT_LT(uuid_v7(1, ones), uuid_v7(2, random));
}

TEST(Uuid, AscendWithinAMillisecondAndWhenTheClockIsSetBack) {
  std::mt19937_64 random(7);
  AscendingUuids uuids;
  Uuid last;
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 10> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const std::int64_t ms = i < 10'000 ? 1'000'000 : 1'000'000 + static_cast<std::int64_t>(random() % 40) - 20;
    const Uuid next = uuids.next(ms, bytes);
    ASSERT_LT(last, next) << i;
    ASSERT_EQ(next.bytes[6] >> 4, 7) << i;
    ASSERT_EQ(next.bytes[8] >> 6, 2) << i;
    if (i == 0) {
      EXPECT_EQ(to_string(next).substr(0, 13), "0000000f-4240");
    }
    last = next;
  }
  // The random bits are there still: two sources do not meet.
  AscendingUuids other;
  EXPECT_NE(uuids.next(2'000'000, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}),
            other.next(2'000'000, {1, 2, 3, 4, 5, 6, 7, 8, 9, 11}));
  // A new millisecond begins its own count.
  EXPECT_EQ(to_string(other.next(0x017F22E279B0, {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f})),
            "017f22e2-79b0-74c3-98c4-dc0c0c07398f");
}

TEST(Uuid, Version5IsTheStandards) {
  EXPECT_EQ(to_string(uuid_v5(kDns, bytes_of("www.example.com"))), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  EXPECT_EQ(to_string(uuid_v5(kDns, bytes_of("python.org"))), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

// Exports hold these ids: they must never change.
TEST(DerivedIds, AreFixedForever) {
  const WorkspaceId workspace = workspace_id_of("demo");
  EXPECT_EQ(to_string(workspace), "8fd8599f-ec72-5590-9202-62e507d25b48");
  EXPECT_NE(workspace_id_of("Demo"), workspace);
  const TaskId task{kDns};
  EXPECT_EQ(to_string(derived_event_id(workspace, task, Version{1})), "24a65751-ab70-5d2e-9cea-8a8a07df9867");
  // As documented: version 5 of the workspace, over the task's bytes and the version, big-endian.
  std::vector<std::uint8_t> name(kDns.bytes.begin(), kDns.bytes.end());
  for (const std::uint8_t byte : {0x01, 0x02, 0x03, 0x04}) name.push_back(byte);
  EXPECT_EQ(derived_event_id(workspace, task, Version{0x01020304}).value, uuid_v5(workspace.value, name));
}

TEST(Ids, HashWithoutCollisionsAmongNeighbours) {
  std::unordered_set<std::size_t> hashes;
  std::array<std::uint8_t, 10> random{};
  for (int i = 0; i < 10'000; ++i) {
    random[9] = static_cast<std::uint8_t>(i);
    random[8] = static_cast<std::uint8_t>(i >> 8);
    hashes.insert(std::hash<TaskId>{}(TaskId{uuid_v7(1'700'000'000'000, random)}));
  }
  EXPECT_EQ(hashes.size(), 10'000u);
}

TEST(Count, StartsAtZeroAndCountsUp) {
  EXPECT_EQ(Version{}.next(), Version{1});
  EXPECT_LT(Position{1}, Position{2});
}

}  // namespace
}  // namespace taskledger
