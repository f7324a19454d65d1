#include "http/request_metrics.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <string>

#include "http/router.h"

namespace taskledger::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Every status that the API gives; what is not among them is counted with the first.
constexpr std::array<unsigned, 20> kStatuses{500, 200, 201, 202, 204, 304, 400, 401, 403, 404,
                                             405, 408, 409, 412, 413, 414, 415, 422, 429, 431};
constexpr std::size_t kUnavailable = kStatuses.size();  // 503
constexpr std::size_t kStatusCount = kStatuses.size() + 1;
constexpr std::array<std::uint64_t, 15> kBounds{50,     100,    200,     500,     1'000,   2'500,     5'000,    10'000,
                                                25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};  // µs

std::size_t index_of(unsigned status) {
  if (status == 503) return kUnavailable;
  const auto at = std::find(kStatuses.begin(), kStatuses.end(), status);
  return at == kStatuses.end() ? 0 : static_cast<std::size_t>(at - kStatuses.begin());
}
unsigned status_at(std::size_t index) { return index == kUnavailable ? 503 : kStatuses[index]; }

using Count = std::atomic<std::uint64_t>;
void add(Count& count, std::uint64_t n) {
  count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

struct OfRoute {
  std::array<Count, kStatusCount> by_status{};
  std::array<Count, kBounds.size() + 1> by_time{};
  Count microseconds{0}, bytes{0};
};

// The sums over all threads.
struct Sums {
  std::array<std::uint64_t, kStatusCount> by_status{};
  std::array<std::uint64_t, kBounds.size() + 1> by_time{};
  std::uint64_t microseconds = 0, bytes = 0;
  void add(const OfRoute& from) {
    for (std::size_t i = 0; i < by_status.size(); ++i)
      by_status[i] += from.by_status[i].load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < by_time.size(); ++i) by_time[i] += from.by_time[i].load(std::memory_order_relaxed);
    microseconds += from.microseconds.load(std::memory_order_relaxed);
    bytes += from.bytes.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool any() const {
    return std::any_of(by_time.begin(), by_time.end(), [](std::uint64_t n) { return n != 0; });
  }
};

std::vector<ClientMetric::Label> labels_of(const Route* route) {
  if (route == nullptr) return {{"method", "none"}, {"route", "none"}};
  return {{"method", std::string(name_of(route->method))}, {"route", std::string(route->pattern)}};
}

ClientMetric duration_of(const Sums& sums) {
  ClientMetric metric;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < sums.by_time.size(); ++i) {
    below += sums.by_time[i];
    const double bound =
        i < kBounds.size() ? static_cast<double>(kBounds[i]) / 1e6 : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({below, bound});
  }
  metric.histogram.sample_count = below;
  metric.histogram.sample_sum = static_cast<double>(sums.microseconds) / 1e6;
  return metric;
}

ClientMetric counter_of(std::uint64_t value, std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  return metric;
}

std::atomic<std::uint64_t> next_serial{1};

}  // namespace

struct RequestMetrics::Counts {
  explicit Counts(std::size_t routes) : by_route(routes + 1) {}
  std::thread::id owner = std::this_thread::get_id();
  std::vector<OfRoute> by_route;  // the last: no route
};

RequestMetrics::RequestMetrics(std::span<const Route> routes) : routes_(routes), serial_(next_serial++) {}
RequestMetrics::~RequestMetrics() = default;

RequestMetrics::Counts& RequestMetrics::mine() {
  thread_local std::uint64_t serial = 0;
  thread_local Counts* counts = nullptr;
  if (serial == serial_) return *counts;
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(all_.begin(), all_.end(), [](const auto& c) { return c->owner == std::this_thread::get_id(); });
  counts = known != all_.end() ? known->get() : all_.emplace_back(std::make_unique<Counts>(routes_.size())).get();
  serial = serial_;
  return *counts;
}

void RequestMetrics::count(const Route* route, unsigned status, std::uint64_t microseconds, std::uint64_t bytes) {
  OfRoute& counts =
      mine().by_route[route == nullptr ? routes_.size() : static_cast<std::size_t>(route - routes_.data())];
  add(counts.by_status[index_of(status)], 1);
  add(counts.by_time[std::size_t(std::lower_bound(kBounds.begin(), kBounds.end(), microseconds) - kBounds.begin())], 1);
  add(counts.microseconds, microseconds);
  add(counts.bytes, bytes);
}

void RequestMetrics::count_failed_authentication(bool turned_away) {
  (turned_away ? turned_away_ : unauthorized_).fetch_add(1, std::memory_order_relaxed);
}

void RequestMetrics::collect(std::vector<MetricFamily>& out) const {
  std::vector<Sums> sums(routes_.size() + 1);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& counts : all_) {
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i].add(counts->by_route[i]);
    }
  }
  MetricFamily requests{"taskledger_http_requests_total", "Requests answered.", MetricType::Counter, {}};
  MetricFamily times{"taskledger_http_request_duration_seconds",
                     "From a request's last header byte to its answer being handed to the socket.",
                     MetricType::Histogram,
                     {}};
  MetricFamily bytes{
      "taskledger_http_response_bytes_total", "Bytes of answers, heads included.", MetricType::Counter, {}};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (!sums[i].any()) continue;
    const auto labels = labels_of(i < routes_.size() ? &routes_[i] : nullptr);
    for (std::size_t s = 0; s < kStatusCount; ++s) {
      if (sums[i].by_status[s] == 0) continue;
      auto with_status = labels;
      with_status.push_back({"status", std::to_string(status_at(s))});
      requests.metric.push_back(counter_of(sums[i].by_status[s], std::move(with_status)));
    }
    auto duration = duration_of(sums[i]);
    duration.label = labels;
    times.metric.push_back(std::move(duration));
    bytes.metric.push_back(counter_of(sums[i].bytes, labels));
  }
  MetricFamily failed{"taskledger_http_failed_authentications_total",
                      "Requests with a token that is not valid; turned away: over the address's limit.",
                      MetricType::Counter,
                      {}};
  failed.metric.push_back(counter_of(unauthorized_.load(std::memory_order_relaxed), {{"outcome", "unauthorized"}}));
  failed.metric.push_back(counter_of(turned_away_.load(std::memory_order_relaxed), {{"outcome", "turned_away"}}));
  for (auto* family : {&requests, &times, &bytes, &failed}) {
    if (!family->metric.empty()) out.push_back(std::move(*family));
  }
}

}  // namespace taskledger::http
