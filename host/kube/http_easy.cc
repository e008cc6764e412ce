#include "kube/http_easy.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

namespace slipway::kube {

struct HttpEasy::HeaderList {
  curl_slist* list = nullptr;

  ~HeaderList() { curl_slist_free_all(list); }

  void Add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

namespace {

// curl reads up to a hundred buffers before other transfers run. Streams have small buffers, for we
// decode each byte on the spot. A handle serves either streams or requests.
constexpr long kRequestBuffer = 65'536, kStreamBuffer = 8'192;
constexpr long kUserTimeoutMs = 30'000;  // without an acknowledgement the peer is gone
// At this age of its connection a request takes a new one, so that each of several API servers
// behind one address gets its share again.
constexpr long kConnectionLifeS = 600;

curl_socket_t OpenTcp(void* user, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  const unsigned timeout = kUserTimeoutMs;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
  const auto* hooks = static_cast<const HttpEasy::SocketHooks*>(user);
  if (hooks != nullptr) hooks->opened(hooks->user, fd);
  return fd;
}

int CloseTcp(void* user, curl_socket_t fd) {
  const auto* hooks = static_cast<const HttpEasy::SocketHooks*>(user);
  if (hooks != nullptr) hooks->closing(hooks->user, fd);
  return ::close(fd);
}

curl_blob Blob(const std::string& data) {
  return {const_cast<char*>(data.data()), data.size(), CURL_BLOB_COPY};
}

// "host" and "port" of scheme://host:port/prefix.
struct Authority {
  std::string scheme, host, port, prefix;
};

Authority SplitServer(const std::string& server) {
  Authority out;
  const size_t scheme_end = server.find("://");
  out.scheme = scheme_end == std::string::npos ? "https" : server.substr(0, scheme_end);
  const std::string rest = scheme_end == std::string::npos ? server : server.substr(scheme_end + 3);
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  out.prefix = rest.substr(slash);
  while (!out.prefix.empty() && out.prefix.back() == '/') out.prefix.pop_back();
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  out.host = authority.substr(0, has_port ? colon : authority.size());
  out.port = has_port ? authority.substr(colon + 1) : (out.scheme == "http" ? "80" : "443");
  return out;
}

HttpOutcome Classify(CURLcode result, bool nothing_sent) {
  switch (result) {
    case CURLE_OK:
      return HttpOutcome::kAnswered;
    case CURLE_WRITE_ERROR:
      return HttpOutcome::kTooLarge;
    case CURLE_OPERATION_TIMEDOUT:
      return nothing_sent ? HttpOutcome::kNotSent : HttpOutcome::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return HttpOutcome::kTls;
    default:
      return nothing_sent ? HttpOutcome::kNotSent : HttpOutcome::kLost;
  }
}

}  // namespace

void InitHttpLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

HttpEasy::HttpEasy(const HttpOptions& options, const SocketHooks* hooks) : curl_(curl_easy_init()) {
  const Authority at = SplitServer(options.server);
  const bool tls = at.scheme != "http";
  base_ = at.scheme + "://" + at.host + ":" + at.port + at.prefix;
  fixed_headers_ = options.headers;
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl_, CURLOPT_PROXY,
                   options.proxy_url.c_str());  // "": no proxy, not even the environment's
  curl_easy_setopt(curl_, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &HttpEasy::Write);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl_, CURLOPT_OPENSOCKETFUNCTION, &OpenTcp);
  curl_easy_setopt(curl_, CURLOPT_CLOSESOCKETFUNCTION, &CloseTcp);
  curl_easy_setopt(curl_, CURLOPT_CLOSESOCKETDATA, hooks);
  curl_easy_setopt(curl_, CURLOPT_OPENSOCKETDATA, hooks);
  curl_easy_setopt(curl_, CURLOPT_MAXCONNECTS, 1L);  // for Perform(); in a loop the pool decides
  curl_easy_setopt(curl_, CURLOPT_MAXLIFETIME_CONN, kConnectionLifeS);
  curl_easy_setopt(curl_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl_, CURLOPT_TCP_KEEPIDLE, 15L);
  curl_easy_setopt(curl_, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(
      curl_, CURLOPT_HTTP_VERSION,
      static_cast<long>(tls && options.multiplex ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (!tls) return;
  curl_easy_setopt(curl_, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(curl_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_pem.empty()) {
    curl_blob ca = Blob(options.ca_pem);
    curl_easy_setopt(curl_, CURLOPT_CAINFO_BLOB, &ca);
  }
  if (options.insecure_skip_verify) {
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!options.tls_server_name.empty() && options.tls_server_name != at.host) {
    // The name goes into the URL (SNI and verification), the address into CONNECT_TO.
    base_ = "https://" + options.tls_server_name + ":" + at.port + at.prefix;
    host_header_ = "Host: " + at.host + ":" + at.port;
    curl_slist* to = curl_slist_append(nullptr, ("::" + at.host + ":" + at.port).c_str());
    curl_easy_setopt(curl_, CURLOPT_CONNECT_TO, to);
    connect_to_ = to;
  }
}

HttpEasy::~HttpEasy() {
  curl_easy_cleanup(curl_);
  delete headers_;
  curl_slist_free_all(static_cast<curl_slist*>(connect_to_));
}

size_t HttpEasy::Write(char* data, size_t size, size_t count, void* user) {
  auto* self = static_cast<HttpEasy*>(user);
  return self->sink_->OnBytes({data, size * count}) ? size * count : CURL_WRITEFUNC_ERROR;
}

size_t HttpEasy::Head(char*, size_t size, size_t count, void* user) {
  static_cast<HttpEasy*>(user)->sink_->OnHead();
  return size * count;
}

size_t HttpEasy::Read(char* buffer, size_t size, size_t count, void* user) {
  auto* self = static_cast<HttpEasy*>(user);
  const size_t n = std::min(size * count, self->unread_.size());
  std::memcpy(buffer, self->unread_.data(), n);
  self->unread_.remove_prefix(n);
  return n;
}

void HttpEasy::SetMethod(const HttpRequest& request) {
  static constexpr const char* kVerbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  const bool has_body = !request.body.empty();
  if (!has_body) {
    if (has_body_ || method_ != request.method || !set_up_) {
      curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
      curl_easy_setopt(
          curl_, CURLOPT_CUSTOMREQUEST,
          request.method == HttpMethod::kGet ? nullptr : kVerbs[static_cast<int>(request.method)]);
    }
  } else {
    curl_easy_setopt(curl_, CURLOPT_POST, 1L);
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, kVerbs[static_cast<int>(request.method)]);
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    // curl repeats a request by itself when its connection died. It cannot with a reader that
    // cannot rewind.
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.resend ? request.body.data() : nullptr);
    curl_easy_setopt(curl_, CURLOPT_READFUNCTION, request.resend ? nullptr : &HttpEasy::Read);
    curl_easy_setopt(curl_, CURLOPT_READDATA, this);
    unread_ = request.body;
  }
  has_body_ = has_body;
  method_ = request.method;
}

void HttpEasy::SetHeaders(const HttpRequest& request) {
  const char* content_type = request.body.empty() ? nullptr : request.content_type;
  if (headers_ != nullptr && auth_ == request.auth && content_type_ == content_type) return;
  auto* next = new HeaderList;
  next->Add("Accept: application/json");
  if (!host_header_.empty()) next->Add(host_header_);
  for (const std::string& line : fixed_headers_) next->Add(line);
  if (content_type != nullptr) {
    next->Add(std::string("Content-Type: ") + content_type);
    next->Add("Expect:");
  }
  if (request.auth && !request.auth->bearer_token.empty()) {
    next->Add("Authorization: Bearer " + request.auth->bearer_token);
  }
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, next->list);
  delete headers_;
  headers_ = next;
  content_type_ = content_type;
  if (auth_ == request.auth) return;
  if (request.auth) SetClientCert(*request.auth);
  auth_ = request.auth;
}

void HttpEasy::SetClientCert(const HttpAuth& auth) {
  if (auth.client_cert_pem.empty()) {
    curl_easy_setopt(curl_, CURLOPT_SSLCERT_BLOB, nullptr);
    curl_easy_setopt(curl_, CURLOPT_SSLKEY_BLOB, nullptr);
    return;
  }
  curl_blob cert = Blob(auth.client_cert_pem), key = Blob(auth.client_key_pem);
  curl_easy_setopt(curl_, CURLOPT_SSLCERT_BLOB, &cert);
  curl_easy_setopt(curl_, CURLOPT_SSLKEY_BLOB, &key);
}

void HttpEasy::Prepare(const HttpRequest& request, int64_t timeout_ms, Sink* sink, void* owner) {
  url_.assign(base_).append(request.path);
  curl_easy_setopt(curl_, CURLOPT_URL, url_.c_str());
  SetMethod(request);
  SetHeaders(request);
  if (timeout_ms != timeout_ms_) {
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
    timeout_ms_ = timeout_ms;
  }
  if (request.fresh != fresh_) {
    curl_easy_setopt(curl_, CURLOPT_FRESH_CONNECT, request.fresh ? 1L : 0L);
    fresh_ = request.fresh;
  }
  curl_easy_setopt(curl_, CURLOPT_PRIVATE, owner);
  sink_ = sink;
  if (set_up_) return;
  const bool stream = request.idle_ms > 0;
  curl_easy_setopt(curl_, CURLOPT_BUFFERSIZE, stream ? kStreamBuffer : kRequestBuffer);
  if (stream) {
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &HttpEasy::Head);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, this);
  }
  set_up_ = true;
}

int HttpEasy::status() const {
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

int HttpEasy::Perform() {
  return curl_easy_perform(curl_);
}

bool HttpEasy::Collect(std::string_view bytes, size_t max_bytes, std::string& body) const {
  if (body.size() + bytes.size() > max_bytes) return false;
  if (body.empty()) {
    curl_off_t length = -1;
    curl_easy_getinfo(curl_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length > 0) body.reserve(std::min(max_bytes, static_cast<size_t>(length)));
  }
  body.append(bytes);
  return true;
}

void HttpEasy::ReadWarnings(HttpAnswer& answer) const {
  curl_header* header = nullptr;
  for (size_t i = 0, count = 1; i < count; ++i) {
    if (curl_easy_header(curl_, "Warning", i, CURLH_HEADER, -1, &header) != CURLHE_OK) return;
    answer.warnings.emplace_back(header->value);
    count = header->amount;
  }
}

void HttpEasy::Finish(int result, HttpAnswer& answer) {
  answer.status = status();
  if (result == CURLE_OK) {
    answer.outcome = HttpOutcome::kAnswered;
    ReadWarnings(answer);
    if (answer.status < 400) return;
    curl_off_t seconds = 0;
    curl_easy_getinfo(curl_, CURLINFO_RETRY_AFTER, &seconds);
    answer.retry_after_ms = seconds * 1000;
    return;
  }
  long sent = 0;
  curl_easy_getinfo(curl_, CURLINFO_REQUEST_SIZE, &sent);
  answer.outcome = Classify(static_cast<CURLcode>(result), sent == 0);
  answer.detail = error_[0] != '\0' ? error_ : curl_easy_strerror(static_cast<CURLcode>(result));
}

}  // namespace slipway::kube
