// Hashes worked out side by side are those of one after the other: of OpenSSL, and of hashes_after().
#include "storage/hash_batch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "storage/chain_check.h"
#include "storage/keys.h"

namespace taskledger::storage {
namespace {

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST(HashAll, IsSha256OfEachMessageWhateverTheirLengths) {
  std::mt19937_64 random(1);
  for (std::size_t round = 0; round < 60; ++round) {
    // None, one, two … and of every length about the ends of blocks.
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < round; ++i) texts.push_back(random_bytes(random, round < 5 ? i : random() % 300));
    std::vector<std::vector<std::uint8_t>> padded;
    std::vector<Hash> hashes(texts.size()), in_turn(texts.size());
    std::vector<PaddedMessage> messages;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<std::uint8_t>& bytes = padded.emplace_back(padded_bytes(texts[i].size()));
      std::memcpy(bytes.data(), texts[i].data(), texts[i].size());
      write_padding(bytes.data(), texts[i].size());
      messages.push_back({bytes.data(), bytes.size() / kSha256Block, hashes[i].data()});
    }
    hash_all(messages);
    for (std::size_t i = 0; i < texts.size(); ++i) messages[i].hash = in_turn[i].data();
    hash_all_in_turn(messages);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const Hash expected = Sha256().add(texts[i]).finish();
      EXPECT_EQ(hashes[i], expected) << texts[i].size() << " bytes";
      EXPECT_EQ(in_turn[i], expected) << texts[i].size() << " bytes";
    }
  }
  for (std::size_t size = 0; size < 260; ++size) {
    const std::string text = random_bytes(random, size);
    std::vector<std::uint8_t> bytes(padded_bytes(size), 0xEE);
    if (size > 0) std::memcpy(bytes.data(), text.data(), size);
    write_padding(bytes.data(), size);
    Hash hash;
    const PaddedMessage message{bytes.data(), bytes.size() / kSha256Block, hash.data()};
    hash_all({&message, 1});
    EXPECT_EQ(hash, Sha256().add(text).finish()) << size << " bytes";
  }
}

// FIPS 180-4's own example.
TEST(HashAll, OfAbc) {
  std::uint8_t bytes[kSha256Block] = {'a', 'b', 'c'};
  write_padding(bytes, 3);
  Hash hash;
  const PaddedMessage message{bytes, 1, hash.data()};
  hash_all({&message, 1});
  EXPECT_EQ(hash, parse_hash("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST(HashBatch, HasTheHashesOfEachRecord) {
  std::mt19937_64 random(2);
  HashBatch batch;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> stored;
    std::vector<Position> positions;
    const std::size_t records = random() % 70;
    for (std::size_t i = 0; i < records; ++i) {
      Record record;
      record.position = positions.emplace_back(Position{random()});
      record.in_workspace = {random()};
      record.workspace = WorkspaceNumber{static_cast<std::uint32_t>(random())};
      record.version = {static_cast<std::uint32_t>(random())};
      const std::string payload = random_bytes(random, random() % 400), trace = random_bytes(random, random() % 60);
      record.payload = payload;
      if (random() % 2) record.trace = trace;
      if (random() % 2)
        std::memcpy(record.id.value.bytes.data(), payload.data(), std::min<std::size_t>(16, payload.size()));
      ChainHashes before;
      for (auto& byte : before.log) byte = static_cast<std::uint8_t>(random());
      for (auto& byte : before.workspace) byte = static_cast<std::uint8_t>(random());
      std::string& bytes = stored.emplace_back();
      encode_record(bytes, record, before, Nonce{static_cast<std::uint8_t>(random())});
      if (random() % 4 == 0) bytes = erase_payload(*decode_record(record.position, bytes));
    }
    std::vector<ChainHashes> expected;
    for (std::size_t i = 0; i < records; ++i) {
      const std::string copy = stored[i];  // gone before hash(): what is hashed must have been copied
      const auto decoded = decode_record(positions[i], copy);
      ASSERT_TRUE(decoded.has_value());
      expected.push_back(hashes_after(*decoded));
      batch.add(*decoded);
    }
    const auto hashes = batch.hash();
    ASSERT_EQ(hashes.size(), records);
    for (std::size_t i = 0; i < records; ++i) EXPECT_EQ(hashes[i], expected[i]) << "record " << i;
    batch.clear();
  }
}

// What verify adds up of records is what it adds up of the rows of their indexes.
TEST(RowSum, OfValuesIsThatOfTheirKeys) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const WorkspaceNumber workspace{static_cast<std::uint32_t>(random())};
    const Version version{static_cast<std::uint32_t>(random())};
    const WorkspacePosition in_workspace{random() >> round % 60};
    const Position position{random() >> round % 60};
    Uuid stream;
    const std::string bytes = random_bytes(random, stream.bytes.size());
    std::memcpy(stream.bytes.data(), bytes.data(), bytes.size());
    RowSum of_values, of_keys;
    of_values.add_stream(workspace, stream, version, position);
    of_keys.add(keys::stream(workspace, stream, version), position);
    EXPECT_EQ(of_values, of_keys);
    of_values.add_workspace(workspace, in_workspace, position);
    EXPECT_NE(of_values, of_keys);
    of_keys.add(keys::in_workspace(workspace, in_workspace.value), position);
    EXPECT_EQ(of_values, of_keys);
  }
}

}  // namespace
}  // namespace taskledger::storage
