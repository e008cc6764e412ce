#include "devcluster/vitess/programs.h"

#include <arpa/inet.h>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "devcluster/operators/files.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kLookMs = 1000, kAskMs = 20'000;
constexpr int kMisses = 3;  // after so many failed probes in a row a program is not well

// Returns the first bytes of the answer; "" when nobody answers.
std::string Talk(int family, const sockaddr* address, socklen_t size, const std::string& request) {
  constexpr int kTimeoutMs = 2000;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return "";
  pollfd one{fd, POLLOUT, 0};
  std::string out;
  const bool open =
      connect(fd, address, size) == 0 || (errno == EINPROGRESS && poll(&one, 1, kTimeoutMs) == 1 &&
                                          (one.revents & (POLLERR | POLLHUP)) == 0);
  if (open && request.empty()) out = "open";
  if (open && !request.empty() && send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char buffer[64];
    one.events = POLLIN;
    const ssize_t got =
        poll(&one, 1, kTimeoutMs) == 1 ? recv(fd, buffer, sizeof buffer, 0) : ssize_t{-1};
    if (got > 0) out.assign(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return out;
}

bool Well(const Programs::Probe& probe) {
  if (!probe.socket.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, probe.socket.c_str(), sizeof address.sun_path - 1);
    return !Talk(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address, "").empty();
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(probe.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string answer = Talk(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof address,
                                  "GET " + probe.path + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
  return answer.find(" 200 ") < 16;
}

}  // namespace

struct ProgramSlot : ServerSlot {
  Programs::Plan plan;
  Programs::State state;
  int misses = 0;
};

struct Programs::Impl final : ServerVolumes<ProgramSlot> {
  Impl(Options options_in, const Clock& clock_in, Logger& log_in, OnChange on_change_in)
      : ServerVolumes(
            "vitess", {SIGTERM, SIGKILL}, clock_in, log_in,
            [this](const std::string& ns, const std::string& cluster) { Tell(ns, cluster); }),
        options(std::move(options_in)),
        told(std::move(on_change_in)) {}

  ~Impl() override { Shutdown(); }

  using ServerVolumes::account, ServerVolumes::Dir, ServerVolumes::mutex, ServerVolumes::ports,
      ServerVolumes::ProgramOf, ServerVolumes::root, ServerVolumes::slots, ServerVolumes::stop_fd;

  Result<void> Prepare();
  // Returns the directory itself, or a linked copy of it when the account cannot reach it.
  Result<std::string> Reachable(const std::string& directory, const std::string& name);
  Result<void> WriteWrappers();
  Result<bool> Fill(const std::string& name, const ProgramSlot& slot) override;
  Result<bool> StartServer(const std::string& name, const ProgramSlot& slot) override;
  Result<bool> Adjust(const std::string& name, const ProgramSlot& slot) override;
  Result<void> Erase(const std::string& name) override;

  // mysqlctld does not start a server when it finds a pid file. Our server is dead when its
  // mysqlctld is.
  void RemovePidFile(const std::string& name) override;

  State Seen(const std::string& name) const;
  // Passes on news only, though every look calls it.
  void Tell(const std::string& ns, const std::string& cluster);

  std::string MysqlRoot() const { return root.path() + "/mysql"; }

  std::string Done(const std::string& name) const { return Dir(name) + "/done"; }

  Options options;
  const OnChange told;
  std::set<std::string> gone;  // uids of removed claims and pods; guarded by `mutex`
  std::mutex news_mutex;
  std::map<std::string, std::string> news;  // cluster → what we told last
};

Result<void> Programs::Impl::Prepare() {
  TRY_VOID(Open(options.data_dir + "/vitess"));
  TRY(options.vitess, Reachable(options.vitess, "vitess"));
  TRY(options.mysql, Reachable(options.mysql, "mysql"));
  TRY_VOID(MakeDirectory(root.path() + "/buckets", 0700, account));
  return WriteWrappers();
}

Result<std::string> Programs::Impl::Reachable(const std::string& directory,
                                              const std::string& name) {
  if (account.CanReach(directory)) return directory;
  const std::string copy = root.path() + "/linked-" + name;
  for (const char* how : {"-al", "-aL"}) {
    RemoveTree(copy);
    if (RunToEnd({{"/bin/cp", how, directory, copy}, "", Account{}}, 120'000, stop_fd)) return copy;
  }
  return Error{Code::kUnavailable, "ProgramsNotReachable",
               "the database account cannot reach " + directory + ", and it cannot be copied"};
}

// Writes the programs that Vitess calls for MySQL. Each adds what this server needs. A server dies
// with the process that started it.
Result<void> Programs::Impl::WriteWrappers() {
  const std::string bin = MysqlRoot() + "/bin";
  TRY_VOID(MakeDirectory(bin, 0755, Account{}));
  const auto put = [&](const char* name, const std::string& text) -> Result<void> {
    TRY_VOID(WriteFile(bin + "/" + name, "#!/bin/sh\n" + text, account));
    std::filesystem::permissions(bin + "/" + name, std::filesystem::perms(0755));
    return {};
  };
  // Option files must come first on the command line, so ours are at its end.
  TRY_VOID(put("mysqld", "exec /usr/bin/setpriv --pdeathsig KILL '" + options.mysql +
                             "/bin/mysqld' \"$@\" '--basedir=" + options.mysql + "'\n"));
  TRY_VOID(put("mysql", "exec /usr/bin/mariadb \"$@\"\n"));
  return put("mysqladmin",
             "for last; do :; done\n"
             "[ \"$last\" = shutdown ] || { echo \"mysqladmin: no $last here\" >&2; exit 1; }\n"
             "exec /usr/bin/mariadb \"$1\" -e SHUTDOWN\n");
}

// Does nothing, since a program makes its own files.
Result<bool> Programs::Impl::Fill(const std::string& name, const ProgramSlot& /*slot*/) {
  const std::lock_guard lock(mutex);
  slots[name].state.filled = true;
  return true;
}

Result<void> Programs::Impl::Erase(const std::string& name) {
  RemoveTree(Dir(name));
  // The children of the program die a little later than the program.
  if (std::filesystem::exists(Dir(name))) return NotYet("files are still being written");
  Forget(name);
  return {};
}

void Programs::Impl::RemovePidFile(const std::string& name) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(Dir(name), error))
    RemoveTree(entry.path().string() + "/mysql.pid");
}

Result<bool> Programs::Impl::StartServer(const std::string& name, const ProgramSlot& slot) {
  RemovePidFile(name);
  std::vector<std::string> argv = slot.plan.argv;
  if (slot.plan.once) {
    RemoveTree(Done(name));
    const std::vector<std::string> shell{
        "/bin/sh", "-c", "/usr/bin/setpriv --pdeathsig KILL \"$@\" && echo >\"$0\"", Done(name)};
    argv.insert(argv.begin(), shell.begin(), shell.end());
  }
  TRY_VOID(Launch(
      name, ProgramOf(std::move(argv), Dir(name) + "/log"),
      [](ProgramSlot& live) {
        live.misses = 0;
        live.state.running = false;
      },
      [] { return true; }));
  return true;
}

Result<bool> Programs::Impl::Adjust(const std::string& name, const ProgramSlot& slot) {
  if (slot.plan.once) return false;
  const int64_t asked_ms = clock.SteadyMs();
  const bool well = Well(slot.plan.probe);
  std::string answer;
  if (well && !slot.plan.ask.empty()) {
    std::vector<std::string> argv{"/bin/sh", "-c", "exec \"$@\" 2>/dev/null", "ask"};
    argv.insert(argv.end(), slot.plan.ask.begin(), slot.plan.ask.end());
    auto output = RunForOutput(ProgramOf(std::move(argv)), kAskMs, stop_fd);
    if (output) answer = *output;
  }
  const std::lock_guard lock(mutex);
  ProgramSlot& live = slots[name];
  if (live.pid != slot.pid || live.pid == 0) return true;
  live.misses = well ? 0 : live.misses + 1;
  if (well) live.state.running = true;
  if (live.misses >= kMisses) live.state.running = false;
  if (well) live.state.answer = std::move(answer);
  if (well) live.state.asked_ms = asked_ms;
  if (!live.state.running) return NotYet("the program does not answer yet");
  live.check_at = clock.SteadyMs() + kLookMs;
  return false;
}

Programs::State Programs::Impl::Seen(const std::string& name) const {
  State out = Get(name);
  const ProgramSlot slot = Copy(name);
  if (!out.running) out.answer.clear();
  out.ok = slot.plan.once && out.exited && std::filesystem::exists(Done(name));
  if (slot.plan.once && out.exited && !out.ok) {
    const std::string text = ReadFile(Dir(name) + "/log");
    out.failure = text.substr(text.size() - std::min<size_t>(text.size(), 1000));
  }
  return out;
}

void Programs::Impl::Tell(const std::string& ns, const std::string& cluster) {
  std::string state;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [name, slot] : slots)
      if (slot.plan.ns == ns && slot.plan.cluster == cluster)
        state += name + (slot.pid != 0 ? "+" : "-") + (slot.state.running ? "+" : "-") +
                 (slot.state.exited ? "+" : "-") + slot.state.answer + "\n";
  }
  {
    const std::lock_guard lock(news_mutex);
    std::string& last = news[ns + "/" + cluster];
    if (last == state) return;
    last = std::move(state);
  }
  told(ns, cluster);
}

Programs::Programs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Programs::~Programs() = default;

Result<std::unique_ptr<Programs>> Programs::Start(Options options, const Clock& clock, Logger& log,
                                                  OnChange on_change) {
  auto impl = std::make_unique<Impl>(std::move(options), clock, log, std::move(on_change));
  TRY_VOID(impl->Prepare());
  return std::unique_ptr<Programs>(new Programs(std::move(impl)));
}

Result<std::string> Programs::Directory(const std::string& name) {
  const std::string out = impl_->Dir(name);
  const std::lock_guard lock(impl_->mutex);
  if (impl_->gone.count(OwnerOf(name)) != 0)
    return Error{Code::kUnavailable, "OwnerGone", "what the program belongs to is gone"};
  impl_->slots.try_emplace(name);  // it goes with its owner, even if nobody wants it
  if (!std::filesystem::exists(out)) TRY_VOID(MakeDirectory(out, 0700, impl_->account));
  return out;
}

Result<int> Programs::Port(const std::string& name, const std::string& use) {
  TRY(const std::string directory, Directory(name));
  const std::string file = directory + "/port-" + use;
  int port = std::atoi(ReadFile(file).c_str());
  const std::lock_guard lock(impl_->mutex);
  const bool known = port != 0;
  while (port == 0) {
    TRY(port, FreePort());
    if (impl_->ports.count(port) != 0) port = 0;
  }
  impl_->ports.insert(port);
  if (!known) TRY_VOID(WriteFile(file, std::to_string(port), impl_->account));
  return port;
}

Result<std::string> Programs::ShortPath(const std::string& name) {
  TRY(const std::string directory, Directory(name));
  TRY(const int number, Port(name, "number"));
  const std::string link = impl_->root.sockets() + "/" + std::to_string(number);
  std::error_code error;
  if (std::filesystem::read_symlink(link, error) == directory) return link;
  RemoveTree(link);
  std::filesystem::create_directory_symlink(directory, link, error);
  if (error) return Error{Code::kInternal, "LinkFailed", link + ": " + error.message()};
  return link;
}

Result<void> Programs::Put(const std::string& path, const std::string& text) {
  if (ReadFile(path) == text) return {};
  return WriteFile(path, text, impl_->account);
}

void Programs::Want(const std::string& name, Plan plan) {
  bool news = false;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->gone.count(OwnerOf(name)) != 0) return;
    ProgramSlot& slot = impl_->slots[name];
    news = !slot.planned || !slot.want_run;
    slot.state.ns = plan.ns;
    slot.state.cluster = plan.cluster;
    slot.state.instance = plan.instance;
    slot.plan = std::move(plan);
    slot.planned = slot.want_run = true;
  }
  if (news) impl_->Poke(name);
}

void Programs::Restart(const std::string& name) {
  impl_->Restart(name);
}

void Programs::StopOf(const std::string& uid) {
  for (const std::string& name : Names())
    if (OwnerOf(name) == uid) impl_->Stop(name);
}

void Programs::RemoveOf(const std::string& uid) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->gone.insert(uid);
  }
  for (const std::string& name : Names())
    if (OwnerOf(name) == uid) impl_->Remove(name);
}

Programs::State Programs::Get(const std::string& name) const {
  return impl_->Seen(name);
}

std::vector<std::string> Programs::Names() const {
  return impl_->Names();
}

Result<std::string> Programs::Run(std::vector<std::string> argv, int64_t timeout_ms) {
  return RunForOutput(impl_->ProgramOf(std::move(argv)), timeout_ms, impl_->stop_fd);
}

std::vector<std::string> Programs::Line(const std::string& program,
                                        const std::map<std::string, std::string>& variables) const {
  std::vector<std::string> out{"/usr/bin/env", "PATH=" + impl_->MysqlRoot() + "/bin:/usr/bin:/bin",
                               "VTROOT=" + impl_->MysqlRoot(),
                               "VT_MYSQL_ROOT=" + impl_->MysqlRoot()};
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  out.push_back(program[0] == '/' ? program : impl_->options.vitess + "/" + program);
  return out;
}

std::string Programs::Buckets() const {
  return impl_->root.path() + "/buckets";
}

}  // namespace slipway::sim::operators::vitess
