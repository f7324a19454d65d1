// What one webhook still has to be sent, in which order and when: the rules of delivery without any network.
//
// Events are taken from the log, a small window of them at a time; whatever waits beyond it is but a position. An event
// that cannot be delivered gets a row in the reactor store and waits there for its next attempt; later events of its
// task get rows behind it. `cursor` is the position up to which every event is delivered or has such a row: where a
// restart begins, so that a crash at any moment loses none and repeats at most what was under way or done since the
// last flush.
//
// An endpoint that fails every first attempt is slowed down to one request at a time, with new events tried only now
// and then: the rest stay in the log until it answers again.
//
// Threads: one. A ReadError (log or store) leaves the queue unusable: make it anew from the store.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/webhook.h"
#include "reactors/delivery.h"
#include "reactors/settings.h"
#include "storage/event_log.h"
#include "storage/reactor_store.h"

namespace taskledger::reactors {

struct QueueParts {  // all outlive the queue
  const storage::EventLog& log;
  storage::ReactorStore& store;
  const WebhookSettings& settings;
  std::function<double()> random;  // uniform in [0, 1)
  // Grows with each lawful erasure, once reads see it: bodies read before are read again.
  const std::atomic<std::uint64_t>& erasures;
};
struct QueueIdentity {
  WebhookId webhook;
  WorkspaceNumber workspace;
  WorkspaceId workspace_id;
  WebhookTypes types;
};

struct Attempt {
  Delivery delivery;
  std::string body;
};
struct ListedDelivery {
  Delivery delivery;
  DeliveryState state;
};
struct DeliveryPage {
  std::vector<ListedDelivery> rows;
  std::optional<std::uint64_t>
      next;  // continue after this; of the done ones their age, otherwise the delivery's number
};

class DeliveryQueue {
 public:
  template <class T>
  using Outcome = Result<T, storage::ReadError>;

  DeliveryQueue(QueueParts parts, QueueIdentity identity);
  // Goes on where the store says; a new webhook begins after `after`.
  Outcome<void> open(WorkspacePosition after);

  // From `after` on everything is sent again; never skips what is not sent yet. `request` numbers the request, so that
  // one that was carried out before a restart is not again.
  void replay(WorkspacePosition after, std::uint64_t request);
  // The next to send now, marked as under way until succeeded() or failed(); nullopt: see wake_at(). One call changes a
  // slice of rows at most (WebhookSettings::slice_rows): where more are to be changed, it has nothing yet and wakes at
  // once, so that other endpoints get their turn.
  Outcome<std::optional<Attempt>> next(Timestamp now);
  // `status` 0: there was nothing to send.
  Outcome<void> succeeded(DeliveryNumber number, std::uint16_t status, Timestamp now);
  Outcome<void> failed(DeliveryNumber number, std::uint16_t status, std::string error, Timestamp now);
  // Records what was delivered. Called now and then, and before stopping.
  Outcome<void> flush();
  [[nodiscard]] bool needs_flush() const { return dirty_; }

  // When next() may have something although nothing else happens: a retry falls due. nullopt: never.
  [[nodiscard]] std::optional<Timestamp> wake_at() const;
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  [[nodiscard]] WorkspacePosition cursor() const;
  [[nodiscard]] std::uint64_t waiting() const { return waiting_; }
  [[nodiscard]] std::uint64_t parked() const { return parked_; }

  // A ping was sent, aside from all else; the row for the lists. Of those that failed the last few are kept.
  Outcome<void> record_ping(const Delivery& ping);
  enum class Redelivery { accepted, not_found, erased };
  // `id`: the message's, which names number and event. erased: nothing is changed.
  Outcome<Redelivery> redeliver(std::string_view id, Timestamp now);
  // Pending and parked ones oldest first, done ones latest first. `after`: an earlier page's `next`, below UINT64_MAX.
  [[nodiscard]] Outcome<DeliveryPage> list(DeliveryState state, std::optional<std::uint64_t> after, std::size_t limit);

  // The prefix of all rows of a webhook, for removing them; and the ids of those that have rows.
  [[nodiscard]] static std::string rows_of(const WebhookId& webhook);
  [[nodiscard]] static Outcome<std::vector<WebhookId>> webhooks_with_rows(const storage::ReactorStore& store);

 private:
  using Changes = std::vector<storage::RowChange>;
  struct Buffered {
    Delivery delivery;
    std::string body;
    std::uint64_t erasures;  // counted before it was read
  };
  struct UnderWay {
    Delivery delivery;
    bool buffered = false;  // a first attempt from the window; otherwise it has a row
  };

  Outcome<std::optional<Attempt>> next_due(Timestamp now);
  Outcome<std::optional<Attempt>> next_new(Timestamp now);
  Outcome<void> apply_replay();
  // One slice of what a replay begins with: rows after `forgetting_` are removed, to be read from the log again.
  Outcome<void> forget_rows();
  Outcome<void> read_more();
  // `erasures`: their count before the record was read.
  void buffer(const storage::Record& record, std::uint64_t erasures);
  void leave_buffer(DeliveryNumber number);
  Outcome<void> hold(DeliveryNumber number);
  Outcome<std::string> body_of(const Delivery& delivery);
  Outcome<void> find_due();
  // Adds the rows of a waiting delivery, or takes them away.
  void add_waiting(Changes& changes, const Delivery& delivery);
  void remove_waiting(Changes& changes, const Delivery& delivery);
  Outcome<void> park(Changes& changes, const Delivery& delivery);
  void remove_parked(Changes& changes, DeliveryNumber number);
  // After the first of its task is out of the way: the next one held becomes the first.
  Outcome<void> promote(Changes& changes, const TaskId& task, Timestamp now);
  void add_done(Changes& changes, const Delivery& delivery);
  Outcome<void> commit(Changes changes);
  Outcome<std::optional<Delivery>> row(char table, DeliveryNumber number) const;
  Outcome<bool> is_parked(DeliveryNumber number) const;
  // What waits or is parked is not taken from the log.
  Outcome<bool> has_row(DeliveryNumber number) const;
  // Of an event without a row, its payload there or erased; nullopt: there is no such, or it is not for this webhook.
  Outcome<std::optional<Delivery>> delivery_in_log(DeliveryNumber number) const;
  // The delivery that later ones of the task wait for.
  Outcome<std::optional<DeliveryNumber>> held_back_by(const TaskId& task) const;
  [[nodiscard]] bool slowed() const { return first_failures_ >= parts_.settings.failures_to_slow; }
  Outcome<void> list_pending(DeliveryPage& page, std::uint64_t after, std::size_t limit);
  Outcome<void> list_rows(DeliveryPage& page, char table, std::uint64_t after, std::size_t limit,
                          DeliveryState state) const;
  Outcome<void> list_done(DeliveryPage& page, std::uint64_t before, std::size_t limit) const;

  QueueParts parts_;
  QueueIdentity identity_;
  std::string prefix_;

  std::uint64_t scanned_ = 0;                  // read from the log up to here
  std::map<DeliveryNumber, Buffered> buffer_;  // the window: read, not yet delivered or in a row
  std::size_t buffered_bytes_ = 0;
  std::unordered_map<Uuid, std::deque<DeliveryNumber>> lanes_;  // of the window, by task, in order
  std::deque<DeliveryNumber> ready_;                            // heads of lanes that are not under way
  std::map<DeliveryNumber, UnderWay> in_flight_;
  std::optional<Timestamp> next_due_;  // of the rows that are not under way
  bool unread_ = false;                // the last reading stopped before the log's end
  unsigned first_failures_ = 0;        // first attempts failed since the last success
  Timestamp next_first_;               // while slowed: no first attempt before

  struct Replay {
    std::uint64_t after, request;
  };
  std::optional<Replay> replay_;             // waits until nothing is under way
  std::optional<std::uint64_t> forgetting_;  // nothing is sent until the rows after it are gone
  std::uint64_t replays_applied_ = 0, done_count_ = 0, waiting_ = 0, parked_ = 0;
  Changes pending_;  // done rows not yet written
  bool dirty_ = false;
};

}  // namespace taskledger::reactors
