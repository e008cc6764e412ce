#include "kube/exec_plugin.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

// NOLINTNEXTLINE: POSIX declares it in no header that C++ shows
extern char** environ;

namespace slipway::kube {
namespace {

constexpr size_t kMaxOutput = 1u << 20;

Error Failed(const Config::Exec& plugin, const std::string& why) {
  std::string message = "exec plugin " + plugin.command + ": " + why;
  if (!plugin.install_hint.empty()) message += ". " + plugin.install_hint;
  return {Code::kUnauthenticated, "ExecPluginFailed", std::move(message)};
}

// A pipe that closes its ends and that children do not inherit by accident.
struct Pipe {
  int read_fd = -1, write_fd = -1;

  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return;
    read_fd = fds[0];
    write_fd = fds[1];
  }

  ~Pipe() {
    if (read_fd >= 0) ::close(read_fd);
    CloseWriter();
  }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void CloseWriter() {
    if (write_fd >= 0) ::close(write_fd);
    write_fd = -1;
  }
};

std::vector<std::string> Environment(const Config::Exec& plugin) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(plugin.env.begin(), plugin.env.end(),
                                      [&](const auto& e) { return e.first == name; });
    if (!replaced && name != "KUBERNETES_EXEC_INFO") out.emplace_back(text);
  }
  for (const auto& [name, value] : plugin.env) out.push_back(name + "=" + value);
  Json info = Json::Obj({{"apiVersion", plugin.api_version},
                         {"kind", "ExecCredential"},
                         {"spec", Json::Obj({{"interactive", false}})}});
  if (auto cluster = Json::Parse(plugin.cluster)) info.SetAt("/spec/cluster", *std::move(cluster));
  out.push_back("KUBERNETES_EXEC_INFO=" + info.Dump());
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// 0 or an errno. The child leads its own process group, so that we can end it with its children.
int Spawn(const Config::Exec& plugin, const Pipe& out, const Pipe& err, pid_t& pid) {
  std::vector<std::string> args{plugin.command};
  args.insert(args.end(), plugin.args.begin(), plugin.args.end());
  std::vector<std::string> env = Environment(plugin);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_fd, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  const int rc = posix_spawnp(&pid, plugin.command.c_str(), &actions, &attributes,
                              Pointers(args).data(), Pointers(env).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return rc;
}

// False at the end of the descriptor.
bool Drain(int fd, std::string& into) {
  char buffer[4096];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n <= 0) return n < 0 && errno == EINTR;
  if (into.size() < kMaxOutput) into.append(buffer, static_cast<size_t>(n));
  return true;
}

// Reads both to their ends; false at the deadline.
bool ReadBoth(const Pipe& out, const Pipe& err, int64_t end, std::string& stdout_text,
              std::string& stderr_text) {
  const SystemClock clock;
  pollfd fds[2] = {{out.read_fd, POLLIN, 0}, {err.read_fd, POLLIN, 0}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const int64_t left = end - clock.SteadyMs();
    if (left <= 0) return false;
    if (::poll(fds, 2, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (fds[0].fd >= 0 && fds[0].revents != 0 && !Drain(fds[0].fd, stdout_text)) fds[0].fd = -1;
    if (fds[1].fd >= 0 && fds[1].revents != 0 && !Drain(fds[1].fd, stderr_text)) fds[1].fd = -1;
  }
  return true;
}

bool WaitForExit(pid_t pid, int64_t end) {
  const SystemClock clock;
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  pollfd exited{fd, POLLIN, 0};
  int n = 0;
  do {
    n = ::poll(&exited, 1, static_cast<int>(std::max<int64_t>(0, end - clock.SteadyMs())));
  } while (n < 0 && errno == EINTR);
  ::close(fd);
  return n == 1;
}

}  // namespace

Result<ExecCredential> RunExecPlugin(const Config::Exec& plugin, int64_t deadline_ms) {
  Pipe out, err;
  if (out.read_fd < 0 || err.read_fd < 0) return Failed(plugin, std::strerror(errno));
  pid_t pid = 0;
  if (const int rc = Spawn(plugin, out, err, pid); rc != 0)
    return Failed(plugin, std::strerror(rc));
  out.CloseWriter();
  err.CloseWriter();
  const SystemClock clock;
  const int64_t end = clock.SteadyMs() + deadline_ms;
  std::string stdout_text, stderr_text;
  const bool in_time = ReadBoth(out, err, end, stdout_text, stderr_text) && WaitForExit(pid, end);
  if (!in_time) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return Failed(plugin, "did not end within " + std::to_string(deadline_ms) + " ms");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::string why = WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                        : "ended by a signal";
    while (!stderr_text.empty() && stderr_text.back() == '\n') stderr_text.pop_back();
    if (!stderr_text.empty()) why += ": " + stderr_text.substr(0, 500);
    return Failed(plugin, why);
  }
  auto credential = ParseExecCredential(stdout_text, plugin.api_version);
  if (!credential) return Failed(plugin, credential.error().message);
  return credential;
}

Result<ExecCredential> ParseExecCredential(const std::string& text,
                                           const std::string& api_version) {
  const auto bad = [](const std::string& why) {
    return Error{Code::kUnauthenticated, "ExecPluginFailed", why};
  };
  const auto parsed = Json::Parse(text);
  if (!parsed) return bad("its output is not JSON");
  const Json& document = *parsed;
  if (document["kind"].AsString() != "ExecCredential")
    return bad("its output is not an ExecCredential");
  if (document["apiVersion"].AsString() != api_version) {
    return bad("it speaks another apiVersion than the kubeconfig's " + api_version);
  }
  const Json& status = document["status"];
  ExecCredential out;
  out.auth.bearer_token = status["token"].AsString();
  out.auth.client_cert_pem = status["clientCertificateData"].AsString();
  out.auth.client_key_pem = status["clientKeyData"].AsString();
  if (out.auth.client_cert_pem.empty() != out.auth.client_key_pem.empty())
    return bad("its output holds a certificate without a key, or a key without a certificate");
  if (out.auth.bearer_token.empty() && out.auth.client_cert_pem.empty())
    return bad("its output holds no credential");
  if (const std::string& expires = status["expirationTimestamp"].AsString(); !expires.empty()) {
    out.expires_ms = ParseTime(expires);
    if (out.expires_ms < 0) return bad("expirationTimestamp is not a time");
  }
  return out;
}

}  // namespace slipway::kube
