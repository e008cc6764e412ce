#include "bare_loop.h"

#include <vector>

#include <curl/curl.h>

#include "base/clock.h"

namespace slipway::bench {
namespace {

struct Slot {
  CURL* easy = nullptr;
  std::string body;
};

size_t Append(char* data, size_t, size_t n, void* user) {
  static_cast<std::string*>(user)->append(data, n);
  return n;
}

}  // namespace

int64_t BareLoop(const std::string& url, int in_flight, int connections, int64_t run_ms,
                 const std::function<void(const std::string&)>& on_body) {
  const SystemClock clock;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(connections));
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
  curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
  std::vector<Slot> slots(static_cast<size_t>(in_flight));
  for (Slot& slot : slots) {
    slot.easy = curl_easy_init();
    curl_easy_setopt(slot.easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(slot.easy, CURLOPT_WRITEFUNCTION, Append);
    curl_easy_setopt(slot.easy, CURLOPT_WRITEDATA, &slot.body);
    curl_easy_setopt(slot.easy, CURLOPT_PRIVATE, &slot);
    curl_easy_setopt(slot.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot.easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(slot.easy, CURLOPT_TIMEOUT_MS, 10'000L);
    curl_multi_add_handle(multi, slot.easy);
  }
  const int64_t end = clock.SteadyMs() + run_ms;
  int64_t done = 0;
  while (clock.SteadyMs() < end) {
    int running = 0, left = 0;
    curl_multi_perform(multi, &running);
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      void* owner = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
      auto* slot = static_cast<Slot*>(owner);
      on_body(slot->body);
      ++done;
      slot->body.clear();
      curl_multi_remove_handle(multi, slot->easy);
      curl_multi_add_handle(multi, slot->easy);
    }
    curl_multi_poll(multi, nullptr, 0, 100, nullptr);
  }
  for (Slot& slot : slots) {
    curl_multi_remove_handle(multi, slot.easy);
    curl_easy_cleanup(slot.easy);
  }
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  return done;
}

}  // namespace slipway::bench
