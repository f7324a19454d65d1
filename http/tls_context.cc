#include "http/tls_context.h"

#include <openssl/ssl.h>

#include <stdexcept>

namespace taskledger::http {
namespace {

using Context = boost::asio::ssl::context;

std::shared_ptr<Context> load(const std::string& certificate, const std::string& key) {
  auto context = std::make_shared<Context>(Context::tls_server);
  boost::system::error_code error;
  context->set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 | Context::no_tlsv1 |
                       Context::no_tlsv1_1 | Context::no_compression);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // No peer may make us renegotiate, and an idle connection keeps no buffers.
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context->use_certificate_chain_file(certificate, error);
  if (error) throw std::runtime_error("TLS certificate " + certificate + ": " + error.message());
  context->use_private_key_file(key, Context::pem, error);
  if (error) throw std::runtime_error("TLS key " + key + ": " + error.message());
  if (SSL_CTX_check_private_key(context->native_handle()) != 1)
    throw std::runtime_error("TLS key " + key + " does not belong to the certificate " + certificate);
  return context;
}

}  // namespace

TlsContext::TlsContext(std::string certificate, std::string key)
    : certificate_(std::move(certificate)), key_(std::move(key)), context_(load(certificate_, key_)) {}

std::shared_ptr<Context> TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

void TlsContext::reload() {
  auto fresh = load(certificate_, key_);
  const std::lock_guard lock(mutex_);
  context_.swap(fresh);
}

}  // namespace taskledger::http
