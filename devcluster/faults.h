#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "devcluster/status.h"

namespace slipway::sim {

// A fault that replaces the answer to a request, or delays it.
struct Fault {
  enum class Action { kLatency, kStatus, kDrop, kHalfLine, kGone, kRefuseAll, kPage, kGarbage };
  Action action = Action::kStatus;
  int status = 503;
  int retry_after_s = 0;
  int64_t ms = 0;     // the latency, or for how long all requests are refused
  int64_t after = 0;  // so many events are sent before a watch is cut
};

// Faults that tests switch on through /_sim/faults:
//   {"match": {"method": "PATCH", "path": "/clusters/", "verb": "apply", "userAgent": "slipwayd"},
//   "action": "status", "status": 409, "every": 3, "count": 1}
// `path` is a part of the path, or a pattern when it has a "*"; `userAgent` is how the client's
// name begins; `every` n hits each n-th match; `count` limits the hits in all. Actions: latency,
// status, drop, half-line, gone, refuse-all, page (a 404 as from a server that is no API server),
// garbage (200 and a page of HTML). One mutex guards all members.
class Faults {
 public:
  Answer<Json> Add(const Json& rule);  // the rule with its id
  Json List() const;
  void Remove(int64_t id);  // 0 removes all
  // A request meets each latency and the first other fault, which comes last in the list. A fault
  // that another one keeps from happening has not been hit, so that it meets a later request.
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
