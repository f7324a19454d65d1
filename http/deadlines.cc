#include "http/deadlines.h"

namespace taskledger::http {

Connection::Connection(Deadlines& owner) : owner_(owner), next_(owner.first_) {
  if (next_) next_->previous_ = this;
  owner_.first_ = this;
}

Connection::~Connection() {
  if (owner_.cursor_ == this) owner_.cursor_ = next_;
  (previous_ ? previous_->next_ : owner_.first_) = next_;
  if (next_) next_->previous_ = previous_;
}

void Connection::arm(std::chrono::milliseconds after) {
  // now() is up to one sweep old: the sweep added keeps the deadline from being early.
  deadline_ = owner_.now() + after.count() + kSweep.count();
}

template <class Visit>
void Deadlines::each(Visit visit) {
  for (Connection* at = first_; at; at = cursor_) {
    cursor_ = at->next_;
    visit(*at);
  }
  cursor_ = nullptr;
}

void Deadlines::sweep(std::int64_t now_ms) {
  now_ = now_ms;
  each([&](Connection& connection) {
    if (connection.deadline_ > now_) return;
    connection.disarm();
    connection.expire();
  });
}

void Deadlines::begin_stop() {
  each([](Connection& connection) { connection.begin_stop(); });
}

void Deadlines::abandon() {
  each([](Connection& connection) { connection.abandon(); });
}

}  // namespace taskledger::http
