// The server's certificate and key, which can be replaced while it runs.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

namespace taskledger::http {

class TlsContext {
 public:
  // PEM files: the certificate chain and its key. Throws std::runtime_error naming the file that is bad.
  TlsContext(std::string certificate, std::string key);
  // Shared, since each connection keeps the one it began with. Any thread.
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> current() const;
  // Reads the same files anew; throws as the constructor does, and keeps the old ones then. Any thread.
  void reload();

 private:
  const std::string certificate_, key_;
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace taskledger::http
