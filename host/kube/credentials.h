#pragma once

#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/http_loop.h"

namespace slipway::kube {

// What requests authenticate with, kept current: files of a token or a certificate are read again
// every minute and when they were refused, an exec plugin is run when its credential is missing,
// expired or refused. A new credential is good for some seconds whatever the clocks say: by a clock
// that is ahead it may seem to have expired before it was issued. Any thread; at most one plugin
// runs at a time.
class Credentials {
 public:
  using AuthPtr = std::shared_ptr<const HttpAuth>;

  Credentials(const Config& config, const Clock& clock);

  // Never blocks on a plugin: null when one has to run first.
  AuthPtr Peek();
  // Runs the plugin when it must. kUnauthenticated when there is no credential to be had.
  Result<AuthPtr> Get();
  // The server refused it. The next Get() looks for a newer one.
  void Reject(const AuthPtr& used);

  bool needs_plugin() const { return !exec_.command.empty(); }

 private:
  AuthPtr PeekFiles();
  void ReadFiles();

  const Config::Exec exec_;
  const std::string token_file_, cert_file_, key_file_;
  const Clock& clock_;
  std::mutex plugin_mutex_;  // held while a plugin runs; taken before mutex_
  std::mutex mutex_;         // guards the rest
  AuthPtr current_;
  int64_t expires_ms_ = 0;
  int64_t read_at_ms_ = 0;  // steady time: files, or the plugin's run
  bool stale_ = true;
};

}  // namespace slipway::kube
