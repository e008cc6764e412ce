#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "kube/client.h"
#include "kube/credentials.h"
#include "kube/http_caller.h"
#include "kube/status.h"
#include "kube/warnings.h"

namespace slipway::kube {

// One request of a verb.
struct Call {
  Verb verb = Verb::kGet;
  HttpMethod method = HttpMethod::kGet;
  std::string path = {}, body = {};
  const char* content_type = "application/json";
  bool repeatable = true;  // twice has the effect of once
  std::string what = {};   // for messages: "Cluster acme/db"
};

// Sends a call until there is a final answer. It knows credentials, deadlines, retries and typed
// errors. Any thread that may block.
class Requester {
 public:
  Requester(HttpCaller& http, Credentials& credentials, Warnings& warnings,
            const ClientOptions& options, Metrics& metrics);

  // The body of a 2xx answer.
  Result<std::string> Do(Call call);
  // One attempt, no retries.
  Result<std::string> Once(Call call, int64_t timeout_ms);

 private:
  HttpAnswer Attempt(const Call& call, const HttpRequest& request, int attempt);
  void Pause(int64_t ms);

  HttpCaller& http_;
  Credentials& credentials_;
  Warnings& warnings_;
  const ClientOptions& options_;
  const SystemClock clock_;                      // deadlines are real time
  std::array<Metrics::Counter, 8> ok_, failed_;  // by verb
  std::array<Metrics::Histogram, 8> seconds_;
  Metrics::Counter retries_;
  std::mutex mutex_;
  std::condition_variable never_;  // a pause waits for it
};

}  // namespace slipway::kube
