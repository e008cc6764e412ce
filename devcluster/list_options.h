#pragma once

#include <string>

#include "devcluster/status.h"
#include "http/server.h"

namespace slipway::sim {

// The query parameters of a list or watch.
struct ListOptions {
  std::string token;    // the parameter "continue"
  std::string match;    // resourceVersionMatch
  std::string version;  // digits or ""
  bool initial = false, bookmarks = false;
  int64_t limit = 0, timeout_s = 0;

  uint64_t Version() const;
};

enum class Reading { kGet, kList, kWatch };

// Refuses the options that the API server refuses; `newest` is the version of the store.
Answer<ListOptions> ReadListOptions(const http::Request& request, Reading reading, uint64_t newest);

}  // namespace slipway::sim
