#include "projections/directory.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "storage/missing_content.h"

namespace taskledger::projections {

namespace {

struct HashOfHash {
  std::size_t operator()(const TokenHash& hash) const noexcept {  // SHA-256: any eight bytes will do
    std::size_t value;
    std::memcpy(&value, hash.data(), sizeof value);
    return value;
  }
};

}  // namespace

struct Directory::State {
  mutable std::shared_mutex mutex;
  std::map<WorkspaceNumber, Workspace> workspaces;
  std::unordered_map<TokenHash, std::shared_ptr<const Token>, HashOfHash> by_hash;
  std::unordered_map<TokenId, std::shared_ptr<const Token>> by_id;
  std::map<std::uint64_t, std::shared_ptr<const Token>> in_order;  // by position: oldest first
  std::unordered_map<TokenId, std::uint64_t> made_at;
  std::atomic<std::uint64_t> generation{0};

  void add(Token token, Position position) {
    remove(token.id);  // a record seen twice
    auto shared = std::make_shared<const Token>(std::move(token));
    by_hash[shared->hash] = shared;
    made_at[shared->id] = position.value;
    in_order[position.value] = by_id[shared->id] = shared;
  }
  void remove(const TokenId& id) {
    const auto found = by_id.find(id);
    if (found == by_id.end()) return;
    by_hash.erase(found->second->hash);
    in_order.erase(made_at[id]);
    made_at.erase(id);
    by_id.erase(found);
  }
};

Directory::Directory() : state_(std::make_unique<State>()) {}
Directory::~Directory() = default;

Result<void, storage::ReadError> Directory::apply(const storage::Record& record) {
  if (record.workspace != kSystemWorkspace || record.type != storage::kSystemRecord) return {};
  if (!record.payload) return storage::content_is_gone(record.position);
  const auto event = parse_system_payload(*record.payload, record.stream, record.time);
  if (!event) {
    spdlog::error("position {}: system record cannot be read and is skipped: {}", record.position.value,
                  event.error().message);
    return {};
  }
  const std::unique_lock lock(state_->mutex);
  if (const auto* created = std::get_if<WorkspaceCreated>(&*event)) {
    state_->workspaces[created->number] = {created->number, {record.stream}, created->name};
  } else if (const auto* token = std::get_if<TokenCreated>(&*event)) {
    state_->add(token->token, record.position);
    state_->generation.fetch_add(1, std::memory_order_release);
  } else if (std::holds_alternative<TokenRevoked>(*event)) {
    state_->remove({record.stream});
    state_->generation.fetch_add(1, std::memory_order_release);
  }
  return {};
}

std::shared_ptr<const Token> Directory::token_by_hash(const TokenHash& hash) const {
  const std::shared_lock lock(state_->mutex);
  const auto found = state_->by_hash.find(hash);
  return found == state_->by_hash.end() ? nullptr : found->second;
}

std::vector<Token> Directory::tokens() const {
  const std::shared_lock lock(state_->mutex);
  std::vector<Token> tokens;
  for (const auto& [position, token] : state_->in_order) tokens.push_back(*token);
  return tokens;
}

std::vector<Token> Directory::tokens_of(WorkspaceNumber workspace) const {
  const std::shared_lock lock(state_->mutex);
  std::vector<Token> tokens;
  for (const auto& [position, token] : state_->in_order) {
    if (token->workspace == workspace) tokens.push_back(*token);
  }
  return tokens;
}

std::optional<Workspace> Directory::workspace(WorkspaceNumber number) const {
  const std::shared_lock lock(state_->mutex);
  const auto found = state_->workspaces.find(number);
  return found == state_->workspaces.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Workspace> Directory::workspace(const WorkspaceId& id) const {
  for (Workspace& workspace : workspaces()) {
    if (workspace.id == id) return std::move(workspace);
  }
  return std::nullopt;
}

std::optional<Workspace> Directory::workspace_named(std::string_view name) const {
  for (Workspace& workspace : workspaces()) {
    if (workspace.name == name) return std::move(workspace);
  }
  return std::nullopt;
}

std::vector<Workspace> Directory::workspaces() const {
  const std::shared_lock lock(state_->mutex);
  std::vector<Workspace> all;
  for (const auto& [number, workspace] : state_->workspaces) all.push_back(workspace);
  return all;
}

WorkspaceNumber Directory::next_workspace_number() const {
  const std::shared_lock lock(state_->mutex);
  return state_->workspaces.empty() ? WorkspaceNumber{1} : state_->workspaces.rbegin()->first.next();
}

std::uint64_t Directory::token_generation() const { return state_->generation.load(std::memory_order_acquire); }

}  // namespace taskledger::projections
