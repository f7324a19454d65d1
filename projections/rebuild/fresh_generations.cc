#include "projections/rebuild/fresh_generations.h"

#include <algorithm>
#include <optional>

namespace taskledger::projections {

FreshGenerations::~FreshGenerations() {
  for (const auto& [name, generation] : made_) views_.drop(name, generation);
}

Result<void, storage::ReadError> FreshGenerations::load(const std::vector<std::string>& names, const FoldedLog& folded,
                                                        const storage::EventLog& log, Team& team) {
  std::vector<storage::ViewStore::TableWrite> none;
  for (const std::string& name : names) {
    const auto begun = views_.begin_generation(name);
    if (!begun) return begun.error();
    made_.emplace_back(name, *begun);
  }
  std::vector<std::optional<storage::ReadError>> failed(made_.size());
  // `list` is the largest and comes first; the others are loaded beside it.
  team.run(made_.size(), [&](std::size_t at) {
    const auto& [name, generation] = made_[at];
    if (auto loaded = views_.bulk_load(name, generation, folded.rows(name)); !loaded) failed[at] = loaded.error();
  });
  for (const auto& one : failed) {
    if (one) return *one;
  }
  const auto hash = log.hash_at(folded.position());
  if (!hash) return hash.error();
  if (!*hash) return storage::ReadError{"the log ends before its own head"};
  for (const auto& [name, generation] : made_) none.push_back({name, generation, {}});
  return views_.write(none, {folded.position(), **hash});
}

std::uint64_t FreshGenerations::generation(std::string_view projection) const {
  for (const auto& [name, generation] : made_) {
    if (name == projection) return generation;
  }
  return 0;
}

Result<std::vector<std::pair<std::string, std::uint64_t>>, storage::ReadError> FreshGenerations::activate(
    const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::uint64_t>> fresh, old;
  for (const std::string& name : names) {
    fresh.emplace_back(name, generation(name));
    old.emplace_back(name, views_.generation(name));
  }
  if (auto activated = views_.activate(fresh); !activated) return activated.error();
  std::erase_if(made_, [&](const auto& one) { return std::find(fresh.begin(), fresh.end(), one) != fresh.end(); });
  return old;
}

Result<void, storage::ReadError> build_generations(const storage::EventLog& log, storage::ViewStore& views,
                                                   const std::vector<std::string>& names, Position to, Team& team,
                                                   const FoldProgress& progress) {
  FoldedLog folded(team);
  if (auto read = folded.fold(log, to, progress); !read) return read;
  folded.sort();
  FreshGenerations fresh(views);
  if (auto loaded = fresh.load(names, folded, log, team); !loaded) return loaded;
  const auto old = fresh.activate(names);
  if (!old) return old.error();
  for (const auto& [name, generation] : *old) views.drop(name, generation);
  return {};
}

}  // namespace taskledger::projections
