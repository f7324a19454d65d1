#include "projections/rebuild/fresh_generations.h"

#include <algorithm>
#include <optional>

namespace taskledger::projections {

FreshGenerations::~FreshGenerations() {
  for (const auto& [name, generation] : made_) views_.drop(name, generation);
}

Result<void, storage::ReadError> FreshGenerations::load(const std::vector<std::string>& names, const FoldedLog& folded,
                                                        const storage::EventLog& log, Team& team) {
  for (const std::string& name : names) {
    const auto begun = views_.begin_generation(name);
    if (!begun) return begun.error();
    made_.emplace_back(name, *begun);
  }
  struct Part {
    std::string name;
    std::uint64_t generation;
    std::function<RowSource()> rows;
    std::optional<storage::ReadError> failed;
  };
  std::vector<Part> parts;
  for (const auto& [name, generation] : made_) {
    for (const auto& rows : folded.parts(name)) parts.push_back({name, generation, rows, {}});
  }
  // Notifications, of which there may be more than of all else, come last in the names and first here.
  std::reverse(parts.begin(), parts.end());
  team.run(parts.size(), [&](std::size_t at) {
    Part& part = parts[at];
    if (auto loaded = views_.bulk_load(part.name, part.generation, part.rows()); !loaded) part.failed = loaded.error();
  });
  for (const Part& part : parts) {
    if (part.failed) return *part.failed;
  }
  const auto hash = log.hash_at(folded.position());
  if (!hash) return hash.error();
  if (!*hash) return storage::ReadError{"the log ends before its own head"};
  std::vector<storage::ViewStore::TableWrite> no_rows;
  for (const auto& [name, generation] : made_) no_rows.push_back({name, generation, {}});
  return views_.write(no_rows, {folded.position(), **hash});
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
