#include "projections/workspaces.h"

#include <fmt/core.h>

#include <algorithm>

#include "projections/image_loader.h"
#include "projections/list/list_row.h"

namespace taskledger::projections {

WorkspaceImage& Workspaces::at(WorkspaceNumber number) {
  if (WorkspaceImage* found = find(number)) return *found;
  const std::unique_lock lock(mutex_);
  auto& slot = workspaces_[number];
  if (slot == nullptr) slot = std::make_unique<WorkspaceImage>(number);
  return *slot;
}

WorkspaceImage* Workspaces::find(WorkspaceNumber number) const {
  const std::shared_lock lock(mutex_);
  const auto found = workspaces_.find(number);
  return found == workspaces_.end() ? nullptr : found->second.get();
}

std::vector<WorkspaceImage*> Workspaces::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<WorkspaceImage*> all;
  for (const auto& [number, workspace] : workspaces_) all.push_back(workspace.get());
  std::sort(all.begin(), all.end(),
            [](const WorkspaceImage* a, const WorkspaceImage* b) { return a->number < b->number; });
  return all;
}

Result<void, storage::ReadError> Workspaces::read_position(WorkspaceImage& workspace) {
  const auto row = views_.get(kListProjection, generation_, list_key(workspace.number));
  if (!row) return row.error();
  ListSummary summary;
  if (*row && !read_list_summary(**row, summary)) {
    return storage::ReadError{fmt::format("views: the summary row of workspace {} is damaged", workspace.number.value)};
  }
  workspace.position = workspace.persisted = summary.position.value;
  return {};
}

Result<void, storage::ReadError> Workspaces::load(WorkspaceImage& workspace) {
  const std::lock_guard loading(workspace.loading);
  while (!workspace.loaded) {
    const std::uint64_t generation = generation_;
    auto loaded = load_from(workspace, generation);
    // A generation that was replaced meanwhile may have been dropped under the scan: the next one is asked.
    if (!loaded && generation == generation_) return loaded;
  }
  return {};
}

Result<void, storage::ReadError> Workspaces::load_from(WorkspaceImage& workspace, std::uint64_t generation) {
  auto image = std::make_unique<Image>();
  ListSummary summary;
  const std::string from = list_key(workspace.number), to = list_key(workspace.number.next());
  const auto row = views_.get(kListProjection, generation, from);
  if (!row) return row.error();
  const bool damaged = *row && !read_list_summary(**row, summary);
  ImageLoader loader(*image, summary.tasks);
  const auto read = [&](std::string_view key, std::string_view value) {
    return key.size() == from.size() || loader.add(key, value);
  };
  if (!damaged) {
    if (auto scanned = views_.scan(kListProjection, generation, from, to, read); !scanned) return scanned;
  }
  if (damaged || !loader.finish()) {
    return storage::ReadError{fmt::format("views: row {} of workspace {} is damaged or rows are missing", loader.rows(),
                                          workspace.number.value)};
  }
  const std::unique_lock lock(workspace.lock);
  if (generation != generation_) return {};
  workspace.bytes = image->bytes();
  workspace.image = std::move(image);
  workspace.position = workspace.persisted = summary.position.value;
  workspace.last_used = uses_++;
  workspace.loaded = true;
  return {};
}

void Workspaces::measure(WorkspaceImage& workspace) {
  const std::shared_lock lock(workspace.lock);
  if (workspace.image != nullptr) workspace.bytes = workspace.image->bytes();
}

void Workspaces::evict(std::size_t bytes) {
  std::vector<WorkspaceImage*> loaded;
  std::size_t sum = 0;
  for (WorkspaceImage* workspace : all()) {
    if (!workspace->loaded) continue;
    loaded.push_back(workspace);
    sum += workspace->bytes;
  }
  std::vector<std::pair<std::uint64_t, WorkspaceImage*>> by_use;
  for (WorkspaceImage* workspace : loaded) by_use.emplace_back(workspace->last_used.load(), workspace);
  std::sort(by_use.begin(), by_use.end());
  for (const auto& [use, workspace] : by_use) {
    if (sum <= bytes || workspace == by_use.back().second) return;  // the one used last stays, whatever its size
    std::unique_ptr<Image> dropped;
    const std::lock_guard loading(workspace->loading);
    const std::unique_lock lock(workspace->lock);
    if (workspace->image == nullptr || !workspace->image->dirty.empty() || workspace->persisted != workspace->position)
      continue;
    dropped = std::move(workspace->image);
    workspace->loaded = false;
    sum -= workspace->bytes;
  }
}

std::vector<std::unique_ptr<Image>> Workspaces::take_over(Workspaces& other) {
  std::vector<std::unique_ptr<Image>> old;
  for (WorkspaceImage* theirs : other.all()) static_cast<void>(at(theirs->number));
  for (WorkspaceImage* mine : all()) {
    WorkspaceImage* theirs = other.find(mine->number);
    const std::unique_lock lock(mine->lock);
    old.push_back(std::move(mine->image));
    mine->loaded = false;
    if (theirs == nullptr || !theirs->loaded) continue;
    mine->image = std::move(theirs->image);
    mine->position = theirs->position.load();
    mine->persisted = theirs->persisted.load();
    mine->bytes = theirs->bytes.load();
    mine->loaded = true;
  }
  return old;
}

}  // namespace taskledger::projections
