// Coarse deadlines for the connections of one io thread. A timer armed anew for each request would cost more than the
// request; here a connection only stores a number, and one sweep every kSweep looks at all of them. A deadline is
// therefore met up to two sweeps late, never early.
//
// All of it belongs to one io thread; nothing here is synchronised.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace taskledger::http {

inline constexpr std::chrono::milliseconds kSweep{250};

class Deadlines;

// A connection as its thread sees it: a link in the thread's list, from construction to destruction.
class Connection {
 public:
  explicit Connection(Deadlines& owner);
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 protected:
  void arm(std::chrono::milliseconds after);  // replaces an earlier deadline
  void disarm() { deadline_ = kNever; }

  virtual void expire() = 0;      // the deadline has passed (it is disarmed already)
  virtual void begin_stop() = 0;  // the server stops: end now if idle, otherwise after the request under way
  virtual void abandon() = 0;     // the time for stopping is over: close

 private:
  friend class Deadlines;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  Deadlines& owner_;
  Connection* previous_ = nullptr;
  Connection* next_ = nullptr;
  std::int64_t deadline_ = kNever;
};

class Deadlines {
 public:
  // Sets the time, in milliseconds of any steady clock; expires what has passed.
  void sweep(std::int64_t now_ms);
  void begin_stop();
  void abandon();
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::int64_t now() const { return now_; }

 private:
  friend class Connection;
  // Calls may end connections in the course (a closed socket's own completion comes later, on the loop, but this list
  // does not rely on it): `cursor_` is moved on when the connection it names goes.
  template <class Visit>
  void each(Visit visit);
  Connection* first_ = nullptr;
  Connection* cursor_ = nullptr;
  std::int64_t now_ = 0;
};

}  // namespace taskledger::http
