#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/http_message.h"

namespace slipway::kube {

// One reusable curl handle. It sets constant options once, and the others only when they differ
// from those of the last request. One thread at a time.
class HttpEasy {
 public:
  // Takes the bytes of an answer.
  struct Sink {
    virtual ~Sink() = default;
    virtual bool OnBytes(std::string_view bytes) = 0;  // false ends the transfer

    virtual void OnHead() {}  // a stream's answer begins
  };

  // Hears of every TCP socket, after it was opened and before it is closed.
  struct SocketHooks {
    void (*opened)(void* user, int fd) = nullptr;
    void (*closing)(void* user, int fd) = nullptr;
    void* user = nullptr;
  };

  // `hooks` (or null) must outlive every connection of the handle.
  HttpEasy(const HttpOptions& options, const SocketHooks* hooks);
  ~HttpEasy();
  HttpEasy(const HttpEasy&) = delete;
  HttpEasy& operator=(const HttpEasy&) = delete;

  // The request must live until the transfer has ended.
  void Prepare(const HttpRequest& request, int64_t timeout_ms, Sink* sink, void* owner);
  // Blocks until the transfer has ended. Uses connections of this handle alone. Gives the CURLcode.
  int Perform();
  // Appends bytes to `body`; false beyond the limit.
  bool Collect(std::string_view bytes, size_t max_bytes, std::string& body) const;
  // After the end: fills in all but the body. `result` is the CURLcode.
  void Finish(int result, HttpAnswer& answer);
  int status() const;

  void* handle() const { return curl_; }

 private:
  static size_t Write(char* data, size_t size, size_t count, void* user);
  static size_t Head(char* data, size_t size, size_t count, void* user);
  static size_t Read(char* buffer, size_t size, size_t count, void* user);
  void SetMethod(const HttpRequest& request);
  void SetHeaders(const HttpRequest& request);
  void SetClientCert(const HttpAuth& auth);
  void ReadWarnings(HttpAnswer& answer) const;

  void* curl_;
  void* connect_to_ = nullptr;
  std::string base_, url_, host_header_;
  std::vector<std::string> fixed_headers_;
  Sink* sink_ = nullptr;
  std::string_view unread_;  // of a body that must not be sent twice
  char error_[256] = {};
  bool set_up_ = false, has_body_ = false, fresh_ = false;
  HttpMethod method_ = HttpMethod::kGet;
  int64_t timeout_ms_ = -1;
  std::shared_ptr<const HttpAuth> auth_;
  const char* content_type_ = nullptr;
  struct HeaderList;
  HeaderList* headers_ = nullptr;
};

// Initialises the library once per process. Later calls are cheap.
void InitHttpLibrary();

}  // namespace slipway::kube
