#include "kube/http_pool.h"

#include <algorithm>

#include <curl/curl.h>

namespace slipway::kube {
namespace {

// When a connection has no stream left, curl opens another one for each transfer that it gets
// before the first of those is open. So it gets a few transfers at a time.
constexpr size_t kOpening = 8;

int OnSocket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  auto* pool = static_cast<HttpPool*>(user);
  uint32_t events = 0;
  if (what != CURL_POLL_REMOVE) {
    if ((what & CURL_POLL_IN) != 0) events |= PollSet::kRead;
    if ((what & CURL_POLL_OUT) != 0) events |= PollSet::kWrite;
  }
  pool->sockets.Want(fd, events, pool->multi);
  return 0;
}

int OnTimer(CURLM*, long timeout_ms, void* user) {
  auto* pool = static_cast<HttpPool*>(user);
  pool->timer_ms = timeout_ms < 0 ? Transfer::kNever : pool->clock.SteadyMs() + timeout_ms;
  return 0;
}

}  // namespace

HttpPool::HttpPool(const HttpOptions& options, Transfer::Kind k, PollSet& s, const Clock& c)
    : sockets(s), clock(c), kind(k), multi(curl_multi_init()) {
  const bool streams = kind == Transfer::Kind::kStream;
  const bool plain = options.server.starts_with("http://");
  const long connections = streams ? 0 : std::max(1, options.max_connections);
  limit = streams ? 10'000 : 1000;
  // Without TLS a connection serves one request; a transfer waits here at less cost than in curl.
  if (plain && !streams) limit = static_cast<size_t>(connections);
  if (!plain && streams) opening_limit = kOpening;
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
  if (connections > 0) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
}

HttpPool::~HttpPool() {
  idle.clear();
  curl_multi_cleanup(multi);
}

}  // namespace slipway::kube
