// What the end-to-end tests stand on: a directory that goes away, the real binary run to its end or serving, and a
// blocking HTTP client on a bare socket. Only 127.0.0.1; only processes started here are ever signalled.
// Not for use by several threads, except that each thread may have an HttpConnection of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace taskledger::e2e {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::filesystem::path path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct Finished {
  int exit_code = -1;  // 128 + signal when one ended it
  std::string out, err;
};

// A process of the binary under test, its output in files under a directory of its own.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});
  ~Process();  // kill -9 when it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  void signal(int number) const;
  Finished wait();  // until it ends
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  TemporaryDirectory outputs_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

// Runs `taskledger ARGUMENTS…` to its end.
[[nodiscard]] Finished taskledger(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment = {});

struct HttpReply {
  unsigned status = 0;                         // 0: no (whole) reply
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One keep-alive connection; opened anew when the server has closed it before.
class HttpConnection {
 public:
  HttpConnection(std::uint16_t port, std::string token) : port_(port), token_(std::move(token)) {}
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Never throws; a connection that broke gives status 0.
  HttpReply request(std::string_view method, std::string_view target, std::string_view body = {},
                    std::string_view extra_headers = {});
  HttpReply get(std::string_view target) { return request("GET", target); }

 private:
  bool open();
  void close();
  std::optional<HttpReply> read_reply(bool head);

  std::uint16_t port_;
  std::string token_;
  int socket_ = -1;
  std::string buffer_;
};

// `taskledger serve` on a free port of 127.0.0.1; ready once the constructor returns (throws when it never gets so).
class Server {
 public:
  explicit Server(std::string data, std::vector<std::string> extra_arguments = {});
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  Finished stop();  // SIGTERM
  Finished kill();  // SIGKILL

 private:
  Process process_;
  std::uint16_t port_ = 0;
};

// `taskledger token create` for a directory that no server holds; the secret.
[[nodiscard]] std::string create_token(const std::string& data, const std::string& workspace, const std::string& user,
                                       const std::string& scopes = "tasks:read,tasks:write,audit:read",
                                       const std::string& timezone = "UTC");

[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view content);
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);
// The string, or the text of the number, that `key` has in the JSON object `json`; empty when there is none.
[[nodiscard]] std::string json_field(const std::string& json, std::string_view key);

}  // namespace taskledger::e2e
