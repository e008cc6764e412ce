#include "kube/credentials.h"

#include "base/yaml.h"
#include "kube/exec_plugin.h"

namespace slipway::kube {
namespace {

constexpr int64_t kTokenFileMs = 60'000;
constexpr int64_t kPluginDeadlineMs = 30'000;
constexpr int64_t kExpiryMarginMs = 10'000;

}  // namespace

Credentials::Credentials(const Config& config, const Clock& clock)
    : exec_(config.exec), token_file_(config.token_file), clock_(clock) {
  auto auth = std::make_shared<HttpAuth>();
  auth->bearer_token = config.bearer_token;
  auth->client_cert_pem = config.client_cert_pem;
  auth->client_key_pem = config.client_key_pem;
  if (exec_.command.empty()) current_ = std::move(auth);
}

Credentials::AuthPtr Credentials::Peek() {
  if (!needs_plugin()) return PeekToken();
  const std::lock_guard lock(mutex_);
  if (current_ && expires_ms_ != 0 && expires_ms_ - kExpiryMarginMs <= clock_.NowMs())
    current_ = nullptr;
  return current_;
}

Credentials::AuthPtr Credentials::PeekToken() {
  {
    const std::lock_guard lock(mutex_);
    const bool fresh =
        token_file_.empty() || (!stale_ && clock_.SteadyMs() - read_at_ms_ < kTokenFileMs);
    if (fresh) return current_;
  }
  ReadTokenFile();
  const std::lock_guard lock(mutex_);
  return current_;
}

// A file that cannot be read leaves the token that was.
void Credentials::ReadTokenFile() {
  auto text = ReadFile(token_file_);
  const std::lock_guard lock(mutex_);
  stale_ = false;
  read_at_ms_ = clock_.SteadyMs();
  if (!text) return;
  std::string token = *std::move(text);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty() || token == current_->bearer_token) return;
  auto next = std::make_shared<HttpAuth>(*current_);
  next->bearer_token = std::move(token);
  current_ = std::move(next);
}

Result<Credentials::AuthPtr> Credentials::Get() {
  if (AuthPtr now = Peek()) return now;
  const std::lock_guard run(plugin_mutex_);
  if (AuthPtr now = Peek()) return now;  // another thread ran it meanwhile
  TRY(ExecCredential credential, RunExecPlugin(exec_, kPluginDeadlineMs));
  auto next = std::make_shared<const HttpAuth>(std::move(credential.auth));
  const std::lock_guard lock(mutex_);
  expires_ms_ = credential.expires_ms;
  current_ = next;
  return AuthPtr(next);
}

void Credentials::Reject(const AuthPtr& used) {
  const std::lock_guard lock(mutex_);
  if (current_ != used) return;
  if (needs_plugin()) {
    current_ = nullptr;
  } else {
    stale_ = true;
  }
}

}  // namespace slipway::kube
