#include "projections/list/list_query.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <vector>

#include "projections/list/condition_scan.h"
#include "projections/list/order_walk.h"
#include "projections/list/title_tests.h"
#include "projections/list/top_rows.h"

namespace taskledger::projections {

namespace {

constexpr std::uint64_t kQuick = 8192;  // rows that may be filtered or sorted one by one on an io thread
constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();  // so many rows on a worker
constexpr std::uint32_t kSortAtOnce = 20'000;  // tasks up to which a missing order is built by who needs it

// A query, bound to an image: the sequence by due time that holds all matches, and what must still be tested.
struct Bound {
  bool nothing = false;  // an unknown user or entity
  CellSet set;
  bool ranged = false;  // a mode that is a range of due times
  std::int64_t due_low = std::numeric_limits<std::int64_t>::min(), due_high = kNoTime - 1;  // both included
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> entity;
  const OrderTree* tree = nullptr;
  bool test_user = false, test_link = false;  // not implied by `tree`
  std::optional<EntityType> link_type;        // of the link to `entity`
  OrderTree::Place low, high, nulls, end;     // in `tree`

  [[nodiscard]] bool residual() const { return test_user || test_link; }
  [[nodiscard]] bool passes(const Image& image, Row row) const {
    if (test_user && image.assignee[row] != *user) return false;
    if (!test_link) return true;
    for (const PackedLink link : image.links[row]) {
      if (entity_of(link) == *entity && (!link_type || type_of(link) == *link_type)) return true;
    }
    return false;
  }
};

void bind_mode(Bound& bound, FacetFilter& facets, const ListQuery& query) {
  switch (query.mode) {
    case Mode::all:
      return;
    case Mode::completed:
      facets.completed = true;
      return;
    case Mode::today:
      bound.due_low = query.today.begin.ms;
      bound.due_high = query.today.end.ms - 1;
      break;
    case Mode::overdue:
      bound.due_high = query.now.ms - 1;
      break;
    case Mode::upcoming:
      bound.due_low = query.now.ms;
      break;
  }
  bound.ranged = true;
  facets.completed = false;
}

void bind_entity(Bound& bound, FacetFilter& facets, const Image& image, const ListQuery& query) {
  if (!query.linked_entity_id) {
    facets.link_type = query.linked_entity_type;
    return;
  }
  bound.entity = image.entity_number(query.linked_entity_id->value);
  if (!bound.entity) {
    bound.nothing = true;
    return;
  }
  const Entity& entity = image.entities[*bound.entity];
  bound.test_link = true;
  if (query.linked_entity_type) {
    const std::uint32_t of_type = entity.links[static_cast<std::size_t>(*query.linked_entity_type)];
    if (of_type == 0) bound.nothing = true;
    if (of_type != entity.links[1] + entity.links[2] + entity.links[3]) bound.link_type = query.linked_entity_type;
  }
  if (entity.by_due.size() <= bound.tree->size()) {
    bound.tree = &entity.by_due;
    bound.test_user = bound.user.has_value();
    bound.test_link = bound.link_type.has_value();
  }
}

Bound bind(const Image& image, const ListQuery& query) {
  Bound bound;
  FacetFilter facets{.completed = {}, .priority = query.priority, .action_type = query.action_type, .link_type = {}};
  bind_mode(bound, facets, query);
  bound.tree = &image.by_due;
  if (query.assigned_to) {
    bound.user = image.user_number(query.assigned_to->value);
    bound.nothing = !bound.user;
    if (bound.user) bound.tree = &image.of_user[*bound.user].by_due;
  }
  bind_entity(bound, facets, image, query);
  bound.set = CellSet(facets);
  const OrderTree& tree = *bound.tree;
  bound.end = tree.end();
  if (bound.ranged) {
    bound.low =
        bound.due_low == std::numeric_limits<std::int64_t>::min() ? tree.begin() : not_before(tree, bound.due_low);
    bound.high = not_before(tree, bound.due_high + 1);
    bound.nulls = bound.end;
  } else {
    bound.low = tree.begin();
    bound.high = bound.nulls = not_before(tree, kNoTime);
  }
  return bound;
}

// The page's rows, one more than wanted when there are more.
using Rows = std::vector<Row>;

std::optional<Cursor> cursor_of(const ListQuery& query) {
  if (!query.after) return std::nullopt;
  return Cursor{key_value(query.after->values.at(0), query.order[0].field), query.after->id.value};
}

// The part of the first key's order that matches can lie in, where the query itself fixes the key's value.
template <class Key>
WalkRange range_of(const OrderTree& tree, const Key& key, const ListQuery& query) {
  const SortKey& first = query.order[0];
  WalkRange range{tree.begin(), first_null(tree, key), {}, tree.end()};
  range.nulls = range.high;
  std::optional<SortValue> fixed;
  if (first.field == Field::priority && query.priority) fixed = static_cast<std::int64_t>(*query.priority);
  if (first.field == Field::action_type && query.action_type) fixed = static_cast<std::int64_t>(*query.action_type);
  if (first.field == Field::is_completed && query.mode != Mode::all)
    fixed = std::int64_t{query.mode == Mode::completed};
  if (first.field == Field::assigned_to_id && query.assigned_to) {
    fixed = std::string(query.assigned_to->value.bytes.begin(), query.assigned_to->value.bytes.end());
  }
  if (fixed) {
    const KeyValue value = key_value(*fixed, first.field);
    range.low = not_less(tree, key, value);
    range.high = greater(tree, key, value);
    range.nulls = range.end;
  }
  if (first.field == Field::completed_at && query.mode != Mode::all) {
    (query.mode == Mode::completed ? range.nulls : range.low) = query.mode == Mode::completed ? range.end : range.high;
  }
  return range;
}

// Walks the order of the first key, taking rows that `match`; nullopt when that took more than `budget` steps, or the
// order of a large workspace is not there yet: it is asked for, and serves those who come after. With
// several keys all matches of a value of the first are gathered before the walk may end, and sorted by the others.
template <class Match>
std::optional<Rows> walk_order(const Image& image, const ListQuery& query, const RowOrder& order, std::uint64_t budget,
                               const Match& match) {
  const SortKey& first = query.order[0];
  const std::size_t wanted = query.limit + 1;
  const bool single = query.order.size() == 1;
  if (!image.has_order(first.field) && image.tasks() > kSortAtOnce) {
    image.want_order(first.field);
    return std::nullopt;
  }
  const OrderTree& tree = image.ensure_order(first.field);
  return with_key(image, first.field, [&](const auto& key) -> std::optional<Rows> {
    auto cursor = cursor_of(query);
    if (cursor) cursor->whole_group = !single;
    Rows rows;
    bool spent = false;
    const auto take = [&](Row row) {
      if (budget-- == 0) {
        spent = true;
        return false;
      }
      if (!match(row)) return true;
      if (!single && rows.size() >= wanted && key.compare(rows.back(), row) != 0) return false;
      if (single || !order.has_cursor() || order.past_cursor(row)) rows.push_back(row);
      return !single || rows.size() < wanted;
    };
    const OrderWalk walk(image, tree, key, nullptr);
    walk.run(range_of(tree, key, query), first.descending, cursor ? &*cursor : nullptr, take);
    if (spent) return std::nullopt;
    if (!single) {
      const std::size_t kept = std::min(wanted, rows.size());
      std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kept), rows.end(),
                        [&](Row a, Row b) { return order.before(a, b); });
      rows.resize(kept);
    }
    return rows;
  });
}

// The page in due order, from the sequence itself.
Rows walk_due(const Image& image, const ListQuery& query, const Bound& bound) {
  const TimeKey key{image.due.data()};
  OrderWalk walk(image, *bound.tree, key, &bound.set);
  const auto cursor = cursor_of(query);
  Rows rows;
  walk.run({bound.low, bound.high, bound.nulls, bound.end}, query.order[0].descending, cursor ? &*cursor : nullptr,
           [&](Row row) {
             rows.push_back(row);
             return rows.size() <= query.limit;
           });
  return rows;
}

// All rows of the bound sequence that match its facets and what must still be tested.
template <class Visit>
void each_match(const Image& image, const Bound& bound, const Visit& visit) {
  const auto tested = [&](Row row) {
    if (bound.passes(image, row)) visit(row);
    return true;
  };
  bound.tree->each(bound.low, bound.high, bound.set, image.cell.data(), tested);
  bound.tree->each(bound.nulls, bound.end, bound.set, image.cell.data(), tested);
}

bool in_due_order(const ListQuery& query) { return query.order.size() == 1 && query.order[0].field == Field::due_date; }

// Whether a walk over the order is expected to be cheaper than looking at all `total` matches, and for how many steps,
// up to `most`, it is worth trying: matches may lie unevenly in the order.
std::optional<std::uint64_t> walk_budget(const Image& image, const ListQuery& query, std::uint64_t total,
                                         std::uint64_t most) {
  const std::uint64_t expected = (query.limit + 1) * std::uint64_t{image.tasks()} / std::max<std::uint64_t>(total, 1);
  if (expected > std::min(total, most)) return std::nullopt;
  return std::min(std::max(8 * expected, total / 8) + 64, most);
}

// `pick` takes them from all matches, where walking the order is not, or turns out not to be, the cheaper way. nullopt:
// `most` rows do not do for either.
template <class Match, class Pick>
std::optional<Rows> page_rows(const Image& image, const ListQuery& query, const RowOrder& order, std::uint64_t total,
                              std::uint64_t most, const Match& match, const Pick& pick) {
  if (const auto budget = walk_budget(image, query, total, most)) {
    if (auto rows = walk_order(image, query, order, *budget, match)) return rows;
  }
  return total <= most ? std::optional<Rows>(pick()) : std::nullopt;
}

ListPage page_of(const Image& image, const ListQuery& query, const RowOrder& order, std::uint64_t total, Rows rows,
                 RenderedRowsPtr& rendered) {
  ListPage page;
  page.total = total;
  if (rows.size() > query.limit) {
    rows.resize(query.limit);
    page.next = order.position_of(rows.back());
  }
  rendered = RenderedRows::of(image, rows, rendered);
  page.rows = {rendered, &rendered->json()};
  return page;
}

// The first `limit` of the rows in `bits`; many are shared with threads that are free.
Rows top_of(const RowOrder& order, std::size_t limit, const Bits& bits) {
  constexpr std::size_t kPart = 1'024;  // words
  const std::size_t parts = (bits.size() + kPart - 1) / kPart;
  return top_rows(order, limit, parts, [&](std::size_t part, const auto& offer) {
    const std::size_t end = std::min(bits.size(), (part + 1) * kPart);
    for (std::size_t word = part * kPart; word < end; ++word) {
      for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
        offer(static_cast<Row>(word * 64 + static_cast<std::size_t>(std::countr_zero(left))));
      }
    }
  });
}

std::optional<ListPage> answer_facets(const Image& image, const ListQuery& query, const Bound& bound,
                                      std::uint64_t most, RenderedRowsPtr& rendered) {
  const RowOrder order(image, query.order, query.after);
  std::uint64_t total = 0;
  if (bound.residual()) {
    each_match(image, bound, [&](Row) { ++total; });
  } else {
    total = bound.tree->count(bound.low, bound.high, bound.set, image.cell.data());
    if (bound.nulls != bound.end) total += bound.tree->count(bound.nulls, bound.end, bound.set, image.cell.data());
  }
  if (total == 0) return ListPage{};
  if (!bound.residual() && in_due_order(query))
    return page_of(image, query, order, total, walk_due(image, query, bound), rendered);
  const auto match = [&](Row row) {
    if (!bound.set.has(image.cell[row])) return false;
    if (bound.ranged && (image.due[row] < bound.due_low || image.due[row] > bound.due_high)) return false;
    if (bound.user && image.assignee[row] != *bound.user) return false;
    if (!bound.entity) return true;
    for (const PackedLink link : image.links[row]) {
      if (entity_of(link) == *bound.entity && (!bound.link_type || type_of(link) == *bound.link_type)) return true;
    }
    return false;
  };
  const auto pick = [&] {
    if (total < image.tasks() / 64) {
      return top_rows(order, query.limit + 1, 1,
                      [&](std::size_t, const auto& offer) { each_match(image, bound, offer); });
    }
    Bits bits(image.live.size());  // by row number: columns are then read in order
    each_match(image, bound, [&](Row row) { bits[row / 64] |= std::uint64_t{1} << (row % 64); });
    return top_of(order, query.limit + 1, bits);
  };
  auto rows = page_rows(image, query, order, total, most, match, pick);
  if (!rows) return std::nullopt;
  return page_of(image, query, order, total, *std::move(rows), rendered);
}

// All live rows as bits, and the tests that are left to do for what `bound` says of columns.
std::vector<RowTestPtr> start_from_all(const Image& image, const Bound& bound, Bits& bits) {
  std::vector<RowTestPtr> tests;
  bits.assign(image.live.data(), image.live.data() + image.live.size());
  if (!bound.set.all()) tests.push_back(cells_test(image, bound.set));
  if (bound.ranged) tests.push_back(time_test(image.due, bound.due_low, bound.due_high));
  if (bound.user) tests.push_back(user_test(image, image.assignee, *bound.user));
  if (bound.entity) tests.push_back(link_test(image, *bound.entity, bound.link_type));
  return tests;
}

// Keeps of `bits` the rows that pass the tests, the filters and the search; returns how many.
std::uint64_t keep_matches(const Image& image, const ListQuery& query, std::vector<RowTestPtr> tests, Bits& bits) {
  if (query.filters) tests.push_back(filter_test(image, *query.filters));
  for (const std::string& word : query.search) tests.push_back(contains_test(image, word));
  return keep_passing(*all_of(std::move(tests)), bits);
}

// Filters and search: candidates as bits, then column by column.
std::optional<ListPage> answer_scan(const Image& image, const ListQuery& query, const Bound& bound, std::uint64_t most,
                                    RenderedRowsPtr& rendered) {
  const RowOrder order(image, query.order, query.after);
  Bits bits;
  std::vector<RowTestPtr> tests;
  if (bound.tree->size() < image.tasks() / 2) {
    bits.resize(image.live.size());
    Bound untested = bound;
    untested.test_user = untested.test_link = false;
    each_match(image, untested, [&](Row row) { bits[row / 64] |= std::uint64_t{1} << (row % 64); });
    if (bound.test_user) tests.push_back(user_test(image, image.assignee, *bound.user));
    if (bound.test_link) tests.push_back(link_test(image, *bound.entity, bound.link_type));
  } else {
    tests = start_from_all(image, bound, bits);
  }
  const std::uint64_t total = keep_matches(image, query, std::move(tests), bits);
  if (total == 0) return ListPage{};
  const auto match = [&](Row row) { return (bits[row / 64] >> (row % 64) & 1) != 0; };
  const auto pick = [&] { return top_of(order, query.limit + 1, bits); };
  auto rows = page_rows(image, query, order, total, most, match, pick);
  if (!rows) return std::nullopt;
  return page_of(image, query, order, total, *std::move(rows), rendered);
}

// `bind` without sequences.
Bound bind_columns(const Image& image, const ListQuery& query) {
  Bound bound;
  FacetFilter facets{.completed = {}, .priority = query.priority, .action_type = query.action_type, .link_type = {}};
  bind_mode(bound, facets, query);
  if (query.assigned_to) bound.user = image.user_number(query.assigned_to->value);
  if (query.linked_entity_id) bound.entity = image.entity_number(query.linked_entity_id->value);
  bound.nothing = (query.assigned_to && !bound.user) || (query.linked_entity_id && !bound.entity);
  (bound.entity ? bound.link_type : facets.link_type) = query.linked_entity_type;
  bound.set = CellSet(facets);
  return bound;
}

std::size_t conditions_of(const FilterGroup& group) {
  std::size_t count = 0;
  for (const FilterNode& child : group.children) {
    const auto* inner = std::get_if<std::unique_ptr<FilterGroup>>(&child);
    count += inner ? conditions_of(**inner) : 1;
  }
  return count;
}

// How often a row is looked at, in looks that cost as much as a row of a short filter.
std::size_t looks_at(const ListQuery& query) {
  const std::size_t conditions = query.search.size() + (query.filters ? conditions_of(*query.filters) : 0);
  return 1 + conditions / 4;
}

bool scans(const ListQuery& query) { return query.filters.has_value() || !query.search.empty(); }

// nullopt: it takes looking at more than `most` rows one by one.
std::optional<ListPage> answer(const Image& image, const ListQuery& query, const Bound& bound, std::uint64_t most,
                               RenderedRowsPtr& rendered) {
  const bool by_columns = scans(query) || (bound.residual() && bound.tree->size() > kQuick);
  return by_columns ? answer_scan(image, query, bound, most, rendered)
                    : answer_facets(image, query, bound, most, rendered);
}

Validity validity_of(const Image& image, const ListQuery& query, const Bound& bound) {
  Validity validity;
  validity.changed = *changed_for(image, query);
  if (query.mode != Mode::overdue && query.mode != Mode::upcoming) return validity;
  validity.limit_to_due_times_around(image, *bound.tree, query.mode == Mode::upcoming ? bound.low : bound.high);
  return validity;
}

}  // namespace

std::optional<std::uint64_t> changed_for(const Image& image, const ListQuery& query) {
  if (query.assigned_to) {
    const auto user = image.user_number(query.assigned_to->value);
    return user ? std::optional(image.of_user[*user].changed) : std::nullopt;
  }
  if (query.linked_entity_id) {
    const Entity* entity = image.entity(query.linked_entity_id->value);
    return entity != nullptr ? std::optional(entity->changed) : std::nullopt;
  }
  return image.changed();
}

ListPage answer_list(const Image& image, const ListQuery& query, Validity& validity, RenderedRowsPtr& rows) {
  const Bound bound = bind(image, query);
  if (bound.nothing) return {};
  validity = validity_of(image, query, bound);
  return *answer(image, query, bound, kAny, rows);
}

std::optional<ListPage> answer_list_at_once(const Image& image, const ListQuery& query, Validity& validity,
                                            RenderedRowsPtr& rows) {
  const Bound bound = bind(image, query);
  if (bound.nothing) return ListPage{};
  if (!image.has_order(query.order[0].field)) return std::nullopt;
  const bool may_collect = scans(query) || bound.residual() || query.order.size() > 1;
  if (may_collect && bound.tree->size() * looks_at(query) > kQuick) return std::nullopt;
  validity = validity_of(image, query, bound);
  return answer(image, query, bound, kQuick, rows);
}

std::vector<Row> rows_from_columns(const Image& image, const ListQuery& query, std::uint64_t& total) {
  const Bound bound = bind_columns(image, query);
  total = 0;
  if (bound.nothing) return {};
  Bits bits;
  auto tests = start_from_all(image, bound, bits);
  total = keep_matches(image, query, std::move(tests), bits);
  if (total == 0) return {};
  const std::uint64_t wanted = std::min(std::uint64_t{query.limit} + 1, total);
  return top_of(RowOrder(image, query.order, query.after), wanted, bits);
}

ListPage answer_list_from_columns(const Image& image, const ListQuery& query) {
  std::uint64_t total = 0;
  Rows rows = rows_from_columns(image, query, total);
  RenderedRowsPtr rendered;
  return page_of(image, query, RowOrder(image, query.order, query.after), total, std::move(rows), rendered);
}

}  // namespace taskledger::projections
