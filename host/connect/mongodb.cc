#include "connect/mongodb.h"

#include <algorithm>
#include <cerrno>
#include <dlfcn.h>
#include <memory>
#include <string_view>

#include <mongoc/mongoc.h>

#include "connect/wire.h"

namespace slipway::connect {
namespace {

// libmongoc's functions under their own names. We do not link the library: with its dependencies it
// has 5 MiB, and a host without such databases does not need it. We never unload it, because it
// cannot release its thread-specific keys.
class Library {
 public:
  Library() {
    if (!failure_.empty()) return;
    mongoc_log_set_handler(nullptr, nullptr);
    mongoc_init();
  }

  const std::string& failure() const { return failure_; }  // "": usable

 private:
  void* Open() {
    void* const handle = ::dlopen("libmongoc-1.0.so.0", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) failure_ = ::dlerror();
    return handle;
  }

  template <class Function>
  Function Find(const char* name) {
    void* const found = handle_ != nullptr ? ::dlsym(handle_, name) : nullptr;
    if (found == nullptr && failure_.empty()) failure_ = std::string("libmongoc lacks ") + name;
    return reinterpret_cast<Function>(found);
  }

  std::string failure_;
  void* const handle_ = Open();

 public:
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define SLIPWAY_FIND(name) decltype(&::name) name = Find<decltype(&::name)>(#name)
  SLIPWAY_FIND(bson_append_int32);
  SLIPWAY_FIND(bson_destroy);
  SLIPWAY_FIND(bson_new);
  SLIPWAY_FIND(mongoc_client_command_simple);
  SLIPWAY_FIND(mongoc_client_destroy);
  SLIPWAY_FIND(mongoc_client_new_from_uri);
  SLIPWAY_FIND(mongoc_client_set_error_api);
  SLIPWAY_FIND(mongoc_client_set_stream_initiator);
  SLIPWAY_FIND(mongoc_init);
  SLIPWAY_FIND(mongoc_log_set_handler);
  SLIPWAY_FIND(mongoc_uri_destroy);
  SLIPWAY_FIND(mongoc_uri_new_for_host_port);
  SLIPWAY_FIND(mongoc_uri_set_appname);
  SLIPWAY_FIND(mongoc_uri_set_auth_mechanism);
  SLIPWAY_FIND(mongoc_uri_set_auth_source);
  SLIPWAY_FIND(mongoc_uri_set_option_as_bool);
  SLIPWAY_FIND(mongoc_uri_set_option_as_int32);
  SLIPWAY_FIND(mongoc_uri_set_password);
  SLIPWAY_FIND(mongoc_uri_set_username);
#undef SLIPWAY_FIND
};

// The server chooses the number of SCRAM iterations, and we cannot interrupt that work.
constexpr int64_t kMostIterations = 1'000'000;

// The server's first message ends with the number of iterations: "…,s=SALT,i=15000".
bool AsksForTooMuchWork(const iovec* parts, size_t count) {
  constexpr std::string_view kMark = ",i=";
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    for (size_t at = 0; (at = text.find(kMark, at)) != std::string_view::npos;) {
      at += kMark.size();
      int64_t iterations = 0;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        iterations = std::min(iterations * 10 + (text[at] - '0'), kMostIterations + 1);
      if (iterations > kMostIterations) return true;
    }
  }
  return false;
}

// The library's stream over our connection, which it borrows. The library casts between the two, so
// its part comes first.
struct Stream {
  mongoc_stream_t base{};
  Wire* wire = nullptr;
  int error = 0;  // errno of the last call

  static Stream& Of(mongoc_stream_t* stream) { return *reinterpret_cast<Stream*>(stream); }

  ssize_t Keep(ssize_t result) {
    error = result < 0 ? errno : 0;
    return result;
  }
};

constexpr int kStreamType = 100;  // the library has no such type

void Destroy(mongoc_stream_t* stream) {
  Stream* const mine = &Stream::Of(stream);
  mine->wire->Close();
  delete mine;
}

int CloseStream(mongoc_stream_t* stream) {
  Stream::Of(stream).wire->Close();
  return 0;
}

Wire::Wait WaitOf(int32_t timeout_ms) {
  return timeout_ms == 0 ? Wire::Wait::kNo : Wire::Wait::kYes;
}

ssize_t WriteStream(mongoc_stream_t* stream, mongoc_iovec_t* parts, size_t count,
                    int32_t timeout_ms) {
  Stream& mine = Stream::Of(stream);
  return mine.Keep(mine.wire->Write(parts, count, WaitOf(timeout_ms)));
}

ssize_t ReadStream(mongoc_stream_t* stream, mongoc_iovec_t* parts, size_t count, size_t least,
                   int32_t timeout_ms) {
  Stream& mine = Stream::Of(stream);
  const ssize_t n = mine.Keep(mine.wire->Read(parts, count, least, WaitOf(timeout_ms)));
  if (n <= 0 || !AsksForTooMuchWork(parts, count)) return n;
  mine.wire->Refuse();
  errno = ECONNABORTED;
  return mine.Keep(-1);
}

// The library opens one connection at a time here.
ssize_t PollStreams(mongoc_stream_poll_t* streams, size_t count, int32_t timeout_ms) {
  ssize_t ready = 0;
  for (size_t i = 0; i < count; ++i)
    ready += Stream::Of(streams[i].stream)
                 .wire->Poll(streams[i].events, i == 0 ? timeout_ms : 0, streams[i].revents);
  return ready;
}

// The connection to the one server. Only the library uses the name in the URI.
struct Way {
  Wire wire;
  const std::string& address;
};

mongoc_stream_t* OpenStream(const mongoc_uri_t*, const mongoc_host_list_t* host, void* user,
                            bson_error_t* error) {
  Way& way = *static_cast<Way*>(user);
  if (!way.wire.Connect(way.address, host->port)) {
    error->domain = MONGOC_ERROR_STREAM;
    error->code = MONGOC_ERROR_STREAM_CONNECT;
    return nullptr;
  }
  Stream* const out = new Stream;
  out->wire = &way.wire;
  out->base.type = kStreamType;
  out->base.destroy = out->base.failed = Destroy;
  out->base.close = CloseStream;
  out->base.flush = [](mongoc_stream_t*) { return 0; };
  out->base.writev = WriteStream;
  out->base.readv = ReadStream;
  out->base.setsockopt = [](mongoc_stream_t*, int, int, void*, mongoc_socklen_t) { return 0; };
  out->base.check_closed = [](mongoc_stream_t*) { return false; };
  out->base.poll = PollStreams;
  out->base.timed_out = [](mongoc_stream_t* s) { return Stream::Of(s).error == ETIMEDOUT; };
  out->base.should_retry = [](mongoc_stream_t* s) { return Stream::Of(s).error == EAGAIN; };
  return &out->base;
}

bool Passes(uint32_t code) {
  constexpr uint32_t kPassing[] = {
      91, 189, 11600, 11602, 10107, 13435, 13436};  // shutting down, stepping down, no primary
  return std::find(std::begin(kPassing), std::end(kPassing), code) != std::end(kPassing);
}

LoginResult Explain(const LoginTarget& target, Wire::State state, const bson_error_t& error) {
  switch (state) {
    case Wire::State::kNotListening:
      return {LoginOutcome::kNotListening, "connection refused"};
    case Wire::State::kNoRoute:
      return {LoginOutcome::kUnreachable, "no route to " + target.host};
    case Wire::State::kClosed:
      return {LoginOutcome::kUnreachable, "the server closed the connection"};
    case Wire::State::kNoTls:
      return {LoginOutcome::kUnreachable, "the server does not speak TLS"};
    case Wire::State::kLate:
      return {LoginOutcome::kUnreachable,
              "no answer in " + std::to_string(target.timeout_ms) + " ms"};
    case Wire::State::kTooMuch:
      return {LoginOutcome::kUnreachable,
              "the server sends too much data or asks for too much work"};
    case Wire::State::kNew:
    case Wire::State::kOpen:
      break;
  }
  const std::string text = error.message;
  // During authentication the library keeps the server's message but drops its code.
  const bool passing = text.find("shutdown") != std::string::npos ||
                       text.find("shutting down") != std::string::npos ||
                       text.find("not primary") != std::string::npos;
  if (error.domain == MONGOC_ERROR_SERVER)
    return {Passes(error.code) ? LoginOutcome::kNotReady : LoginOutcome::kRefused, text};
  if (passing) return {LoginOutcome::kNotReady, text};
  if (error.domain == MONGOC_ERROR_CLIENT || error.domain == MONGOC_ERROR_SCRAM)
    return {LoginOutcome::kRefused, text};
  return {LoginOutcome::kUnreachable, text};
}

}  // namespace

LoginResult TryMongodbLogin(const LoginTarget& target, const std::string& address,
                            const Deadline& deadline) {
  static const Library kLibrary;
  const Library& lib = kLibrary;
  if (!lib.failure().empty()) return {LoginOutcome::kNoConnector, lib.failure()};
  const std::string& source = target.database.empty() ? "admin" : target.database;
  const bool brackets = target.host.find(':') != std::string::npos;
  const std::string host = brackets ? "[" + target.host + "]" : target.host;
  const std::unique_ptr<mongoc_uri_t, decltype(lib.mongoc_uri_destroy)> uri(
      lib.mongoc_uri_new_for_host_port(host.c_str(), static_cast<uint16_t>(target.port)),
      lib.mongoc_uri_destroy);
  const auto timeout_ms = static_cast<int32_t>(std::clamp<int64_t>(target.timeout_ms, 1, 600'000));
  if (!uri || !lib.mongoc_uri_set_username(uri.get(), target.user.c_str()) ||
      !lib.mongoc_uri_set_password(uri.get(), target.password.c_str()) ||
      !lib.mongoc_uri_set_auth_source(uri.get(), source.c_str()) ||
      !lib.mongoc_uri_set_auth_mechanism(uri.get(), "SCRAM-SHA-256"))
    return {LoginOutcome::kRefused, "host, user, password or database is not UTF-8"};
  lib.mongoc_uri_set_appname(uri.get(), "slipway");
  lib.mongoc_uri_set_option_as_bool(uri.get(), MONGOC_URI_DIRECTCONNECTION, true);
  for (const char* option : {MONGOC_URI_SERVERSELECTIONTIMEOUTMS, MONGOC_URI_CONNECTTIMEOUTMS,
                             MONGOC_URI_SOCKETTIMEOUTMS})
    lib.mongoc_uri_set_option_as_int32(uri.get(), option, timeout_ms);

  Way way{Wire(deadline, target.tls), address};
  const std::unique_ptr<mongoc_client_t, decltype(lib.mongoc_client_destroy)> client(
      lib.mongoc_client_new_from_uri(uri.get()), lib.mongoc_client_destroy);
  if (!client) return {LoginOutcome::kRefused, "host, user or database cannot be used"};
  lib.mongoc_client_set_error_api(client.get(), MONGOC_ERROR_API_VERSION_2);
  lib.mongoc_client_set_stream_initiator(client.get(), OpenStream, &way);
  bson_t* const command = lib.bson_new();
  lib.bson_append_int32(command, target.statement.c_str(), -1, 1);
  bson_error_t error{};
  const bool done = lib.mongoc_client_command_simple(client.get(), source.c_str(), command, nullptr,
                                                     nullptr, &error);
  lib.bson_destroy(command);
  if (done) return {LoginOutcome::kProved, ""};
  return Explain(target, way.wire.state(), error);
}

}  // namespace slipway::connect
