// Random commands, a failure of the disk at a random operation, and another start: whatever the failure and wherever it
// strikes, what was acknowledged is there, whole, once. TASKLEDGER_FAULT_RUNS sets how many seeds are tried (default 12
// a test), TASKLEDGER_FAULT_SEED the first of them: a failure prints its own.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <random>

#include "tests/faults/child.h"
#include "tests/faults/random_commands.h"

namespace taskledger::faults {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

template <class Body>
void for_each_seed(const Body& body) {
  const std::uint64_t first = setting("TASKLEDGER_FAULT_SEED", std::random_device{}() % 1'000'000'000),
                      runs = setting("TASKLEDGER_FAULT_RUNS", 12);
  std::uint64_t given_up = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    SCOPED_TRACE("TASKLEDGER_FAULT_SEED=" + std::to_string(seed) + " TASKLEDGER_FAULT_RUNS=1");
    const Outcome outcome = run_in_child([&] { body(seed); });
    given_up += outcome == Outcome::lost_reference;
    ASSERT_NE(outcome, Outcome::failed);
  }
  if (given_up > 0) std::printf("%llu of %llu runs given up\n", (unsigned long long)given_up, (unsigned long long)runs);
  EXPECT_LE(given_up, 1 + runs / 10) << "RocksDB's assertion ends too many runs for the others to show much";
}

// Opens everything on a disk that may fail while it does; then on one that works.
void open(Machine& machine, RandomCommands& commands, bool may_fail, bool power) {
  auto refused = machine.open_log();
  if (!refused) {
    commands.check_log();
    refused = machine.open_models();
  }
  if (!refused) return;
  ASSERT_TRUE(may_fail) << "the disk works, and the log does not open: " << *refused;
  commands.wait();
  machine.crash(power);
  refused = machine.open_log();
  ASSERT_FALSE(refused) << *refused;
  commands.check_log();
  refused = machine.open_models();
  ASSERT_FALSE(refused) << *refused;
}

TEST(PowerCut, WhateverWasAcknowledgedIsThereWholeAndOnce) {
  for_each_seed([](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Machine machine(seed);
    RandomCommands commands(machine, seed + 1);
    for (int round = 0; round < 4 && !testing::Test::HasFailure(); ++round) {
      const bool while_opening = random() % 4 == 0;
      if (while_opening) machine.disk().plan(Fault::power_cut, 1 + random() % 60);
      open(machine, commands, while_opening, true);
      if (testing::Test::HasFailure()) return;
      if (!machine.disk().cut()) {
        commands.check_models();
        if (round > 0) commands.retry_all();
        machine.disk().plan(Fault::power_cut, 1 + random() % (random() % 2 ? 60 : 600));
        commands.run(10 + random() % 120);
      }
      // Whatever is under way when the power goes is answered by the close, never with a success.
      machine.disk().plan(Fault::power_cut, 1);
      machine.crash(true);
      commands.wait();
    }
    open(machine, commands, false, true);
    commands.check_models();
  });
}

TEST(PowerCut, AnImportIsThereWholeOrNotAtAll) {
  for_each_seed([](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Machine machine(seed);
    RandomCommands commands(machine, seed + 1);
    open(machine, commands, false, true);
    commands.run(30);
    commands.wait();
    machine.close();
    for (int round = 0; round < 3 && !testing::Test::HasFailure(); ++round) {
      const auto refused = machine.open_log();
      ASSERT_FALSE(refused) << *refused;
      commands.check_log();
      const bool cut = random() % 4 > 0;
      if (cut) machine.disk().plan(Fault::power_cut, 1 + random() % 80);
      commands.import(random() % 2 ? 20 + random() % 300 : 3000);
      machine.disk().plan(Fault::power_cut, 1);
      machine.crash(true);
    }
    open(machine, commands, false, true);
    commands.check_models();
  });
}

class FailingDisk : public testing::TestWithParam<Fault> {};

TEST_P(FailingDisk, StopsWritesKeepsReadsAndLosesNothing) {
  for_each_seed([](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Machine machine(seed);
    RandomCommands commands(machine, seed + 1);
    for (int round = 0; round < 3 && !testing::Test::HasFailure(); ++round) {
      open(machine, commands, false, false);
      if (testing::Test::HasFailure()) return;
      commands.check_models();
      if (round > 0) commands.retry_all();
      machine.disk().plan(GetParam(), 1 + random() % 200);
      commands.run(10 + random() % 150);
      commands.wait();
      if (machine.log().failure()) {
        const Answer refused = commands.write_one();
        ASSERT_FALSE(refused) << "acknowledged after the disk had failed";
        EXPECT_EQ(refused.error().why, (std::variant<Refusal, commands::Fault>(commands::Fault::unavailable)));
        EXPECT_NE(machine.log().failure()->find("injected"), std::string::npos) << *machine.log().failure();
        commands.check_reads_go_on();
      }
      machine.crash(random() % 2);
      commands.wait();
    }
    open(machine, commands, false, false);
    commands.check_models();
    EXPECT_TRUE(commands.write_one()) << "after the disk is back and another start";
  });
}

// The reactors' rows go to the log's WAL: one that cannot be written stops the log as a commit does.
TEST_P(FailingDisk, ARowThatCannotBeWrittenStopsTheLog) {
  const auto outcome = run_in_child([] {
    Machine machine(7);
    RandomCommands commands(machine, 8);
    open(machine, commands, false, false);
    commands.run(10);
    commands.wait();
    machine.disk().plan(GetParam(), 1);
    const auto store = machine.log().reactor_store();
    const bool syncs = GetParam() == Fault::sync_error;  // which rows do not
    EXPECT_EQ(store->write({{"row", "value"}}).has_value(), syncs);
    EXPECT_EQ(machine.log().failure().has_value(), !syncs);
    EXPECT_FALSE(commands.write_one());
    ASSERT_TRUE(machine.log().failure());
    EXPECT_NE(machine.log().failure()->find("injected"), std::string::npos) << *machine.log().failure();
    EXPECT_FALSE(store->write({{"row", "value"}}).has_value());
    commands.check_reads_go_on();
    machine.crash(false);
    open(machine, commands, false, false);
    EXPECT_TRUE(commands.write_one());
  });
  EXPECT_EQ(outcome, Outcome::passed);
}

std::string name_of(const testing::TestParamInfo<Fault>& info) {
  static constexpr std::array kNames{"None", "WriteError", "ShortWrite", "SyncError", "NoSpace", "PowerCut"};
  return kNames[static_cast<std::size_t>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Faults, FailingDisk,
                         testing::Values(Fault::write_error, Fault::short_write, Fault::sync_error, Fault::no_space),
                         name_of);

}  // namespace
}  // namespace taskledger::faults
