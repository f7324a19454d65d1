// The same over TLS, with certificates made here.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>

#include "server_fixture.h"

namespace taskledger::http {
namespace {

struct Files {
  std::filesystem::path folder;
  std::string certificate, key;
};

// Writes a self-signed certificate for `name` and its key.
void make_certificate(const Files& files, const char* name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  FILE* out = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  out = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int max_version = 0) : context_(SSL_CTX_new(TLS_client_method())) {
    if (max_version) {
      SSL_CTX_set_max_proto_version(context_, max_version);
      SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
    }
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const timeval limit{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ssl_ = SSL_new(context_);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return;
    SSL_set_fd(ssl_, socket_);
    connected = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(socket_);
  }
  bool send(std::string_view bytes) { return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0; }
  // Until `length` bytes or the end.
  std::string read(std::size_t length) {
    std::string out;
    char piece[16384];
    while (out.size() < length) {
      const int n = SSL_read(ssl_, piece, static_cast<int>(std::min(sizeof piece, length - out.size())));
      if (n <= 0) break;
      out.append(piece, static_cast<std::size_t>(n));
    }
    return out;
  }
  bool closed() { return read(1).empty() && (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN); }
  std::string peer() {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    char name[64] = "";
    if (certificate) X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    return name;
  }
  bool connected = false;

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  int socket_ = -1;
};

class TlsServerTest : public ServerTest {
 protected:
  TlsServerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "taskledger-tls-XXXXXX").string();
    files.folder = ::mkdtemp(pattern.data());
    files.certificate = files.folder / "certificate.pem";
    files.key = files.folder / "key.pem";
    make_certificate(files, "first");
  }
  ~TlsServerTest() override { std::filesystem::remove_all(files.folder); }
  ServerOptions tls() const {
    auto with = options();
    with.tls_certificate = files.certificate;
    with.tls_key = files.key;
    return with;
  }
  Files files;
};

const std::string kAnswerToA = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\nGET /a";

TEST_F(TlsServerTest, AnswersAndKeepsTheConnection) {
  start(tls());
  TlsClient client(server->port());
  ASSERT_TRUE(client.connected);
  client.send(get("/a") + get("/a"));
  EXPECT_EQ(client.read(2 * kAnswerToA.size()), kAnswerToA + kAnswerToA);
  const std::string body(100'000, 'b');
  client.send(post("/count", body));
  EXPECT_NE(client.read(kAnswerToA.size()).find("\r\n\r\n100000"), std::string::npos);
  client.send(get("/shared/3000"));
  EXPECT_TRUE(client.read(kAnswerToA.size() - 6 + 3 + 3'002).ends_with("\r\n\r\n[" + std::string(3'000, 'x') + "]"));
  client.send(get("/close"));
  EXPECT_NE(client.read(10'000).find("bye"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsServerTest, SendsLargeAnswersAndStreams) {
  start(tls());
  TlsClient client(server->port());
  client.send(get("/big") + get("/stream"));
  const std::string all = client.read(64 << 20);
  EXPECT_GT(all.size(), 32u << 20);
  EXPECT_NE(all.find("one\n\r\n"), std::string::npos);
  EXPECT_TRUE(all.ends_with("0\r\n\r\n"));
}

TEST_F(TlsServerTest, RefusesOldVersionsAndPlainText) {
  start(tls());
  EXPECT_FALSE(TlsClient(server->port(), TLS1_1_VERSION).connected);
  EXPECT_TRUE(TlsClient(server->port(), TLS1_2_VERSION).connected);
  auto plain = connect();
  plain.send(get("/a"));
  EXPECT_TRUE(plain.gone());
  EXPECT_EQ(service.admitted, 0);
}

TEST_F(TlsServerTest, GivesUpOnAHandshakeThatTakesTooLong) {
  auto with = tls();
  with.header_timeout = 100ms;
  start(with);
  auto silent = connect();
  EXPECT_TRUE(silent.gone());
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(TlsServerTest, ReloadsTheCertificateForNewConnections) {
  start(tls());
  TlsClient before(server->port());
  EXPECT_EQ(before.peer(), "first");
  make_certificate(files, "second");
  server->reload_tls();
  EXPECT_EQ(TlsClient(server->port()).peer(), "second");
  before.send(get("/a"));
  EXPECT_EQ(before.read(kAnswerToA.size()), kAnswerToA);
  FILE* damaged = std::fopen(files.certificate.c_str(), "w");
  std::fclose(damaged);
  server->reload_tls();
  EXPECT_EQ(TlsClient(server->port()).peer(), "second");
}

TEST_F(TlsServerTest, ClosesIdleConnectionsOnStop) {
  start(tls());
  TlsClient client(server->port());
  client.send(get("/a"));
  EXPECT_EQ(client.read(kAnswerToA.size()), kAnswerToA);
  server->stop();
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsServerTest, NamesTheFileThatIsBad) {
  auto with = tls();
  with.tls_key = files.folder / "none.pem";
  try {
    Server bad(with, service);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("none.pem"), std::string::npos) << error.what();
  }
  with.tls_key.clear();
  EXPECT_THROW(Server(with, service), std::runtime_error);
}

}  // namespace
}  // namespace taskledger::http
