// Image: columns alone, for images that are scanned and never walked.
#include "projections/image/image_change.h"

namespace taskledger::projections {

Row Image::store(const Task& task, std::optional<Row> row) {
  columns_only_ = true;
  const std::uint64_t bit = task.lifecycle == Lifecycle::live ? 1 : 0;
  Change change;
  change.new_assignee = task.fields.assigned_to ? intern_user(task.fields.assigned_to->value) : kNoUser;
  change.new_cell = cell_of(facets_of(task));
  if (row) {
    compare(*row, task, change);
  } else {
    change.fresh = true;
    row = allocate();
    id[*row] = task.id.value;
    index_row(*row);
  }
  live[*row / 64] = (live[*row / 64] & ~(std::uint64_t{1} << (*row % 64))) | bit << (*row % 64);
  write(*row, task, change);
  return *row;
}

void Image::append_rows(const Image& from, std::span<const Row> copied) {
  columns_only_ = true;
  const Row first = rows();
  id.append(from.id, copied), due.append(from.due, copied), created.append(from.created, copied);
  updated.append(from.updated, copied), completed.append(from.completed, copied);
  version.append(from.version, copied), assignee.append(from.assignee, copied);
  created_by.append(from.created_by, copied), completed_by.append(from.completed_by, copied);
  cell.append(from.cell, copied), plain.append(from.plain, copied), title_key.append(from.title_key, copied);
  title_pairs.append(from.title_pairs, copied);
  title.append(first, from.title, copied), folded.append(first, from.folded, copied);
  links.append(first, from.links, copied);
  live.resize((rows() + 63) / 64);
  for (std::size_t i = 0; i < copied.size(); ++i) {
    const Row row = first + static_cast<Row>(i);
    live[row / 64] |= std::uint64_t{from.is_live(copied[i])} << (row % 64);
  }
}

bool Image::append_names(const Image& from, std::size_t limit) {
  entity_index_.reserve(from.entities.size(), [this](std::uint32_t at) -> const Uuid& { return entities[at].id; });
  for (; limit > 0 && users.size() < from.users.size(); --limit) intern_user(from.users[users.size()].id);
  for (; limit > 0 && entities.size() < from.entities.size(); --limit) intern_entity(from.entities[entities.size()].id);
  return users.size() == from.users.size() && entities.size() == from.entities.size();
}

void Image::index_row(Row row) {
  row_index_.insert(row, [this](Row at) -> const Uuid& { return id[at]; });
}

Row Image::append_unknown(const Uuid& task) {
  columns_only_ = true;
  const Row row = allocate();
  id[row] = task;
  index_row(row);
  return row;
}

}  // namespace taskledger::projections
