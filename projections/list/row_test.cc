#include "projections/list/row_test.h"

#include <iterator>

namespace taskledger::projections {

namespace {

class Not : public RowTest {
 public:
  explicit Not(RowTestPtr test) : test_(std::move(test)) { cost = test_->cost; }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override { return without(in, test_->pass(chunk, in)); }
  void keep(std::size_t chunk, std::span<ChunkBits> run) const override {
    Run passed = copy_of(run);
    test_->keep(chunk, std::span(passed).first(run.size()));
    for (std::size_t i = 0; i < run.size(); ++i) run[i] = without(run[i], passed[i]);
  }

 private:
  RowTestPtr test_;
};

class Group : public RowTest {
 public:
  Group(bool any, std::vector<RowTestPtr> tests) : any_(any) {
    for (RowTestPtr& test : tests) {
      auto* inner = any ? nullptr : test->tests_of_all();
      if (inner == nullptr) {
        tests_.push_back(std::move(test));
      } else {
        std::move(inner->begin(), inner->end(), std::back_inserter(tests_));
      }
    }
    std::stable_sort(tests_.begin(), tests_.end(),
                     [](const RowTestPtr& a, const RowTestPtr& b) { return a->cost < b->cost; });
    for (const RowTestPtr& test : tests_) cost += test->cost;
  }
  // The tests of an AND within an AND become tests of the outer one, so that the cheap ones of all come first.
  std::vector<RowTestPtr>* tests_of_all() override { return any_ ? nullptr : &tests_; }
  ChunkBits pass(std::size_t chunk, const ChunkBits& in) const override {
    ChunkBits bits = in;
    keep(chunk, {&bits, 1});
    return bits;
  }
  void keep(std::size_t chunk, std::span<ChunkBits> run) const override {
    if (tests_.empty()) return;
    if (!any_) {
      for (const RowTestPtr& test : tests_) test->keep(chunk, run);
      return;
    }
    Run left = copy_of(run);  // not passed yet
    for (const RowTestPtr& test : tests_) {
      Run passed = left;
      test->keep(chunk, std::span(passed).first(run.size()));
      for (std::size_t i = 0; i < run.size(); ++i) left[i] = without(left[i], passed[i]);
    }
    for (std::size_t i = 0; i < run.size(); ++i) run[i] = without(run[i], left[i]);
  }

 private:
  bool any_;
  std::vector<RowTestPtr> tests_;
};

template <class One>
class LookUpTest final : public PerRow<One> {
 public:
  LookUpTest(const Image& image, int cost, LookUp table, One one)
      : PerRow<One>(image.rows(), cost, std::move(one)), table_(std::move(table)) {}
  const LookUp* look_up() const override { return &table_; }

 private:
  LookUp table_;
};

}  // namespace

void RowTest::keep(std::size_t chunk, std::span<ChunkBits> run) const {
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (!none(run[i])) run[i] = pass(chunk + i, run[i]);
  }
}

RowTestPtr look_up_test(const Image& image, LookUp table) {
  const auto make = [&](int cost, auto one) -> RowTestPtr {
    return std::make_unique<LookUpTest<decltype(one)>>(image, cost, std::move(table), std::move(one));
  };
  auto passes = table.passes;
  if (table.cells == nullptr)
    return make(2, [passes = std::move(passes), column = table.numbers](Row row) { return passes[column[row]] != 0; });
  return make(1, [passes = std::move(passes), column = table.cells](Row row) { return passes[column[row]] != 0; });
}

RowTestPtr negated(const Image& image, RowTestPtr test) {
  if (test->look_up() == nullptr) return std::make_unique<Not>(std::move(test));
  LookUp table = *test->look_up();
  for (auto& passes : table.passes) passes ^= 1;
  return look_up_test(image, std::move(table));
}

// One test a column instead of many; a group of nothing else is a table itself, for the group around it.
RowTestPtr group_of(const Image& image, bool any, std::vector<RowTestPtr> tests) {
  std::vector<LookUp> tables;
  std::vector<RowTestPtr> merged;
  for (RowTestPtr& test : tests) {
    const LookUp* of = test->look_up();
    if (of == nullptr) {
      merged.push_back(std::move(test));
      continue;
    }
    const auto same = std::find_if(tables.begin(), tables.end(), [&](const LookUp& table) {
      // Their sizes too: the columns of an image without tasks all lie nowhere.
      return table.cells == of->cells && table.numbers == of->numbers && table.passes.size() == of->passes.size();
    });
    if (same == tables.end()) {
      tables.push_back(*of);
      continue;
    }
    for (std::size_t i = 0; i < same->passes.size(); ++i)
      same->passes[i] = any ? same->passes[i] | of->passes[i] : same->passes[i] & of->passes[i];
  }
  for (LookUp& table : tables) merged.push_back(look_up_test(image, std::move(table)));
  if (merged.size() == 1) return std::move(merged[0]);
  return std::make_unique<Group>(any, std::move(merged));
}

RowTestPtr all_of(std::vector<RowTestPtr> tests) { return std::make_unique<Group>(false, std::move(tests)); }

}  // namespace taskledger::projections
