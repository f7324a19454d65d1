#include "storage/head_signature.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>

#include "core/base64.h"
#include "storage/sha256.h"

namespace taskledger::storage {
namespace {

constexpr std::string_view kPurpose = "taskledger head signing key 1";
constexpr std::size_t kSignatureBytes = 64;

void need(bool worked) {
  if (!worked) throw std::runtime_error("OpenSSL: Ed25519 is not available");
}
const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

}  // namespace

struct HeadSigner::Key {
  EVP_PKEY* pair = nullptr;
  ~Key() { EVP_PKEY_free(pair); }
};

HeadSigner::HeadSigner(std::string_view secret_key) : key_(std::make_unique<Key>()) {
  std::array<unsigned char, 32> seed{}, shown{};
  unsigned size = seed.size();
  need(HMAC(EVP_sha256(), secret_key.data(), static_cast<int>(secret_key.size()), bytes_of(kPurpose), kPurpose.size(),
            seed.data(), &size) != nullptr);
  key_->pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size());
  std::size_t shown_size = shown.size();
  need(key_->pair != nullptr && EVP_PKEY_get_raw_public_key(key_->pair, shown.data(), &shown_size) == 1);
  key_id_ = to_hex(Sha256().add(std::string_view(reinterpret_cast<const char*>(shown.data()), shown.size())).finish())
                .substr(0, 16);
}
HeadSigner::~HeadSigner() = default;
HeadSigner::HeadSigner(HeadSigner&&) noexcept = default;

std::string HeadSigner::public_key_pem() const {
  BIO* text = BIO_new(BIO_s_mem());
  need(text != nullptr && PEM_write_bio_PUBKEY(text, key_->pair) == 1);
  char* begin = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(text, &begin));
  std::string pem(begin, size);
  BIO_free(text);
  return pem;
}

std::string HeadSigner::sign(const WorkspaceId& workspace, const WorkspaceHead& head) const {
  const std::string text = signed_text(workspace, head);
  const Context context(EVP_MD_CTX_new());
  std::array<std::uint8_t, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  need(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_->pair) == 1 &&
       EVP_DigestSign(context.get(), signature.data(), &size, bytes_of(text), text.size()) == 1);
  return to_base64(signature);
}

bool HeadSigner::is_signature(std::string_view signature, const WorkspaceId& workspace,
                              const WorkspaceHead& head) const {
  const auto bytes = from_base64(signature);
  if (!bytes || bytes->size() != kSignatureBytes) return false;
  const std::string text = signed_text(workspace, head);
  const Context context(EVP_MD_CTX_new());
  need(context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_->pair) == 1);
  return EVP_DigestVerify(context.get(), bytes_of(*bytes), bytes->size(), bytes_of(text), text.size()) == 1;
}

std::string signed_text(const WorkspaceId& workspace, const WorkspaceHead& head) {
  return fmt::format("taskledger head 1\nworkspace {}\nposition {}\nhash {}\ntime {}\n", to_string(workspace),
                     head.position.value, to_hex(head.hash), to_rfc3339(head.time));
}

}  // namespace taskledger::storage
