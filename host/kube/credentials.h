#pragma once

#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"
#include "kube/config.h"
#include "kube/http_message.h"

namespace slipway::kube {

// Keeps the credential of all requests current.
//
// It reads files of a token or a certificate every minute, and when the server refused their
// content. It runs an exec plugin when the credential is missing, expired or refused. A new
// credential counts as good for some seconds: a clock that is ahead would call it expired at once.
// After a failure of the plugin, or a second new credential that the server refuses, it waits
// before the next run, for one second at first and half a minute at last; all callers get the last
// error meanwhile.
//
// Any thread. At most one plugin runs at a time.
class Credentials {
 public:
  using AuthPtr = std::shared_ptr<const HttpAuth>;

  Credentials(const Config& config, const Clock& clock);

  // Never waits for a plugin; null when one must run first.
  AuthPtr Peek();
  // Runs the plugin if need be. Error kUnauthenticated with the plugin's own words.
  Result<AuthPtr> Get();
  // The server refused this credential. The next Get() looks for a newer one.
  void Reject(const AuthPtr& used);

  bool needs_plugin() const { return !exec_.command.empty(); }

 private:
  AuthPtr PeekFiles();
  void ReadFiles();
  void BackOff(int attempt, Error error);  // mutex_ is held

  const Config::Exec exec_;
  const std::string token_file_, cert_file_, key_file_;
  const Clock& clock_;
  std::mutex plugin_mutex_;  // held while a plugin runs; taken before mutex_
  std::mutex mutex_;         // guards the rest
  AuthPtr current_;
  int64_t expires_ms_ = 0;
  int64_t read_at_ms_ = 0;  // steady time: files, or the plugin's run
  bool stale_ = true;
  int failures_ = 0;         // of the plugin, in a row
  int refusals_ = 0;         // of its new credentials, in a row
  int64_t next_run_ms_ = 0;  // steady time; until then last_error_ stands
  Error last_error_;
};

}  // namespace slipway::kube
