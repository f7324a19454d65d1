#include "commands/decision.h"

#include <algorithm>
#include <utility>

namespace taskledger::commands {
namespace {

class Decider {
 public:
  Decider(const CommandHandler::Request& request, const KnownState& known, const UndoDecision* undo, Timestamp now)
      : request_(request), known_(known), undo_(undo), now_(now) {}

  Decision run() && {
    for (std::size_t i = 0; i < request_.records.size(); ++i) {
      auto failed = record(request_.records[i]);
      if (!failed) continue;
      decision_.failure = Failure{*failed, request_.batch ? std::optional(i) : std::nullopt};
      decision_.records.clear();
      decision_.erase.clear();
      break;
    }
    return std::move(decision_);
  }

 private:
  using Why = std::variant<Refusal, Fault>;

  Decision::Touched& task(const TaskId& id) {
    for (auto& touched : decision_.tasks) {
      if (touched.after.id == id) return touched;
    }
    const Task& state = known_(id);
    auto& touched = decision_.tasks.emplace_back(Decision::Touched{state, state.version});
    touched.after.id = id;
    return touched;
  }

  UndoDecision events_for(const Task& state, const TaskCommand& command) const {
    return std::holds_alternative<UndoEvent>(command) ? *undo_ : decide(state, command);
  }

  // What is checked first answers: existence, then If-Match, then conflicts.
  std::optional<Why> precondition(const Task& state) const {
    const auto& match = request_.if_match;
    if (!match || match->any) return std::nullopt;
    if (std::find(match->versions.begin(), match->versions.end(), state.version) != match->versions.end()) {
      return std::nullopt;
    }
    return Fault::precondition_failed;
  }

  std::optional<Why> record(const BatchRecord& record) {
    auto& touched = task(*record.task_id);
    auto events = events_for(touched.after, record.command);
    if (!events && (events.error() == Refusal::not_found || events.error() == Refusal::event_not_found)) {
      return events.error();
    }
    if (auto failed = precondition(touched.after)) return failed;
    if (!events) return events.error();

    TaskOutcome outcome{*record.task_id, action_of(record.command), {}, std::nullopt};
    if (std::holds_alternative<UndoEvent>(record.command) && !events->empty()) {
      outcome.event = derived_event_id(request_.caller.workspace_id, *record.task_id, touched.after.version.next());
    }
    // Also of one that is erased already: what it held may still be on its way out of the files.
    if (std::holds_alternative<EraseTask>(record.command)) decision_.erase.push_back(record.task_id->value);
    for (TaskEvent& event : *events) append(touched.after, std::move(event));
    outcome.version = touched.after.version;
    decision_.outcomes.push_back(outcome);
    return std::nullopt;
  }

  void append(Task& state, TaskEvent event) {
    storage::NewRecord record;
    record.stream = state.id.value;
    record.type = static_cast<std::uint8_t>(type_of(event));
    record.payload = event_data(event);
    if (!request_.trace.empty()) record.trace = request_.trace;
    if (std::holds_alternative<TaskRestored>(event)) record.before = std::make_shared<const Task>(state);
    const TaskId id = state.id;
    evolve(state, id, state.version.next(), now_, request_.caller.user, event);
    record.event = std::make_shared<const TaskEvent>(std::move(event));
    decision_.records.push_back(std::move(record));
  }

  static Action action_of(const TaskCommand& command) {
    struct Visitor {
      Action operator()(const CreateTask&) const { return Action::created; }
      Action operator()(const UpdateTask&) const { return Action::updated; }
      Action operator()(const CompleteTask& c) const { return c.completed ? Action::completed : Action::reopened; }
      Action operator()(const DeleteTask&) const { return Action::deleted; }
      Action operator()(const RestoreTask&) const { return Action::restored; }
      Action operator()(const UndoEvent&) const { return Action::undone; }
      Action operator()(const EraseTask&) const { return Action::erased; }
    };
    return std::visit(Visitor{}, command);
  }

  const CommandHandler::Request& request_;
  const KnownState& known_;
  const UndoDecision* undo_;
  Timestamp now_;
  Decision decision_;
};

}  // namespace

Decision decide_request(const CommandHandler::Request& request, const KnownState& known, const UndoDecision* undo,
                        Timestamp now) {
  return Decider(request, known, undo, now).run();
}

}  // namespace taskledger::commands
