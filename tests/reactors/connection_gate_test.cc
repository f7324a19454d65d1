// Who gets the places, and when.
#include "reactors/connection_gate.h"

#include <gmock/gmock.h>

#include <memory>
#include <random>
#include <string>

namespace taskledger::reactors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An endpoint that wants `wanted` places, and takes what it gets.
struct Guest {
  Guest(ConnectionGate& gate, std::string called, std::vector<std::string>& entered)
      : name(std::move(called)), log(entered), visitor(gate, [this] { ++turns, take(); }) {}
  void want(int more) {
    wanted += more;
    take();
  }
  void take() {
    while (wanted > 0) {
      auto place = visitor.enter();
      if (!place) return;
      --wanted;
      places.push_back(*std::move(place));
      log.push_back(name);
    }
  }
  std::string name;
  std::vector<std::string>& log;
  int wanted = 0, turns = 0;
  ConnectionGate::Visitor visitor;
  std::vector<ConnectionGate::Place> places;
};

class ConnectionGateTest : public testing::Test {
 protected:
  // What was entered since the last time, once all turns are over.
  std::vector<std::string> entered() {
    io.restart();
    io.run();
    return std::exchange(log, {});
  }
  std::vector<std::string> log;
  boost::asio::io_context io;
  ConnectionGate gate{io, 4};
};

TEST_F(ConnectionGateTest, LetsInAsManyAsMayBe) {
  Guest a(gate, "a", log), b(gate, "b", log);
  a.want(3), b.want(3);
  EXPECT_THAT(entered(), ElementsAre("a", "a", "a", "b"));
  EXPECT_EQ(gate.inside(), 4u);
  a.places.clear();
  EXPECT_THAT(entered(), ElementsAre("b", "b"));
  EXPECT_EQ(gate.inside(), 3u);
  ConnectionGate::Place moved = std::move(b.places.back());
  b.places.clear();
  EXPECT_EQ(gate.inside(), 1u);
  a.want(1);
  moved = std::move(a.places.back());
  a.places.clear();
  EXPECT_EQ(gate.inside(), 1u) << "the one that was overwritten was given back";
}

TEST_F(ConnectionGateTest, WhoHasFewestPlacesComesFirstThenWhoHasWaitedLongest) {
  Guest a(gate, "a", log), b(gate, "b", log), c(gate, "c", log);
  a.want(8);
  b.want(2), c.want(2);
  EXPECT_THAT(entered(), ElementsAre("a", "a", "a", "a"));
  a.places.pop_back();
  EXPECT_THAT(entered(), ElementsAre("b"));
  a.places.pop_back();
  EXPECT_THAT(entered(), ElementsAre("c"));
  b.places.clear();
  EXPECT_THAT(entered(), ElementsAre("b"));
  a.places.clear();
  EXPECT_THAT(entered(), ElementsAre("a", "c")) << "a has none by now, and has waited longer than those who came back";
}

// Were a place to go to whoever asks at the right moment, one that waits might never get any.
TEST_F(ConnectionGateTest, NobodyOvertakesThoseWhoWait) {
  Guest a(gate, "a", log), b(gate, "b", log), c(gate, "c", log);
  a.want(4);
  b.want(1);
  a.places.pop_back();
  c.want(1);  // before b's turn was called
  a.want(1);
  EXPECT_THAT(entered(), ElementsAre("a", "a", "a", "a", "b"));
  a.places.pop_back();
  EXPECT_THAT(entered(), ElementsAre("c"));
}

TEST_F(ConnectionGateTest, WhoWantsNothingAnyMoreHoldsNobodyUp) {
  Guest a(gate, "a", log), b(gate, "b", log), c(gate, "c", log);
  auto gone = std::make_unique<Guest>(gate, "gone", log);
  a.want(4);
  b.want(1), gone->want(1), c.want(1);
  b.wanted = 0;
  gone.reset();
  a.places.pop_back();
  EXPECT_THAT(entered(), ElementsAre("a", "a", "a", "a", "c"));
  EXPECT_EQ(b.turns, 1);
  c.places.clear();
  EXPECT_THAT(entered(), IsEmpty());
  b.want(1);
  EXPECT_THAT(entered(), ElementsAre("b")) << "there is room, and nobody waits";
}

// Many of them at random: never more inside than may be, and all that is wanted is had in the end.
TEST_F(ConnectionGateTest, EverybodyComesToHisTurn) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < 20; ++i) guests.push_back(std::make_unique<Guest>(gate, std::to_string(i), log));
  std::size_t wanted = 0, had = 0;
  for (int step = 0; step < 5'000; ++step) {
    Guest& guest = *guests[random() % guests.size()];
    if (random() % 2 == 0) {
      guest.want(1), ++wanted;
    } else if (!guest.places.empty()) {
      guest.places.pop_back();
    }
    if (random() % 4 == 0) had += entered().size();
    ASSERT_LE(gate.inside(), gate.limit());
  }
  had += entered().size();
  for (bool some = true; some;) {
    some = false;
    for (auto& guest : guests) {
      some = some || !guest->places.empty();
      guest->places.clear();
      had += entered().size();
    }
  }
  EXPECT_EQ(had, wanted);
  EXPECT_EQ(gate.inside(), 0u);
}

}  // namespace
}  // namespace taskledger::reactors
