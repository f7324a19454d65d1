// Signed heads: who keeps one can later prove, to anybody, that this server said so. Ed25519, so that an auditor checks
// with the public key alone; the private one is derived from secret.key and exists in memory only.
//
//   seed      = HMAC-SHA256(secret.key, "taskledger head signing key 1")
//   key_id    = the first 8 bytes of SHA-256(public key), hexadecimal
//   signed    = "taskledger head 1\n" "workspace " uuid "\n" "position " decimal "\n" "hash " hex64 "\n" "time " RFC
//   3339 "\n" signature = base64 of the 64 bytes
//
// Threads: any. Failure: throws std::runtime_error where the library has no Ed25519.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/event_log.h"

namespace taskledger::storage {

class HeadSigner {
 public:
  explicit HeadSigner(std::string_view secret_key);
  ~HeadSigner();
  HeadSigner(HeadSigner&&) noexcept;

  [[nodiscard]] const std::string& key_id() const { return key_id_; }
  [[nodiscard]] std::string public_key_pem() const;
  [[nodiscard]] std::string sign(const WorkspaceId& workspace, const WorkspaceHead& head) const;
  [[nodiscard]] bool is_signature(std::string_view signature, const WorkspaceId& workspace,
                                  const WorkspaceHead& head) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
  std::string key_id_;
};

// What is signed.
[[nodiscard]] std::string signed_text(const WorkspaceId& workspace, const WorkspaceHead& head);

}  // namespace taskledger::storage
