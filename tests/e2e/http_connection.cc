#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "tests/e2e/harness.h"

namespace taskledger::e2e {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

HttpConnection::~HttpConnection() { close(); }

void HttpConnection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  buffer_.clear();
}

bool HttpConnection::open() {
  if (socket_ >= 0) return true;
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{60, 0};
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
  close();
  return false;
}

HttpReply HttpConnection::request(std::string_view method, std::string_view target, std::string_view body,
                                  std::string_view extra_headers) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!token_.empty()) text.append("Authorization: Bearer ").append(token_).append("\r\n");
  if (!body.empty())
    text.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  text.append(extra_headers).append("\r\n").append(body);
  const bool fresh = socket_ < 0;
  if (!open()) return {};
  if (send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
    if (auto reply = read_reply(method == "HEAD")) return std::move(*reply);
  }
  close();
  // A reused connection may have been closed while idle: reads are safe to ask again.
  if (!fresh && (method == "GET" || method == "HEAD")) return request(method, target, body, extra_headers);
  return {};
}

std::optional<HttpReply> HttpConnection::read_reply(bool head) {
  const auto more = [this] {
    char piece[16384];
    const ssize_t got = recv(socket_, piece, sizeof piece, 0);
    if (got > 0) buffer_.append(piece, static_cast<std::size_t>(got));
    return got > 0;
  };
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  HttpReply reply;
  reply.status = static_cast<unsigned>(std::stoul(buffer_.substr(9, 3)));
  for (std::size_t line = buffer_.find("\r\n") + 2; line < end + 2;) {
    const std::size_t stop = buffer_.find("\r\n", line), colon = buffer_.find(": ", line);
    reply.headers[lower(buffer_.substr(line, colon - line))] = buffer_.substr(colon + 2, stop - colon - 2);
    line = stop + 2;
  }
  buffer_.erase(0, end + 4);
  const auto length = reply.headers.find("content-length");
  const std::size_t wanted = head || length == reply.headers.end() ? 0 : std::stoul(length->second);
  while (buffer_.size() < wanted) {
    if (!more()) return std::nullopt;
  }
  reply.body = buffer_.substr(0, wanted);
  buffer_.erase(0, wanted);
  if (const auto it = reply.headers.find("connection"); it != reply.headers.end() && lower(it->second) == "close")
    close();
  return reply;
}

}  // namespace taskledger::e2e
