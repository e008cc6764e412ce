#pragma once

#include <string>

#include "base/result.h"
#include "kube/http_message.h"

namespace slipway::kube {

// The kind of request that an answer belongs to.
enum class Verb { kGet, kList, kCreate, kApply, kUpdate, kPatch, kDelete, kRaw };

const char* VerbName(Verb verb);

// The typed error of an answer with status 400 or above; cluster.h lists them. It has the server's
// message; if there is none, `what` ("Cluster acme/db") names the object.
Error StatusError(Verb verb, int status, const std::string& body, const std::string& what,
                  int64_t retry_after_ms = 0);
// The typed error of a transfer without an answer.
Error TransferError(const HttpAnswer& answer, const std::string& what);

// The step after an answer.
enum class Retry {
  kNo,
  kYes,
  kAuth,  // renew the credentials, then try once more
};

struct RetryQuestion {
  Verb verb = Verb::kGet;
  bool repeatable = true;  // twice has the effect of once
  int attempt = 0;         // from 0
  bool auth_renewed = false;
};

Retry ShouldRetry(const RetryQuestion& question, const HttpAnswer& answer);

}  // namespace slipway::kube
