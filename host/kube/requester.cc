#include "kube/requester.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/backoff.h"

namespace slipway::kube {
namespace {

bool Succeeded(const HttpAnswer& answer) {
  return answer.outcome == HttpOutcome::kAnswered && answer.status >= 200 && answer.status < 300;
}

Error ErrorOf(const Call& call, const HttpAnswer& answer) {
  if (answer.outcome != HttpOutcome::kAnswered) return TransferError(answer, call.what);
  return StatusError(call.verb, answer.status, answer.body, call.what, answer.retry_after_ms);
}

// Moves the call's path and body.
HttpRequest RequestOf(Call& call) {
  HttpRequest request;
  request.method = call.method;
  request.path = std::move(call.path);
  request.body = std::move(call.body);
  request.content_type = call.content_type;
  request.resend = call.repeatable;
  return request;
}

}  // namespace

Requester::Requester(HttpCaller& http, Credentials& credentials, Warnings& warnings,
                     const ClientOptions& options, Metrics& metrics)
    : http_(http), credentials_(credentials), warnings_(warnings), options_(options) {
  for (size_t i = 0; i < ok_.size(); ++i) {
    const std::string verb = VerbName(static_cast<Verb>(i));
    const std::string help = "Requests to the API server.";
    ok_[i] =
        metrics.GetCounter("slipway_kube_requests_total", help, {{"verb", verb}, {"result", "ok"}});
    failed_[i] = metrics.GetCounter("slipway_kube_requests_total", help,
                                    {{"verb", verb}, {"result", "failed"}});
    seconds_[i] = metrics.GetHistogram("slipway_kube_request_seconds", "One attempt's time.",
                                       {{"verb", verb}});
  }
  retries_ = metrics.GetCounter("slipway_kube_retries_total", "Attempts after the first.");
}

HttpAnswer Requester::Attempt(const Call& call, const HttpRequest& request, int attempt) {
  const auto verb = static_cast<size_t>(call.verb);
  if (attempt > 0) retries_.Add();
  const int64_t start = clock_.SteadyMs();
  HttpAnswer answer = http_.Send(request);
  warnings_.Note(answer.warnings);
  seconds_[verb].Observe(static_cast<double>(clock_.SteadyMs() - start) / 1000);
  (Succeeded(answer) ? ok_ : failed_)[verb].Add();
  return answer;
}

void Requester::Pause(int64_t ms) {
  std::unique_lock lock(mutex_);
  (void)never_.wait_for(lock, std::chrono::milliseconds(ms), [] { return false; });
}

Result<std::string> Requester::Once(Call call, int64_t timeout_ms) {
  HttpRequest request = RequestOf(call);
  TRY(request.auth, credentials_.Get());
  request.timeout_ms = timeout_ms;
  HttpAnswer answer = Attempt(call, request, 0);
  if (!Succeeded(answer)) return ErrorOf(call, answer);
  return std::move(answer.body);
}

Result<std::string> Requester::Do(Call call) {
  HttpRequest request = RequestOf(call);
  const int64_t end = clock_.SteadyMs() + options_.total_timeout_ms;
  const BackoffPolicy backoff{options_.retry_base_ms, options_.retry_cap_ms};
  RetryQuestion question{.verb = call.verb, .repeatable = call.repeatable};
  std::optional<Error> last;
  for (int attempt = 0;; ++attempt) {
    TRY(request.auth, credentials_.Get());
    request.timeout_ms =
        std::clamp<int64_t>(end - clock_.SteadyMs(), 1, options_.request_timeout_ms);
    HttpAnswer answer = Attempt(call, request, attempt);
    if (Succeeded(answer)) return std::move(answer.body);
    question.attempt = attempt;
    switch (ShouldRetry(question, answer)) {
      case Retry::kNo:
        return ErrorOf(call, answer);
      case Retry::kAuth:
        credentials_.Reject(request.auth);
        question.auth_renewed = true;
        continue;
      case Retry::kYes:
        break;
    }
    // An attempt that had only the rest of the total time proves nothing about the server.
    const bool cut_short =
        answer.outcome == HttpOutcome::kTimeout && request.timeout_ms < options_.request_timeout_ms;
    if (!last || !cut_short) last = ErrorOf(call, answer);
    const int64_t wait = BackoffMs(backoff, attempt, answer.retry_after_ms);
    if (clock_.SteadyMs() + wait >= end) {
      last->message += " (" + std::to_string(attempt + 1) + " attempts)";
      return *std::move(last);
    }
    request.fresh = answer.outcome == HttpOutcome::kTimeout || answer.outcome == HttpOutcome::kLost;
    Pause(wait);
  }
}

}  // namespace slipway::kube
