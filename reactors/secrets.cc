#include "reactors/secrets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <memory>
#include <stdexcept>

#include "core/base64.h"

namespace taskledger::reactors {
namespace {

constexpr int kNonceBytes = 12, kTagBytes = 16;
constexpr std::string_view kPurpose = "taskledger webhook secrets v1";

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
struct FreePkey {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

std::string_view id_bytes(const WebhookId& id) {
  return {reinterpret_cast<const char*>(id.value.bytes.data()), id.value.bytes.size()};
}

}  // namespace

std::string make_secret(const RandomBytes& random) {
  std::array<std::uint8_t, kSecretBytes> bytes{};
  random(bytes);
  return std::string(kSecretPrefix) + to_base64(bytes);
}

SecretBox::SecretBox(std::string_view server_key) {
  const std::unique_ptr<EVP_PKEY_CTX, FreePkey> context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  std::size_t size = key_.size();
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), bytes_of(server_key), static_cast<int>(server_key.size())) != 1 ||
      EVP_PKEY_CTX_add1_hkdf_info(context.get(), bytes_of(kPurpose), static_cast<int>(kPurpose.size())) != 1 ||
      EVP_PKEY_derive(context.get(), key_.data(), &size) != 1) {
    throw std::runtime_error("cannot derive the key for webhook secrets");
  }
}

std::string SecretBox::seal(std::string_view secret, const WebhookId& id, const RandomBytes& random) const {
  std::array<std::uint8_t, kNonceBytes> nonce{};
  random(nonce);
  std::string out(nonce.begin(), nonce.end());
  out.resize(kNonceBytes + secret.size() + kTagBytes);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  unsigned char* text = bytes_of(out) + kNonceBytes;
  if (!cipher || EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce.data()) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(id_bytes(id)), 16) != 1 ||
      EVP_EncryptUpdate(cipher.get(), text, &size, bytes_of(secret), static_cast<int>(secret.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), text + size, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, text + secret.size()) != 1) {
    throw std::runtime_error("cannot encrypt a webhook secret");
  }
  return out;
}

std::optional<std::string> SecretBox::open(std::string_view sealed, const WebhookId& id) const {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::string_view nonce = sealed.substr(0, kNonceBytes);
  const std::string_view text = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string secret(text.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  if (!cipher || EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes_of(nonce)) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(id_bytes(id)), 16) != 1 ||
      EVP_DecryptUpdate(cipher.get(), bytes_of(secret), &size, bytes_of(text), static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(secret) + size, &size) != 1) {
    return std::nullopt;
  }
  return secret;
}

std::string sign(std::string_view secret, std::string_view message_id, std::int64_t timestamp_seconds,
                 std::string_view body) {
  if (secret.starts_with(kSecretPrefix)) secret.remove_prefix(kSecretPrefix.size());
  const std::string key = from_base64(secret).value_or("");
  std::string signed_text(message_id);
  signed_text += '.';
  signed_text += std::to_string(timestamp_seconds);
  signed_text += '.';
  signed_text += body;
  std::array<std::uint8_t, 32> digest{};
  unsigned size = digest.size();
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(std::string_view(signed_text)),
           signed_text.size(), digest.data(), &size) == nullptr) {
    throw std::runtime_error("cannot sign a webhook");
  }
  return "v1," + to_base64(digest);
}

}  // namespace taskledger::reactors
