// Runs the contract on every backend there is.
#include "storage/memory_event_log.h"
#include "storage/rocks_event_log.h"
#include "tests/storage/event_log_contract.h"

namespace taskledger::storage {
namespace {

std::unique_ptr<LogUnderTest> make_memory() {
  auto test = std::make_unique<LogUnderTest>();
  test->log = make_memory_event_log(test->clock);
  return test;
}

struct OnDisk {
  TemporaryDirectory temporary;
  std::unique_ptr<DataDirectory> directory;
};

std::unique_ptr<LogUnderTest> make_rocks() {
  auto test = std::make_unique<LogUnderTest>();
  auto disk = std::make_shared<OnDisk>();
  auto* raw = test.get();
  test->reopen = [raw, disk] {
    raw->log.reset();
    disk->directory.reset();
    auto directory =
        DataDirectory::open(disk->temporary.path() / "data", {DataDirectory::Access::exclusive, {}, seeded_random(1)});
    ASSERT_TRUE(directory) << directory.error().what;
    disk->directory = std::move(*directory);
    LogOptions options;
    options.clock = raw->clock;
    options.random = seeded_random(2);
    auto log = open_event_log(*disk->directory, options);
    ASSERT_TRUE(log) << log.error().what;
    raw->log = std::move(*log);
  };
  test->keep = disk;
  test->reopen();
  return test;
}

INSTANTIATE_TEST_SUITE_P(Backends, EventLogContract,
                         testing::Values(LogBackend{"memory", make_memory}, LogBackend{"rocks", make_rocks}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace taskledger::storage
