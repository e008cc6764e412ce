#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace slipway::bench {

// The yardstick: GETs of one URL over a plain curl_multi_poll loop on this thread, reused handles,
// `in_flight` at a time on at most `connections`. `on_body` sees every answer. The count done.
int64_t BareLoop(const std::string& url, int in_flight, int connections, int64_t run_ms,
                 const std::function<void(const std::string&)>& on_body);

}  // namespace slipway::bench
