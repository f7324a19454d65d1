// What an operator sees of the real binary: figures, access lines, the service manager, the certificate.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <regex>
#include <set>
#include <thread>

#include "tests/e2e/harness.h"
#include "tests/reactors/certificate.h"

namespace taskledger::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kUser = "0a000000-0000-4000-8000-000000000001";

// Every line is a comment or a sample of the text format, and every sample belongs to a family that has a type.
void expect_exposition(const std::string& text) {
  const std::regex sample(
      R"(^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? (\+Inf|NaN|-?[0-9.e+-]+)$)");
  std::set<std::string> families, samples;
  for (const auto& line : lines_of(text)) {
    if (line.empty()) continue;
    if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(families.insert(line.substr(7, line.find(' ', 7) - 7)).second) << line;
    } else if (!line.starts_with("# HELP ")) {
      std::smatch match;
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_TRUE(samples.insert(match[1].str() + match[2].str()).second) << "twice: " << line;
      const std::string base = std::regex_replace(match[1].str(), std::regex("_(bucket|sum|count)$"), "");
      EXPECT_TRUE(families.contains(match[1].str()) || families.contains(base)) << line;
    }
  }
}

double value_of(const std::string& text, const std::string& series) {
  const auto at = text.find("\n" + series + " ");
  if (at == std::string::npos) return -1;
  return std::stod(text.substr(at + series.size() + 2));
}

TEST(Operations, MetricsTellWhatHappened) {
  const TemporaryDirectory directory;
  const std::string token = create_token(directory / "data", "acme", kUser);
  Server server(directory / "data");
  HttpConnection client(server.port(), token);
  std::string id;
  for (int i = 0; i < 5; ++i) {
    const auto created = client.request("POST", "/api/v1/tasks", R"({"title": "a"})");
    ASSERT_EQ(created.status, 201u);
    id = json_field(created.body, "task_id");
  }
  (void)client.get("/api/v1/tasks");
  (void)client.get("/api/v1/tasks?priority=none");
  HttpConnection nobody(server.port(), "ksr_nobody");
  EXPECT_EQ(nobody.get("/api/v1/tasks").status, 401u);
  // A request is counted when its answer has been sent: a moment after the client has it.
  HttpReply answer = client.get("/metrics");
  for (int i = 0; i < 100 && answer.body.find(R"(route="/api/v1/tasks",status="401"})") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answer = client.get("/metrics");
  }
  ASSERT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const std::string text = "\n" + answer.body;
  expect_exposition(text);
  EXPECT_EQ(value_of(text, R"(taskledger_http_requests_total{method="POST",route="/api/v1/tasks",status="201"})"), 5);
  EXPECT_EQ(value_of(text, R"(taskledger_http_requests_total{method="GET",route="/api/v1/tasks",status="400"})"), 1);
  EXPECT_EQ(value_of(text, R"(taskledger_http_requests_total{method="GET",route="/api/v1/tasks",status="401"})"), 1);
  EXPECT_EQ(value_of(text, R"(taskledger_http_failed_authentications_total{outcome="unauthorized"})"), 1);
  EXPECT_EQ(value_of(text, "taskledger_commit_batch_events_sum"), 5);
  EXPECT_EQ(value_of(text, "taskledger_commit_sync_seconds_count"),
            value_of(text, "taskledger_commit_batch_commits_count"));
  EXPECT_EQ(value_of(text, "taskledger_commit_queue_commits"), 0);
  EXPECT_GE(value_of(text, "taskledger_log_position"), 5);
  for (const char* name : {"list", "mode", "stats", "notifications"}) {
    const std::string label = std::string(R"({projection=")") + name + "\"}";
    EXPECT_EQ(value_of(text, "taskledger_projection_lag_events" + label), 0);
    EXPECT_EQ(value_of(text, "taskledger_projection_lag_seconds" + label), 0);
    EXPECT_EQ(value_of(text, "taskledger_projection_progress_ratio" + label), 1);
  }
  EXPECT_EQ(value_of(text, "taskledger_image_cache_workspaces"), 1);
  EXPECT_GT(value_of(text, "taskledger_page_cache_hits_total") + value_of(text, "taskledger_page_cache_misses_total"),
            0);
  EXPECT_EQ(value_of(text, R"(taskledger_webhooks{state="active"})"), 0);
  EXPECT_EQ(value_of(text, "taskledger_log_writable"), 1);
  EXPECT_GT(value_of(text, R"(taskledger_rocksdb_memtable_bytes{store="log"})"), 0);
  EXPECT_EQ(value_of(text, R"(taskledger_rocksdb_background_errors{store="views"})"), 0);
  EXPECT_GE(value_of(text, "taskledger_http_connections"), 1);
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(value_of(text, "process_open_fds"), 3);
  EXPECT_NEAR(value_of(text, "process_start_time_seconds"), static_cast<double>(::time(nullptr)), 600);
}

// Every series that the dashboard asks for is one that the server tells.
TEST(Operations, TheDashboardShowsWhatThereIs) {
  const TemporaryDirectory directory;
  const std::string token = create_token(directory / "data", "acme", kUser);
  Server server(directory / "data");
  HttpConnection client(server.port(), token);
  EXPECT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "a"})").status, 201u);
  const std::string figures = client.get("/metrics").body;
  const std::string dashboard = read_file(TASKLEDGER_SOURCE_DIR "/docs/grafana-dashboard.json");
  const std::regex series("(taskledger|process)_[a-z_]+");
  std::size_t found = 0;
  for (std::sregex_iterator at(dashboard.begin(), dashboard.end(), series), end; at != end; ++at, ++found) {
    const std::string name = "\n" + at->str();
    EXPECT_TRUE(figures.find(name + " ") != figures.npos || figures.find(name + "{") != figures.npos) << at->str();
  }
  EXPECT_GT(found, 20u);
}

TEST(Operations, MetricsMoveToAListenerOfTheirOwn) {
  const TemporaryDirectory directory;
  const std::string token = create_token(directory / "data", "acme", kUser);
  Server server(directory / "data", {"--metrics-listen", "127.0.0.1:0"});
  HttpConnection client(server.port(), token);
  EXPECT_EQ(client.get("/metrics").status, 404u);
  EXPECT_EQ(client.get("/readyz").status, 200u);
  std::string out;
  for (int i = 0; i < 100 && out.find("/metrics") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    out = server.process().out();
  }
  const auto colon = out.rfind(':', out.find("/metrics"));
  HttpConnection operators(static_cast<std::uint16_t>(std::stoi(out.substr(colon + 1))), "");
  EXPECT_EQ(operators.get("/metrics").status, 200u);
  EXPECT_EQ(operators.get("/readyz").body, R"({"status":"ok"})");
  EXPECT_EQ(operators.get("/api/v1/me").status, 404u);
}

TEST(Operations, AccessLinesAndNothingSecret) {
  const TemporaryDirectory directory;
  const std::string token = create_token(directory / "data", "acme", kUser);
  Server server(directory / "data", {"--log-format", "json", "--access-log", "1"});
  {
    HttpConnection client(server.port(), token);
    EXPECT_EQ(client.request("POST", "/api/v1/tasks", R"({"title": "Zanzibar"})", "X-Request-Id: abc-1\r\n")
                  .headers.at("x-request-id"),
              "abc-1");
    EXPECT_EQ(client.get("/api/v1/tasks?search=zanzibar").headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(client.get("/api/v1/zanzibar?zanzibar").status, 404u);
  }
  const std::string err = server.stop().err;
  EXPECT_THAT(err, HasSubstr(R"("method":"POST","route":"/api/v1/tasks","status":201,)"));
  EXPECT_THAT(err, HasSubstr(R"("request_id":"abc-1"})"));
  EXPECT_THAT(err, HasSubstr(R"("method":"GET","route":"/api/v1/tasks","status":200,)"));
  EXPECT_THAT(err, HasSubstr(R"("method":"-","route":"-","status":404,)"));
  EXPECT_THAT(err, Not(HasSubstr("anzibar")));
  EXPECT_THAT(err, Not(HasSubstr(token.substr(4))));
  for (const auto& line : lines_of(err)) {
    EXPECT_TRUE(line.empty() || (line.starts_with(R"({"time":")") && line.ends_with("}"))) << line;
  }
}

TEST(Operations, NoAccessLinesUnlessAskedFor) {
  const TemporaryDirectory directory;
  const std::string token = create_token(directory / "data", "acme", kUser);
  Server server(directory / "data", {});
  (void)HttpConnection(server.port(), token).get("/api/v1/tasks");
  EXPECT_THAT(server.stop().err, Not(HasSubstr("/api/v1/tasks")));
}

// A socket as systemd gives it.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw std::runtime_error("bind");
  }
  ~NotifySocket() { ::close(fd_); }
  // The next message; empty when none comes within ten seconds.
  std::string next() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, 10'000) != 1) return {};
    char buffer[1024];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
  }
  std::string next_but(std::string_view not_this) {
    std::string message = next();
    while (message.starts_with(not_this)) message = next();
    return message;
  }

 private:
  int fd_;
};

TEST(Operations, TellsTheServiceManager) {
  const TemporaryDirectory directory;
  NotifySocket manager(directory / "notify");
  Process server({"serve", "--data", directory / "data", "--listen", "127.0.0.1:0"},
                 {"NOTIFY_SOCKET=" + (directory / "notify"), "WATCHDOG_USEC=200000"});
  EXPECT_THAT(manager.next(), testing::StartsWith("READY=1\n"));
  EXPECT_THAT(server.out(), HasSubstr("listening on"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(manager.next(), "WATCHDOG=1\n");
  server.signal(SIGHUP);
  EXPECT_THAT(manager.next_but("WATCHDOG"), testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+\n"));
  EXPECT_THAT(manager.next_but("WATCHDOG"), testing::StartsWith("READY=1\n"));
  server.signal(SIGTERM);
  EXPECT_THAT(manager.next_but("WATCHDOG"), testing::StartsWith("STOPPING=1\n"));
  EXPECT_EQ(server.wait().exit_code, 0);
}

// It hangs where it reads a file that is a pipe: as long as any start could take.
TEST(Operations, AStartCanBeEnded) {
  for (const int number : {SIGTERM, SIGINT}) {
    const TemporaryDirectory directory;
    const std::string data = directory / "data";
    (void)create_token(data, "acme", kUser);
    std::filesystem::remove(data + "/format");
    ASSERT_EQ(::mkfifo((data + "/format").c_str(), 0600), 0);
    Process server({"serve", "--data", data, "--listen", "127.0.0.1:0"});
    const std::string thread_names = "/proc/" + std::to_string(server.pid()) + "/task";
    const auto heeds_signals = [&] {
      for (const auto& thread : std::filesystem::directory_iterator(thread_names)) {
        if (read_file(thread.path() / "comm") == "signals\n") return true;
      }
      return false;
    };
    for (int i = 0; i < 1'000 && !heeds_signals(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    server.signal(SIGHUP);
    server.signal(number);
    const Finished ended = server.wait();
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_THAT(ended.err, HasSubstr("stopping before the start has ended"));
    EXPECT_EQ(ended.out, "");
  }
}

// Connections never take the descriptors that the log needs.
TEST(Operations, FewDescriptorsAreSharedOut) {
  const rlimit few{600, 600};  // for good, of this process too: each test has its own
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const TemporaryDirectory directory;
  const std::string data = directory / "data", token = create_token(data, "acme", kUser);
  Server server(data);
  EXPECT_THAT(server.process().err(), HasSubstr("600 open files are allowed, so at most 300 connections, not 10000"));
  std::vector<std::unique_ptr<HttpConnection>> connections;
  int served = 0, turned_away = 0;
  for (int i = 0; i < 310; ++i) {
    connections.push_back(std::make_unique<HttpConnection>(server.port(), token));
    const unsigned status = connections.back()->get("/healthz").status;
    served += status == 200;
    turned_away += status == 503;
  }
  EXPECT_EQ(served, 300);
  EXPECT_EQ(turned_away, 10);
  EXPECT_EQ(connections.front()->request("POST", "/api/v1/tasks", R"({"title":"one"})").status, 201u);
  EXPECT_EQ(server.stop().exit_code, 0);
}

TEST(Operations, NoWatchdogForAnotherProcess) {
  const TemporaryDirectory directory;
  NotifySocket manager(directory / "notify");
  Process server({"serve", "--data", directory / "data", "--listen", "127.0.0.1:0"},
                 {"NOTIFY_SOCKET=" + (directory / "notify"), "WATCHDOG_USEC=1000", "WATCHDOG_PID=1"});
  EXPECT_THAT(manager.next(), testing::StartsWith("READY=1\n"));
  server.signal(SIGTERM);
  EXPECT_THAT(manager.next(), testing::StartsWith("STOPPING=1\n"));
  EXPECT_EQ(server.wait().exit_code, 0);
}

// The certificate that the server shows, as PEM; empty when there is no handshake.
std::string certificate_of(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  std::string out;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 && SSL_set_fd(ssl, fd) == 1 &&
      SSL_connect(ssl) == 1) {
    X509* certificate = SSL_get1_peer_certificate(ssl);
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    out = reactors::read_bio(bio);
    X509_free(certificate);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(fd);
  return out;
}

TEST(Operations, SighupReadsTheCertificateAnewAndKeepsTheOldOneWhenItIsBad) {
  const TemporaryDirectory directory;
  const auto first = reactors::make_certificate("first.test"), second = reactors::make_certificate("second.test");
  const auto install = [&](const std::string& certificate, const std::string& key) {
    write_file(directory / "cert.pem", certificate);
    write_file(directory / "key.pem", key);
  };
  install(first.certificate, first.key);
  NotifySocket manager(directory / "notify");
  Process server({"serve", "--data", directory / "data", "--listen", "127.0.0.1:0", "--tls-cert",
                  directory / "cert.pem", "--tls-key", directory / "key.pem"},
                 {"NOTIFY_SOCKET=" + (directory / "notify")});
  ASSERT_THAT(manager.next(), testing::StartsWith("READY=1\n"));
  const std::string out = server.out();
  const auto port = static_cast<std::uint16_t>(std::stoi(out.substr(out.rfind(':') + 1)));
  const auto reload = [&] {
    server.signal(SIGHUP);
    EXPECT_THAT(manager.next(), testing::StartsWith("RELOADING=1\n"));
    EXPECT_THAT(manager.next(), testing::StartsWith("READY=1\n"));
  };
  EXPECT_EQ(certificate_of(port), first.certificate);
  install(second.certificate, second.key);
  EXPECT_EQ(certificate_of(port), first.certificate) << "not before it is told to";
  reload();
  EXPECT_EQ(certificate_of(port), second.certificate);
  install(first.certificate, second.key);
  reload();
  EXPECT_EQ(certificate_of(port), second.certificate) << "a key that does not fit";
  EXPECT_THAT(server.err(), HasSubstr("the earlier ones stay in use"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait().exit_code, 0);
}

}  // namespace
}  // namespace taskledger::e2e
