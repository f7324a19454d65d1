// How flags of `serve` become the options of the layers that they concern together.
#include "app/serve_settings.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <stdexcept>
#include <string>

namespace taskledger::app {
namespace {

ServeSettings settings_of(const std::string& flags) {
  ServeSettings settings;
  CLI::App command;
  declare_serve_settings(command, settings);
  command.parse("--data x " + flags);
  settle(settings);
  return settings;
}

TEST(ServeSettings, TheLogIsToldHowBusyTheServerIs) {
  const ServeSettings settings = settings_of("--threads 3");
  ASSERT_NE(settings.log.load, nullptr);
  EXPECT_EQ(settings.log.load, settings.server.load);
  EXPECT_NO_THROW((void)settings.server.load->slot(2));
  EXPECT_THROW((void)settings.server.load->slot(3), std::out_of_range);
  EXPECT_EQ(settings.log.group_interval, std::chrono::microseconds(2'000));
}

TEST(ServeSettings, GroupsWaitForNobodyWhereTheIntervalIsNone) {
  EXPECT_EQ(settings_of("--commit-interval-us 0").log.group_interval, std::chrono::microseconds(0));
}

TEST(ServeSettings, TheWalIsFilledAheadByAsMuchAsIsAsked) {
  EXPECT_EQ(settings_of("").log.wal_fill_bytes, 1u << 20);
  EXPECT_EQ(settings_of("--wal-fill-kb 64").log.wal_fill_bytes, 64u << 10);
  EXPECT_EQ(settings_of("--wal-fill-kb 0").log.wal_fill_bytes, 0u);
}

}  // namespace
}  // namespace taskledger::app
