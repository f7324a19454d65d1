#include "bench/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "core/timestamp.h"

namespace taskledger::bench {
namespace {

constexpr std::int64_t kDay = 86'400'000;
constexpr const char* kPriorities[] = {"low", "medium", "high"};
constexpr const char* kActions[] = {"call", "email", "meeting", "linkedin_message", "whatsapp_message"};
constexpr const char* kEntities[] = {"contacts", "companies", "opportunities"};
constexpr const char* kVerbs[] = {"Call", "Write to", "Meet", "Remind", "Thank", "Invoice", "Brief", "Visit"};
constexpr const char* kNames[] = {"Alice", "Bruno", "Chen", "Dalia", "Emil", "Fatou", "Grace", "Hugo", "Ines", "Jonas"};
constexpr const char* kSubjects[] = {"contract renewal",   "the quarterly review", "an overdue invoice",
                                     "the new price list", "onboarding",           "a support escalation",
                                     "the product demo",   "travel plans"};

std::string task_id(std::int64_t ms, Random& random) {
  const auto hex = fmt::format("{:012x}", ms);
  return fmt::format("{}-{}-7{:03x}-{:04x}-{:012x}", hex.substr(0, 8), hex.substr(8), random.below(0x1000),
                     0x8000 | random.below(0x4000), random.next() & 0xffffffffffffull);
}
// Title, dates and links, without the braces around.
void append_fields(std::string& out, Random& random, std::int64_t now_ms, unsigned entity_count, std::uint64_t serial) {
  const std::int64_t due = (now_ms / 1000 - 180 * 86'400 + random.below(360 * 86'400)) * 1000;
  fmt::format_to(
      std::back_inserter(out),
      R"("title":"{} {} about {} #{}","due_date":"{}","priority":"{}","action_type":"{}","assigned_to_id":"{}","linked_entities":[)",
      kVerbs[random.below(8)], kNames[random.below(10)], kSubjects[random.below(8)], serial, to_rfc3339({due}),
      kPriorities[random.below(3)], kActions[random.below(5)], user_id(random.below(kUsers)));
  unsigned first = random.below(entity_count);
  for (unsigned k = 1 + random.below(3); k > 0; --k) {
    fmt::format_to(std::back_inserter(out), R"({{"id":"{}","type":"{}"}}{})", entity_id(first), kEntities[first % 3],
                   k > 1 ? "," : "");
    first = (first + 1 + random.below(entity_count / 4)) % entity_count;
  }
  out += ']';
}

}  // namespace

std::string user_id(unsigned k) { return fmt::format("a5510000-0000-4000-8000-{:012x}", k); }
std::string entity_id(unsigned k) { return fmt::format("e0000000-0000-4000-8000-{:012x}", k); }
unsigned entities(std::uint64_t tasks) { return unsigned(tasks / 10 < 100 ? 100 : tasks / 10); }

std::uint64_t write_dataset(const std::string& path, std::uint64_t tasks, std::uint64_t seed, std::int64_t now_ms) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (!file) throw std::runtime_error("cannot write " + path);
  Random random(seed);
  const std::int64_t start = now_ms - 180 * kDay;
  struct Completion {
    std::string id, by;
  };
  std::vector<std::vector<Completion>> due(tasks + 1);  // by the number of creations before it
  std::string out;
  std::uint64_t events = 0;
  const auto at = [&](std::uint64_t i) {
    return (start + std::int64_t(i * (180.0 * double(kDay) / double(tasks)))) / 1000 * 1000;
  };
  const auto complete = [&](std::uint64_t i, std::int64_t ms) {
    for (const auto& done : due[i]) {
      ++events;
      fmt::format_to(std::back_inserter(out),
                     R"({{"task_id":"{}","version":2,"type":"TaskCompleted","time":"{}","actor":"{}","data":{{}}}})",
                     done.id, to_rfc3339({ms}), done.by);
      out += '\n';
    }
    std::vector<Completion>().swap(due[i]);
  };
  for (std::uint64_t i = 0; i < tasks; ++i) {
    complete(i, at(i));
    const std::string id = task_id(at(i), random), by = user_id(random.below(kUsers));
    ++events;
    fmt::format_to(std::back_inserter(out),
                   R"({{"task_id":"{}","version":1,"type":"TaskCreated","time":"{}","actor":"{}","data":{{)", id,
                   to_rfc3339({at(i)}), by);
    append_fields(out, random, now_ms, entities(tasks), i);
    out += "}}\n";
    if (random.below(10) < 3) {
      const std::uint64_t later = std::min(tasks, i + 1 + random.below(std::uint32_t(tasks / 5 + 1)));
      due[later].push_back({id, by});
    }
    if (out.size() > (1 << 20)) std::fwrite(out.data(), 1, out.size(), file), out.clear();
  }
  complete(tasks, now_ms / 1000 * 1000);
  std::fwrite(out.data(), 1, out.size(), file);
  if (std::fclose(file) != 0) throw std::runtime_error("cannot write " + path);
  return events;
}

void append_create_body(std::string& out, Random& random, std::int64_t now_ms) {
  out += '{';
  append_fields(out, random, now_ms, 100'000, random.below(1u << 31));
  out += '}';
}

}  // namespace taskledger::bench
