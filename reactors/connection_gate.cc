#include "reactors/connection_gate.h"

#include <boost/asio/post.hpp>

namespace taskledger::reactors {

ConnectionGate::Place& ConnectionGate::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    leave();
    of_ = std::exchange(other.of_, nullptr);
  }
  return *this;
}

void ConnectionGate::Place::leave() {
  if (of_ != nullptr) of_->gate_.left(*std::exchange(of_, nullptr));
}

std::optional<ConnectionGate::Place> ConnectionGate::Visitor::enter() {
  const bool called = gate_.called_ == this;
  if (gate_.inside_ < gate_.limit_ && (called || gate_.waiting_.empty())) {
    if (called) gate_.called_ = nullptr;  // one place a turn
    ++gate_.inside_;
    ++inside_;
    return Place(*this);
  }
  if (!std::exchange(waits_, true)) gate_.waiting_.push_back(this);
  return std::nullopt;
}

void ConnectionGate::Visitor::stop_waiting() {
  if (std::exchange(waits_, false)) gate_.waiting_.remove(this);
}

void ConnectionGate::left(Visitor& visitor) {
  --inside_;
  --visitor.inside_;
  if (waiting_.empty() || letting_in_) return;
  letting_in_ = true;
  boost::asio::post(io_, [this] { let_in(); });  // not from within whatever let go of the place
}

void ConnectionGate::let_in() {
  letting_in_ = false;
  while (inside_ < limit_ && !waiting_.empty()) {
    auto next = waiting_.begin();
    for (auto at = next; at != waiting_.end() && (*next)->inside_ > 0; ++at) {
      if ((*at)->inside_ < (*next)->inside_) next = at;
    }
    Visitor& visitor = **next;
    waiting_.erase(next);
    visitor.waits_ = false;
    called_ = &visitor;
    visitor.turn_();
    called_ = nullptr;
  }
}

}  // namespace taskledger::reactors
