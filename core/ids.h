// Identifiers and counters as distinct types, so that a task's id is never taken for a user's and a position in the
// log never for one in a workspace. All are plain values: copyable, ordered, hashable, free of allocation.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace taskledger {

// 16 bytes in the order they are written; any version is accepted, text output is lower case.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// Exactly 8-4-4-4-12 hexadecimal digits in any case, nothing around them; nullopt otherwise.
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text) noexcept;
// Appends the 36 characters of the lower-case form.
void append_uuid(std::string& out, const Uuid& uuid);
// Writes the 36 characters to `out`, which has room for them.
void write_uuid(char* out, const Uuid& uuid) noexcept;
[[nodiscard]] std::string to_string(const Uuid& uuid);
// RFC 9562 version 7: 48 bits of `unix_ms`, the rest from `random`.
[[nodiscard]] Uuid uuid_v7(std::int64_t unix_ms, const std::array<std::uint8_t, 10>& random) noexcept;
// RFC 9562 version 5: SHA-1 over namespace and name.
[[nodiscard]] Uuid uuid_v5(const Uuid& name_space, std::span<const std::uint8_t> name);

template <class Tag>
struct Id {
  Uuid value;
  friend auto operator<=>(const Id&, const Id&) = default;
};
using TaskId = Id<struct TaskTag>;
using UserId = Id<struct UserTag>;
using WorkspaceId = Id<struct WorkspaceTag>;
using EventId = Id<struct EventTag>;
using EntityId = Id<struct EntityTag>;
using TokenId = Id<struct TokenTag>;
template <class Tag>
[[nodiscard]] std::string to_string(const Id<Tag>& id) {
  return to_string(id.value);
}

// A counter that is not mixed with others. Zero means "none yet": everything counted starts at 1.
template <class Tag, class Rep>
struct Count {
  Rep value = 0;
  friend auto operator<=>(const Count&, const Count&) = default;
  [[nodiscard]] constexpr Count next() const { return {static_cast<Rep>(value + 1)}; }
};
using Position = Count<struct LogTag, std::uint64_t>;                   // in the whole log
using WorkspacePosition = Count<struct InWorkspaceTag, std::uint64_t>;  // in one workspace: the API's `position`
using Version = Count<struct VersionTag, std::uint32_t>;                // of one task: its number of events
using WorkspaceNumber =
    Count<struct WorkspaceNumberTag, std::uint32_t>;  // short name of a workspace inside one data directory

// Workspace 0 holds the system's own records (tokens, workspaces, webhooks, read marks).
inline constexpr WorkspaceNumber kSystemWorkspace{0};

// The id of a workspace is UUIDv5 of its name, so that an export imported under the same name is identical.
[[nodiscard]] WorkspaceId workspace_id_of(std::string_view name);
// The id of an event that was given none: UUIDv5 of workspace (as name space), task and version (big-endian, 4 bytes).
[[nodiscard]] EventId derived_event_id(const WorkspaceId& workspace, const TaskId& task, Version version);

}  // namespace taskledger

template <>
struct std::hash<taskledger::Uuid> {
  std::size_t operator()(const taskledger::Uuid& uuid) const noexcept {
    std::uint64_t high, low;
    std::memcpy(&high, uuid.bytes.data(), 8);
    std::memcpy(&low, uuid.bytes.data() + 8, 8);
    return static_cast<std::size_t>((high ^ (low >> 29)) * 0x9e3779b97f4a7c15ull ^ low * 0xc2b2ae3d27d4eb4full);
  }
};
template <class Tag>
struct std::hash<taskledger::Id<Tag>> {
  std::size_t operator()(const taskledger::Id<Tag>& id) const noexcept {
    return std::hash<taskledger::Uuid>{}(id.value);
  }
};
template <class Tag, class Rep>
struct std::hash<taskledger::Count<Tag, Rep>> {
  std::size_t operator()(const taskledger::Count<Tag, Rep>& count) const noexcept {
    return static_cast<std::size_t>(count.value * 0x9e3779b97f4a7c15ull);
  }
};
