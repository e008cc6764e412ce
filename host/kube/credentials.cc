#include "kube/credentials.h"

#include "base/backoff.h"
#include "base/yaml.h"
#include "kube/exec_plugin.h"

namespace slipway::kube {
namespace {

constexpr int64_t kFilesMs = 60'000;
constexpr int64_t kPluginDeadlineMs = 30'000;
constexpr int64_t kExpiryMarginMs = 10'000;
constexpr int64_t kJustIssuedMs = 10'000;
constexpr BackoffPolicy kPluginBackoff{2'000, 30'000};

std::string ReadOrNothing(const std::string& path) {
  if (path.empty()) return {};
  auto text = ReadFile(path);
  return text ? *std::move(text) : std::string();
}

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

}  // namespace

Credentials::Credentials(const Config& config, const Clock& clock)
    : exec_(config.exec),
      token_file_(config.token_file),
      cert_file_(config.client_cert_file),
      key_file_(config.client_key_file),
      clock_(clock) {
  auto auth = std::make_shared<HttpAuth>();
  auth->bearer_token = config.bearer_token;
  auth->client_cert_pem = config.client_cert_pem;
  auth->client_key_pem = config.client_key_pem;
  if (exec_.command.empty()) current_ = std::move(auth);
}

Credentials::AuthPtr Credentials::Peek() {
  if (!needs_plugin()) return PeekFiles();
  const std::lock_guard lock(mutex_);
  const bool expired = expires_ms_ != 0 && expires_ms_ - kExpiryMarginMs <= clock_.NowMs() &&
                       clock_.SteadyMs() - read_at_ms_ >= kJustIssuedMs;
  if (expired) current_ = nullptr;
  return current_;
}

Credentials::AuthPtr Credentials::PeekFiles() {
  {
    const std::lock_guard lock(mutex_);
    const bool none = token_file_.empty() && cert_file_.empty();
    if (none || (!stale_ && clock_.SteadyMs() - read_at_ms_ < kFilesMs)) return current_;
  }
  ReadFiles();
  const std::lock_guard lock(mutex_);
  return current_;
}

// An unreadable file leaves the old content.
void Credentials::ReadFiles() {
  HttpAuth read;
  read.bearer_token = Trimmed(ReadOrNothing(token_file_));
  read.client_cert_pem = ReadOrNothing(cert_file_);
  read.client_key_pem = ReadOrNothing(key_file_);
  const std::lock_guard lock(mutex_);
  stale_ = false;
  read_at_ms_ = clock_.SteadyMs();
  if (read.bearer_token.empty()) read.bearer_token = current_->bearer_token;
  if (read.client_cert_pem.empty() || read.client_key_pem.empty()) {
    read.client_cert_pem = current_->client_cert_pem;
    read.client_key_pem = current_->client_key_pem;
  }
  if (read != *current_) current_ = std::make_shared<const HttpAuth>(std::move(read));
}

Result<Credentials::AuthPtr> Credentials::Get() {
  if (AuthPtr now = Peek()) return now;
  const std::lock_guard run(plugin_mutex_);
  if (AuthPtr now = Peek()) return now;  // another thread has run it meanwhile
  {
    const std::lock_guard lock(mutex_);
    if (clock_.SteadyMs() < next_run_ms_) return last_error_;
  }
  auto credential = RunExecPlugin(exec_, kPluginDeadlineMs);
  const std::lock_guard lock(mutex_);
  if (!credential) {
    BackOff(failures_++, credential.error());
    return last_error_;
  }
  failures_ = 0;
  expires_ms_ = credential->expires_ms;
  read_at_ms_ = clock_.SteadyMs();
  current_ = std::make_shared<const HttpAuth>(std::move(credential->auth));
  return current_;
}

void Credentials::BackOff(int attempt, Error error) {
  next_run_ms_ = clock_.SteadyMs() + BackoffMs(kPluginBackoff, attempt);
  last_error_ = std::move(error);
}

void Credentials::Reject(const AuthPtr& used) {
  const std::lock_guard lock(mutex_);
  if (current_ != used) return;
  if (!needs_plugin()) {
    stale_ = true;
    return;
  }
  current_ = nullptr;
  // A rotation may explain the first refusal of a new credential, so run again at once.
  const bool just_issued = clock_.SteadyMs() - read_at_ms_ < kJustIssuedMs;
  refusals_ = just_issued ? refusals_ + 1 : 0;
  if (refusals_ < 2) return;
  BackOff(refusals_ - 2,
          {Code::kUnauthenticated, "CredentialRefused",
           "the API server refuses the credentials that exec plugin " + exec_.command + " gives"});
}

}  // namespace slipway::kube
