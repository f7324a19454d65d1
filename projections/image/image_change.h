// What an image's own sources share.
#pragma once

#include "projections/image/image.h"

namespace taskledger::projections {

[[nodiscard]] inline std::int64_t ms_or_none(const std::optional<Timestamp>& time) { return time ? time->ms : kNoTime; }

// The distinct entities of a row's links: those not named by an earlier link.
template <class Fn>
void each_entity(std::span<const PackedLink> links, const Fn& fn) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    bool seen = false;
    for (std::size_t j = 0; j < i && !seen; ++j) seen = entity_of(links[j]) == entity_of(links[i]);
    if (!seen) fn(entity_of(links[i]));
  }
}

// What of a row changes, and so which sequences it leaves and joins.
struct Image::Change {
  bool fresh = false;  // it joins all (or, removed, leaves all)
  bool due = false, assignee = false, completed = false, links = false, title = false, cell = false, updated = false,
       created = false;
  std::uint32_t new_assignee = kNoUser;
  std::uint16_t new_cell = 0;

  [[nodiscard]] bool touches(Field field) const {
    if (fresh) return true;
    switch (field) {
      case Field::title:
        return title;
      case Field::assigned_to_id:
        return assignee;
      case Field::created_at:
        return created;
      case Field::updated_at:
        return updated;
      case Field::completed_at:
        return completed;
      default:
        return cell;  // priority, action type, completion
    }
  }
};

}  // namespace taskledger::projections
