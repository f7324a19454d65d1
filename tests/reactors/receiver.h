// A webhook receiver on a real socket of this machine, that can be told to answer well, badly, late or not at all.
// A thread a connection; all calls from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace taskledger::reactors {

struct Received {
  std::string head;                            // request line and headers
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  unsigned connection = 0;  // numbered from 1
};

struct Reaction {
  unsigned status = 204;
  std::string headers = {};  // ready "Name: value\r\n" lines
  std::string body = {};
  bool reset = false;               // no answer: the connection is reset
  bool hang = false;                // no answer, the connection stays open
  bool close = false;               // after the answer
  std::string raw = {};             // instead of status, headers and body: the answer to the byte
  std::string more = {};            // sent after it, by itself
  std::function<void()> sent = {};  // called when all of that has left, and the connection is closed if it is to be
};

class Receiver {
 public:
  using React = std::function<Reaction(const Received&)>;
  // With certificate and key (PEM text) it speaks TLS.
  explicit Receiver(React react = {}, std::string certificate = {}, std::string key = {});
  ~Receiver();
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url(const std::string& path = "/hook") const;
  void set(React react);
  void keep_nothing();  // all() stays empty: for many messages, which `react` looks at
  [[nodiscard]] std::vector<Received> all() const;
  // Waits until `enough` holds of what was received (at most a minute); its last value.
  bool wait(const std::function<bool(const std::vector<Received>&)>& enough) const;
  bool wait_for(std::size_t count) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the threads of connections
};

}  // namespace taskledger::reactors
