#include "projections/rebuild/check.h"

#include <fmt/core.h>

#include <algorithm>

#include "projections/list/list_row.h"

namespace taskledger::projections {

namespace {

constexpr std::size_t kShown = 10;
constexpr Row kRowsAtOnce = 128;  // of an image, while a writer may wait

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Of what a row is, for people.
std::string name_of_row(const std::string& projection, std::string_view key) {
  if (projection == kListProjection && key.size() == 20) {
    Uuid id;
    std::copy_n(key.data() + 4, 16, reinterpret_cast<char*>(id.bytes.data()));
    return fmt::format("list: the row of task {}", to_string(id));
  }
  return fmt::format("{}: row {}", projection, hex(key));
}

}  // namespace

void Compared::differ(std::string what) {
  ++differences;
  if (first.size() < kShown) first.push_back(std::move(what));
}

Result<void, storage::ReadError> compare_rows(const storage::ViewStore& views, const std::string& projection,
                                              std::uint64_t generation, const FoldedLog& folded, Compared& compared) {
  const RowSource wanted = folded.rows(projection);
  std::string key, value;
  bool more = wanted(key, value);
  const auto visit = [&](std::string_view held_key, std::string_view held) {
    for (; more && key < held_key; more = wanted(key, value))
      compared.differ(name_of_row(projection, key) + " is missing");
    if (!more || held_key < key) {
      compared.differ(name_of_row(projection, held_key) + " should not be there");
      return true;
    }
    ++compared.rows;
    if (held != value) compared.differ(name_of_row(projection, key) + " is not what the log says");
    more = wanted(key, value);
    return true;
  };
  if (auto scanned = views.scan(projection, generation, "", "", visit); !scanned) return scanned;
  for (; more; more = wanted(key, value)) compared.differ(name_of_row(projection, key) + " is missing");
  return {};
}

void compare_image(WorkspaceImage& workspace, const FoldedLog& folded, Compared& compared) {
  const auto differ = [&](const Uuid& id, std::string_view what) {
    compared.differ(fmt::format("list: task {} in memory {}", to_string(id), what));
  };
  for (Row from = 0;; from += kRowsAtOnce) {
    const std::shared_lock lock(workspace.lock);
    if (workspace.image == nullptr) return;
    const Image& image = *workspace.image;
    if (from >= image.rows()) break;
    for (Row row = from; row < std::min(image.rows(), from + kRowsAtOnce); ++row) {
      if (!image.is_live(row) || image.dirty.contains(image.id[row])) continue;
      const auto wanted = folded.list_row(workspace.number, image.id[row]);
      ++compared.rows;
      if (!wanted) {
        differ(image.id[row], "should not be there");
      } else if (list_value(image.task(row)) != *wanted) {
        differ(image.id[row], "is not what the log says");
      }
    }
  }
  const std::shared_lock lock(workspace.lock);
  if (workspace.image == nullptr) return;
  const Image& image = *workspace.image;
  std::int64_t tasks = image.tasks();
  for (const auto& [id, before] : image.dirty.in_turn()) tasks += int{before.present} - int{image.find(id).has_value()};
  if (tasks != static_cast<std::int64_t>(folded.tasks(workspace.number)))
    compared.differ(fmt::format("list: workspace {} has {} tasks in memory, the log {}", workspace.number.value, tasks,
                                folded.tasks(workspace.number)));
}

Result<Compared, storage::ReadError> check_generations(const storage::EventLog& log, const storage::ViewStore& views,
                                                       const std::vector<std::string>& names, Team& team,
                                                       const FoldProgress& progress) {
  Compared compared;
  std::vector<std::pair<Position, std::string>> at;
  for (const std::string& name : names) {
    const auto checkpoint = views.checkpoint(name, views.generation(name));
    if (!checkpoint) return checkpoint.error();
    if (!*checkpoint) continue;  // never built: the next start does it
    const auto hash = log.hash_at((*checkpoint)->position);
    if (!hash) return hash.error();
    if (!*hash || **hash != (*checkpoint)->hash) {
      compared.differ(
          fmt::format("{}: its checkpoint at position {} is not one of this log", name, (*checkpoint)->position.value));
      continue;
    }
    at.emplace_back((*checkpoint)->position, name);
  }
  std::sort(at.begin(), at.end());
  FoldedLog folded(team);
  for (const auto& [position, name] : at) {
    if (auto read = folded.fold(log, position, progress); !read) return read.error();
    folded.sort();
    if (auto read = compare_rows(views, name, views.generation(name), folded, compared); !read) return read.error();
  }
  return compared;
}

}  // namespace taskledger::projections
