#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/status.h"

namespace slipway::sim {

// What a request runs into instead of, or before, its answer.
struct Fault {
  enum class Action { kLatency, kStatus, kDrop, kHalfLine, kGone, kRefuseAll, kPage, kGarbage };
  Action action = Action::kStatus;
  int status = 503;
  int retry_after_s = 0;
  int64_t ms = 0;     // latency, or how long all are refused
  int64_t after = 0;  // events before a watch is cut
};

// Faults that tests switch on through /_sim/faults:
//   {"match": {"method": "PATCH", "path": "/clusters/", "verb": "apply", "userAgent": "slipwayd"},
//   "action": "status", "status": 409, "every": 3, "count": 1}
// `path` is a part of the path, or a pattern when it has a "*"; `userAgent` is how the client's
// name begins; `every` n hits each n-th match, `count` is how many are hit in all. Actions:
// latency, status, drop, half-line, gone, refuse-all, page (404 as of a server that is no API
// server), garbage (200 and a page of HTML). Guarded by one mutex.
class Faults {
 public:
  Answer<Json> Add(const Json& rule);  // the rule with its id
  Json List() const;
  void Remove(int64_t id);  // 0 removes all
  // Latency and another fault may hit the same request: the latency comes first in the list.
  std::vector<Fault> Hit(std::string_view method, std::string_view path, std::string_view verb,
                         std::string_view user_agent);

 private:
  struct Rule {
    int64_t id = 0;
    std::string method, path, verb, user_agent;
    Fault fault;
    int64_t every = 1, count = 0;  // count 0: no end
    int64_t seen = 0, hits = 0;
    Json source;
  };

  mutable std::mutex mutex_;
  std::vector<Rule> rules_;
  int64_t next_id_ = 1;
};

}  // namespace slipway::sim
