#include "kube/scripted_server_test_support.h"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace slipway::kube {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

template <class T, T* (*Read)(BIO*, T**, pem_password_cb*, void*)>
T* ReadPem(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  T* out = Read(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return out;
}

SSL_CTX* MakeContext(const ServerTls& tls) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  X509* cert = ReadPem<X509, PEM_read_bio_X509>(tls.cert_pem);
  EVP_PKEY* key = ReadPem<EVP_PKEY, PEM_read_bio_PrivateKey>(tls.key_pem);
  SSL_CTX_use_certificate(context, cert);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(cert);
  EVP_PKEY_free(key);
  if (!tls.client_ca_pem.empty()) {
    X509* ca = ReadPem<X509, PEM_read_bio_X509>(tls.client_ca_pem);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    X509_free(ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 2 >= text.size()) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
    i += 2;
  }
  return out;
}

void ParseTarget(ScriptedServer::Request& request) {
  const size_t mark = std::min(request.target.find('?'), request.target.size());
  request.path = request.target.substr(0, mark);
  std::string_view rest = std::string_view(request.target).substr(mark);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    request.query[std::string(pair.substr(0, equals))] =
        Unescape(pair.substr(std::min(equals + 1, pair.size())));
    rest.remove_prefix(end);
  }
}

}  // namespace

void ScriptedServer::Connection::Raw(std::string_view bytes) {
  while (!bytes.empty() && fd_ >= 0) {
    const ssize_t n = ssl_ != nullptr ? SSL_write(static_cast<SSL*>(ssl_), bytes.data(),
                                                  static_cast<int>(bytes.size()))
                                      : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return Close();
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void ScriptedServer::Connection::Reply(int status, std::string_view body,
                                       std::string_view extra_headers) {
  std::string out =
      "HTTP/1.1 " + std::to_string(status) +
      " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n";
  out.append(extra_headers).append("\r\n").append(body);
  Raw(out);
}

void ScriptedServer::Connection::BeginChunks(int status) {
  Raw("HTTP/1.1 " + std::to_string(status) +
      " X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void ScriptedServer::Connection::Chunk(std::string_view data) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  Raw(std::string(size).append(data).append("\r\n"));
}

void ScriptedServer::Connection::EndChunks() {
  Raw("0\r\n\r\n");
}

void ScriptedServer::Connection::Close() {
  if (fd_ < 0) return;
  if (ssl_ != nullptr) SSL_free(static_cast<SSL*>(ssl_));
  ssl_ = nullptr;
  ::close(fd_);
  fd_ = -1;
}

void ScriptedServer::Connection::Hang() {
  pollfd fds[2] = {{fd_, POLLIN, 0}, {server_->stop_fd_, POLLIN, 0}};
  (void)::poll(fds, 2, 10'000);
}

bool ScriptedServer::Connection::ReadMore(std::string& buffer) {
  if (fd_ < 0) return false;
  if (ssl_ == nullptr || SSL_pending(static_cast<SSL*>(ssl_)) == 0) {
    pollfd fds[2] = {{fd_, POLLIN, 0}, {server_->stop_fd_, POLLIN, 0}};
    if (::poll(fds, 2, 30'000) <= 0 || fds[1].revents != 0) return false;
  }
  char data[16'384];
  const ssize_t n = ssl_ != nullptr ? SSL_read(static_cast<SSL*>(ssl_), data, sizeof data)
                                    : ::recv(fd_, data, sizeof data, 0);
  if (n <= 0) return false;
  buffer.append(data, static_cast<size_t>(n));
  return true;
}

ScriptedServer::ScriptedServer(Script script, uint16_t port, const ServerTls* tls)
    : script_(std::move(script)) {
  if (tls != nullptr) ssl_context_ = MakeContext(*tls);
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listen_fd_, 128) != 0)
    std::abort();
  getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  accept_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  const uint64_t one = 1;
  (void)!::write(stop_fd_, &one, sizeof one);
  accept_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(stop_fd_);
  if (ssl_context_ != nullptr) SSL_CTX_free(static_cast<SSL_CTX*>(ssl_context_));
}

void ScriptedServer::Accept() {
  sigset_t pipe;  // OpenSSL writes to sockets that are gone; the threads made here inherit this
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  int connections = 0;
  while (true) {
    pollfd fds[2] = {{listen_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 || fds[1].revents != 0) break;
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    threads_.emplace_back([this, fd, number = ++connections] { Serve(fd, number); });
  }
  ::close(listen_fd_);
}

bool ScriptedServer::ReadRequest(Connection& connection, std::string& buffer, Request& request) {
  size_t head = 0;
  while ((head = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!connection.ReadMore(buffer)) return false;
  }
  std::string_view lines = std::string_view(buffer).substr(0, head + 2);
  const size_t first = lines.find("\r\n");
  const std::string_view start = lines.substr(0, first);
  const size_t space = start.find(' ');
  request.method = start.substr(0, space);
  request.target = start.substr(space + 1, start.rfind(' ') - space - 1);
  lines.remove_prefix(first + 2);
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n"), colon = lines.find(':');
    std::string name(lines.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers[name] = lines.substr(colon + 2, end - colon - 2);
    lines.remove_prefix(end + 2);
  }
  ParseTarget(request);
  const size_t length = static_cast<size_t>(std::atoll(request.headers["content-length"].c_str()));
  while (buffer.size() < head + 4 + length) {
    if (!connection.ReadMore(buffer)) return false;
  }
  request.body = buffer.substr(head + 4, length);
  buffer.erase(0, head + 4 + length);
  return true;
}

void ScriptedServer::Serve(int fd, int number) {
  Connection connection;
  connection.fd_ = fd;
  connection.server_ = this;
  if (ssl_context_ != nullptr) {
    SSL* ssl = SSL_new(static_cast<SSL_CTX*>(ssl_context_));
    connection.ssl_ = ssl;
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) return connection.Close();
  }
  std::string buffer;
  while (connection.open()) {
    Request request;
    request.connection = number;
    if (!ReadRequest(connection, buffer, request)) break;
    {
      const std::lock_guard lock(mutex_);
      request.number = static_cast<int>(requests_.size()) + 1;
      requests_.push_back(request);
    }
    arrived_.notify_all();
    script_(request, connection);
  }
  connection.Close();
}

Config ScriptedServer::config() const {
  Config config;
  config.server = (ssl_context_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") +
                  std::to_string(port_);
  return config;
}

std::vector<ScriptedServer::Request> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t ScriptedServer::Count(const std::function<bool(const Request&)>& matches) const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(requests_.begin(), requests_.end(), matches));
}

bool ScriptedServer::WaitFor(size_t count,
                             const std::function<bool(const Request&)>& matches) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, kPatience, [&] {
    return static_cast<size_t>(std::count_if(requests_.begin(), requests_.end(), matches)) >= count;
  });
}

void Gate::Open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  opened_.notify_all();
}

bool Gate::Wait() {
  std::unique_lock lock(mutex_);
  return opened_.wait_for(lock, kPatience, [this] { return open_; });
}

ClientOptions FastOptions() {
  ClientOptions options;
  options.request_timeout_ms = 2'000;
  options.total_timeout_ms = 4'000;
  options.retry_base_ms = 2;
  options.retry_cap_ms = 10;
  options.watch_backoff_ms = 2;
  options.watch_backoff_cap_ms = 10;
  options.absent_retry_ms = 10;
  options.watch_streams = false;  // scripts that play a stream say so
  return options;
}

bool AnswerDiscovery(const ScriptedServer::Request& request,
                     ScriptedServer::Connection& connection) {
  if (request.path == "/api/v1") {
    connection.Reply(200, R"({"kind":"APIResourceList","groupVersion":"v1","resources":[
      {"name":"configmaps","kind":"ConfigMap","namespaced":true},
      {"name":"namespaces","kind":"Namespace","namespaced":false},
      {"name":"namespaces/status","kind":"Namespace","namespaced":false},
      {"name":"pods","kind":"Pod","namespaced":true},{"name":"pods/log","kind":"Pod","namespaced":true}]})");
    return true;
  }
  if (request.path == "/apis/db.example.org/v1") {
    connection.Reply(200,
                     R"({"kind":"APIResourceList","groupVersion":"db.example.org/v1","resources":[
      {"name":"clusters","kind":"Cluster","namespaced":true},{"name":"clusters/status","kind":"Cluster","namespaced":true}]})");
    return true;
  }
  return false;
}

std::string ConfigMapJson(const std::string& name, const std::string& resource_version,
                          const std::string& uid) {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
         R"(","namespace":"ns","uid":")" + (uid.empty() ? "uid-" + name : uid) +
         R"(","resourceVersion":")" + resource_version + R"("},"data":{"k":"v)" + resource_version +
         R"("}})";
}

std::string EventLine(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

}  // namespace slipway::kube
