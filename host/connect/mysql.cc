#include "connect/mysql.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fcntl.h>
#include <linux/tcp.h>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <stop_token>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

namespace slipway::connect {
namespace {

using Handle = std::unique_ptr<MYSQL, decltype(&mysql_close)>;

// We refuse all other methods: a server may ask for the plain password or for a dialogue on our
// terminal.
constexpr char kMethods[] = "mysql_native_password,caching_sha2_password";
constexpr unsigned long kMostOfAPacket = 64 << 10;
constexpr uint64_t kMostOfAll = 1 << 20;
constexpr int kMostRows = 16;
// The library connects on its own stack, including TLS.
constexpr size_t kStackBytes = 256 << 10;
constexpr unsigned kAfterTheLibrarys = 3000;
constexpr unsigned kServerIsNotAvailable = 3168;  // not in MariaDB's list

// Ends a connection at the deadline, or when the server sent too much. The library has no such
// limits: it blocks in TLS and reads without a bound.
class Cutter {
 public:
  explicit Cutter(const Deadline& deadline)
      : deadline_(deadline), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  ~Cutter() {
    thread_.request_stop();
    thread_.join();
    if (fd_ >= 0) ::close(fd_);
  }

  // The library owns `fd` and may close it at any time.
  void Watch(int fd) {
    const std::lock_guard lock(mutex_);
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }

  bool SaidTooMuch() const { return too_much_; }

 private:
  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (BytesReceived() > kMostOfAll) too_much_ = true;
      const int left_ms = deadline_.LeftMs();
      if (too_much_ || left_ms == 0) ::shutdown(fd_, SHUT_RDWR);
      changed_.wait_for(lock, stop, std::chrono::milliseconds(std::clamp(left_ms, 1, kLookMs)),
                        [] { return false; });
    }
  }

  uint64_t BytesReceived() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    const int failed = ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size);
    return failed == 0 ? info.tcpi_bytes_received : 0;
  }

  static constexpr int kLookMs = 20;

  const Deadline& deadline_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int fd_ = -1;
  std::atomic<bool> too_much_ = false;
  std::jthread thread_;
};

// One connection. One thread uses it.
class Session {
 public:
  Session(const LoginTarget& target, std::string address, const Deadline& deadline)
      : target_(target),
        address_(std::move(address)),
        deadline_(deadline),
        cutter_(deadline_),
        handle_(mysql_init(nullptr), mysql_close) {
    if (!handle_) return;
    const unsigned seconds = static_cast<unsigned>(target.timeout_ms / 1000 + 1);
    const unsigned tcp = MYSQL_PROTOCOL_TCP, local_files = 0;
    const my_bool yes = 1, no = 0;
    mysql_optionsv(db(), MYSQL_OPT_NONBLOCK, &kStackBytes);
    mysql_optionsv(db(), MYSQL_OPT_PROTOCOL, &tcp);
    mysql_optionsv(db(), MYSQL_OPT_LOCAL_INFILE, &local_files);
    mysql_optionsv(db(), MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_optionsv(db(), MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_optionsv(db(), MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_optionsv(db(), MYSQL_OPT_MAX_ALLOWED_PACKET, &kMostOfAPacket);
    mysql_optionsv(db(), MYSQL_OPT_SSL_ENFORCE, &yes);  // if the server offers it, under any name
    mysql_optionsv(db(), MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    mysql_optionsv(db(), MARIADB_OPT_RESTRICTED_AUTH, kMethods);
    mysql_optionsv(db(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  }

  LoginResult Run() {
    if (!handle_) return {LoginOutcome::kUnreachable, "out of memory"};
    if (!Connect()) return Explain();
    if (target_.tls && mysql_get_ssl_cipher(db()) == nullptr)
      return {LoginOutcome::kUnreachable, "the server does not speak TLS"};
    if (mysql_real_query(db(), target_.statement.data(), target_.statement.size()))
      return Explain();
    return ReadRows();
  }

 private:
  MYSQL* db() const { return handle_.get(); }

  // The non-blocking call gives us its socket.
  bool Connect() {
    const char* const database = target_.database.empty() ? nullptr : target_.database.c_str();
    MYSQL* connected = nullptr;
    int wanted = mysql_real_connect_start(&connected, db(), address_.c_str(), target_.user.c_str(),
                                          target_.password.c_str(), database,
                                          static_cast<unsigned>(target_.port), nullptr, 0);
    while (wanted != 0) wanted = mysql_real_connect_cont(&connected, db(), Await(wanted));
    return connected != nullptr;
  }

  // Returns the library's MYSQL_WAIT_… bits.
  int Await(int wanted) {
    const int fd = mysql_get_socket(db());
    cutter_.Watch(fd);
    int events = 0;
    if ((wanted & MYSQL_WAIT_READ) != 0) events |= POLLIN;
    if ((wanted & MYSQL_WAIT_WRITE) != 0) events |= POLLOUT;
    const short came = deadline_.WaitFor(fd, static_cast<short>(events));
    if (came == 0) return MYSQL_WAIT_TIMEOUT;
    const bool broken = (came & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    int out = 0;
    if (broken || (came & POLLIN) != 0) out |= MYSQL_WAIT_READ;
    if (broken || (came & POLLOUT) != 0) out |= MYSQL_WAIT_WRITE;
    return out & wanted;
  }

  // A statement may fail after its first rows.
  LoginResult ReadRows() {
    MYSQL_RES* const rows = mysql_use_result(db());
    bool more = rows != nullptr;
    for (int i = 0; more && i < kMostRows; ++i) more = mysql_fetch_row(rows) != nullptr;
    // The library would read the rest before it returns.
    if (more) ::shutdown(mysql_get_socket(db()), SHUT_RDWR);
    const bool failed = !more && mysql_errno(db()) != 0;
    LoginResult result = failed ? Explain() : LoginResult{LoginOutcome::kProved, ""};
    if (rows != nullptr) mysql_free_result(rows);
    return result;
  }

  LoginResult Explain() const;

  const LoginTarget& target_;
  const std::string address_;
  const Deadline& deadline_;
  Cutter cutter_;
  const Handle handle_;
};

struct Failure {
  unsigned code;
  std::string text;
};

// The library wraps an error from before TLS into its own text: "Received error packet before …
// cannot be verified: 1040 - Too many connections".
Failure FailureOf(MYSQL* db) {
  constexpr std::string_view kWrapped = "cannot be verified: ", kDash = " - ";
  Failure out{mysql_errno(db), mysql_error(db)};
  const size_t at = out.text.find(kWrapped);
  if (out.code != CR_CONNECTION_ERROR || at == std::string::npos) return out;
  const std::string inner = out.text.substr(at + kWrapped.size());
  const size_t dash = inner.find(kDash);
  if (dash == std::string::npos) return out;
  return {static_cast<unsigned>(std::atoi(inner.c_str())), inner.substr(dash + kDash.size())};
}

LoginResult Session::Explain() const {
  const auto [code, text] = FailureOf(db());
  const bool of_the_library = code == 0 || (code >= CR_MIN_ERROR && code < kAfterTheLibrarys);
  if (of_the_library && cutter_.SaidTooMuch())
    return {LoginOutcome::kUnreachable, "the server sends too much data"};
  if (of_the_library && deadline_.LeftMs() == 0) {
    return {LoginOutcome::kUnreachable,
            "no answer in " + std::to_string(target_.timeout_ms) + " ms"};
  }
  const auto says = [&text = text](const char* part) {
    return text.find(part) != std::string::npos;
  };
  switch (code) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
      return {says("(111)") ? LoginOutcome::kNotListening : LoginOutcome::kUnreachable, text};
    case CR_AUTH_PLUGIN_CANNOT_LOAD:
    case CR_AUTH_PLUGIN_ERR:
      return {LoginOutcome::kNoConnector, text};
    case ER_CON_COUNT_ERROR:
    case ER_SERVER_SHUTDOWN:
    case kServerIsNotAvailable:
      return {LoginOutcome::kNotReady, text};
    case ER_UNKNOWN_ERROR:  // from a proxy that has no primary for us
      return {says("not serving") || says("no healthy tablet") ? LoginOutcome::kNotReady
                                                               : LoginOutcome::kRefused,
              text};
  }
  return {of_the_library ? LoginOutcome::kUnreachable : LoginOutcome::kRefused, text};
}

}  // namespace

LoginResult TryMysqlLogin(const LoginTarget& target, const std::string& address,
                          const Deadline& deadline) {
  static const int kLibrary = mysql_library_init(0, nullptr, nullptr);
  if (kLibrary != 0) return {LoginOutcome::kNoConnector, "libmariadb does not start"};
  LoginResult result = Session(target, address, deadline).Run();
  mysql_thread_end();
  return result;
}

}  // namespace slipway::connect
