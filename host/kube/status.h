#pragma once

#include <string>

#include "base/result.h"
#include "kube/http_loop.h"

namespace slipway::kube {

// What kind of request an answer belongs to.
enum class Verb { kGet, kList, kCreate, kApply, kUpdate, kPatch, kDelete, kRaw };

const char* VerbName(Verb verb);

// The typed error of an answer with status 400 or above, as cluster.h lists them. The server's
// message is kept; `what` ("Cluster acme/db") names the object when the server wrote none.
Error StatusError(Verb verb, int status, const std::string& body, const std::string& what,
                  int64_t retry_after_ms = 0);
// The typed error of a transfer that brought no answer.
Error TransferError(const HttpAnswer& answer, const std::string& what);

// What to do with an answer.
enum class Retry {
  kNo,
  kYes,
  kAuth,  // read the credentials again, then once more
};

struct RetryQuestion {
  Verb verb = Verb::kGet;
  bool repeatable = true;  // doing it twice is doing it once
  int attempt = 0;         // from 0
  bool auth_renewed = false;
};

Retry ShouldRetry(const RetryQuestion& question, const HttpAnswer& answer);

}  // namespace slipway::kube
