#include "http/authenticate.h"

#include <openssl/crypto.h>

#include <array>
#include <atomic>

#include "commands/administration.h"
#include "core/text.h"

namespace taskledger::http {
namespace {

constexpr std::size_t kRemembered = 256;
constexpr std::size_t kMaxTokenBytes = 200;

struct Remembered {
  std::uint64_t authenticator = 0, generation = 0;
  std::string authorization;
  std::shared_ptr<const Principal> principal;
};

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Takes as long for two headers of one length whatever they hold.
bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// The token's text; empty when the header is not "Bearer ksr_…".
std::string_view bearer_token(std::string_view header) {
  const auto space = header.find(' ');
  if (space == std::string_view::npos || !same_ignoring_case(header.substr(0, space), "bearer")) return {};
  const auto start = header.find_first_not_of(' ', space);
  if (start == std::string_view::npos) return {};
  const auto token = header.substr(start);
  return token.starts_with("ksr_") && token.size() <= kMaxTokenBytes ? token : std::string_view();
}

std::string me_json(const Token& token, const Workspace& workspace) {
  std::string out = R"({"user_id":")" + to_string(token.user) + R"(","workspace_id":")" + to_string(workspace.id) +
                    R"(","workspace":)";
  append_json_string(out, workspace.name);
  out += R"(,"scopes":)";
  append_scopes_json(out, token.scopes);
  out += R"(,"timezone":)";
  append_json_string(out, token.zone.name());
  out += R"(,"token_id":")" + to_string(token.id) + R"(","expires_at":)";
  if (token.expires_at) {
    out += '"' + to_rfc3339(*token.expires_at) + '"';
  } else {
    out += "null";
  }
  return out += '}';
}

}  // namespace

Authenticator::Authenticator(const projections::Directory& directory, Buckets* buckets)
    : directory_(directory), buckets_(buckets) {
  static std::atomic<std::uint64_t> next{1};
  serial_ = next++;
}

std::shared_ptr<const Principal> Authenticator::find(std::string_view authorization, Timestamp now) const {
  thread_local std::array<Remembered, kRemembered> memory;
  // Read before the look-up: what is remembered is then at worst too old, never taken for newer than it is.
  const auto generation = directory_.token_generation();
  auto& slot = memory[std::hash<std::string_view>{}(authorization) % kRemembered];
  if (slot.authenticator != serial_ || slot.generation != generation ||
      !same_secret(slot.authorization, authorization)) {
    auto principal = look_up(authorization);
    if (!principal) return nullptr;
    slot = {serial_, generation, std::string(authorization), std::move(principal)};
  }
  const auto& expires = slot.principal->token.expires_at;
  if (expires && *expires <= now) return nullptr;
  return slot.principal;
}

std::shared_ptr<const Principal> Authenticator::look_up(std::string_view authorization) const {
  const auto secret = bearer_token(authorization);
  if (secret.empty()) return nullptr;
  const auto token = directory_.token_by_hash(commands::hash_token(secret));
  if (!token) return nullptr;
  const auto workspace = directory_.workspace(token->workspace);
  if (!workspace) return nullptr;
  auto principal = std::make_shared<Principal>();
  principal->token = *token;
  principal->workspace_id = workspace->id;
  principal->me = me_json(*token, *workspace);
  if (buckets_) principal->bucket = buckets_->of(token->id);
  return principal;
}

}  // namespace taskledger::http
