// Signing secrets of webhooks: made, encrypted at rest, used after the Standard Webhooks specification
// (standardwebhooks.com). Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/timestamp.h"
#include "core/webhook.h"

namespace taskledger::reactors {

inline constexpr std::string_view kSecretPrefix = "whsec_";
inline constexpr std::size_t kSecretBytes = 32;

// `whsec_` and the base64 of 32 random bytes: what a receiver is given, once.
[[nodiscard]] std::string make_secret(const RandomBytes& random);

// Encrypts secrets with a key derived from the server's (HKDF-SHA256). Sealed: nonce:12 ciphertext tag:16
// (AES-256-GCM), bound to the webhook's id, so that one webhook's cannot be put in another's place.
class SecretBox {
 public:
  explicit SecretBox(std::string_view server_key);  // 32 bytes; throws std::runtime_error when OpenSSL fails
  [[nodiscard]] std::string seal(std::string_view secret, const WebhookId& id, const RandomBytes& random) const;
  // nullopt: sealed with another key, for another webhook, or damaged.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed, const WebhookId& id) const;

 private:
  std::array<std::uint8_t, 32> key_{};
};

// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` with the secret's bytes. `secret` is of make_secret.
[[nodiscard]] std::string sign(std::string_view secret, std::string_view message_id, std::int64_t timestamp_seconds,
                               std::string_view body);

}  // namespace taskledger::reactors
