// How many connections all endpoints together may have. Each request under way has a place; who finds none waits, and
// is called when its turn comes: whoever has the fewest places first, of those who has waited longest. So an endpoint
// whose requests hang gets no more than the others leave, and every endpoint comes to its turn.
//
// Threads: that of the io_context. The gate outlives its visitors, they outlive their places.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <utility>

namespace taskledger::reactors {

class ConnectionGate {
 public:
  class Visitor;

  // One request's; given back when it goes.
  class Place {
   public:
    Place(Place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Place& operator=(Place&& other) noexcept;
    ~Place() { leave(); }

   private:
    friend class Visitor;
    explicit Place(Visitor& of) : of_(&of) {}
    void leave();
    Visitor* of_;
  };

  // Who may have several places: an endpoint.
  class Visitor {
   public:
    // `turn` is called, on the thread of the io_context, when a place is there that enter() did not find. It must not
    // destroy visitors.
    Visitor(ConnectionGate& gate, std::function<void()> turn) : gate_(gate), turn_(std::move(turn)) {}
    ~Visitor() { stop_waiting(); }
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;
    // nullopt: there is none, or others wait; it waits too from now on.
    [[nodiscard]] std::optional<Place> enter();
    void stop_waiting();

   private:
    friend class ConnectionGate;
    ConnectionGate& gate_;
    const std::function<void()> turn_;
    std::size_t inside_ = 0;
    bool waits_ = false;
  };

  ConnectionGate(boost::asio::io_context& io, std::size_t limit) : io_(io), limit_(limit) {}
  ConnectionGate(const ConnectionGate&) = delete;
  ConnectionGate& operator=(const ConnectionGate&) = delete;

  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] std::size_t inside() const { return inside_; }

 private:
  void left(Visitor& visitor);
  void let_in();

  boost::asio::io_context& io_;
  const std::size_t limit_;
  std::size_t inside_ = 0;
  std::list<Visitor*> waiting_;      // who came first is first; while there is room, let_in() runs or is about to
  const Visitor* called_ = nullptr;  // whose turn it is
  bool letting_in_ = false;          // let_in() is posted
};

}  // namespace taskledger::reactors
