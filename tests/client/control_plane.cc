#include "control_plane.h"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/crypto.h"
#include "base/yaml.h"
#include "kube/http_caller.h"

namespace slipway::kube {
namespace {

std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string FirstLine(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

// Ends the control plane together with the tests, not with the process.
class Owner : public ::testing::Environment {
 public:
  void TearDown() override { plane.reset(); }

  std::unique_ptr<ControlPlane> plane;
};

}  // namespace

ControlPlane* ControlPlane::Get() {
  static Owner* owner = [] {
    auto* made = new Owner;  // gtest deletes it
    const char* program = std::getenv("SLIPWAY_KUBE");
    std::unique_ptr<ControlPlane> plane(new ControlPlane);
    if (program != nullptr && *program != '\0' && plane->Start(program))
      made->plane = std::move(plane);
    ::testing::AddGlobalTestEnvironment(made);
    return made;
  }();
  return owner->plane.get();
}

bool ControlPlane::Start(const std::string& program) {
  program_ = program;
  dir_ = ::testing::TempDir() + "client_" + RandomAlnum(8);
  std::filesystem::create_directories(dir_);
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return false;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    const int log = ::open((dir_ + "/up.log").c_str(), O_CREAT | O_WRONLY, 0600);
    ::dup2(log, STDERR_FILENO);
    ::execl(program.c_str(), program.c_str(), "up", "--dir", dir_.c_str(), "--until-eof",
            "--apiserver-args",
            "--goaway-chance=0.02 --etcd-compaction-interval=1s "
            "--feature-gates=ListFromCacheSnapshot=false",
            nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_ = in[1];
  const auto told = Json::Parse(FirstLine(out[0]));
  ::close(out[0]);
  if (!told) {
    ADD_FAILURE() << "the control plane did not start, see " << dir_ << "/*.log";
    return false;
  }
  server_ = (*told)["server"].AsString();
  faults_ = (*told)["faults"].AsString();
  token_ = (*told)["token"].AsString();
  ca_file_ = (*told)["ca"].AsString();
  return true;
}

ControlPlane::~ControlPlane() {
  ::close(stdin_);
  int status = 0;
  if (pid_ > 0) ::waitpid(pid_, &status, 0);
  if (!::testing::UnitTest::GetInstance()->Failed()) std::filesystem::remove_all(dir_);
}

Config ControlPlane::AdminConfig(Through through) const {
  Config config;
  config.server = through == Through::kFaults ? faults_ : server_;
  config.ca_pem = *ReadFile(ca_file_);
  config.bearer_token = token_;
  return config;
}

std::string ControlPlane::Run(const std::vector<std::string>& args) const {
  std::string command = Quoted(program_);
  for (const std::string& arg : args) command += " " + Quoted(arg);
  FILE* out = ::popen(command.c_str(), "re");
  std::string text;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, out)) text.append(buffer, n);
  EXPECT_EQ(::pclose(out), 0) << command;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string ControlPlane::Kubectl(std::vector<std::string> args) const {
  args.insert(args.begin(), {"kubectl", "--kubeconfig", dir_ + "/kubeconfig"});
  return Run(args);
}

std::string ControlPlane::Token(const std::string& ns, const std::string& account) const {
  const std::string path = "/api/v1/namespaces/" + ns + "/serviceaccounts";
  const Json metadata = Json::Obj({{"name", account}});
  Call(HttpMethod::kPost, path,
       Json::Obj({{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", metadata}}));
  const std::string answer =
      Call(HttpMethod::kPost, path + "/" + account + "/token",
           Json::Obj({{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}}));
  const auto parsed = Json::Parse(answer);
  return parsed ? parsed->At("/status/token").AsString() : std::string();
}

void ControlPlane::Certificate(const std::string& path, const std::string& user,
                               const std::string& validity) const {
  Run({"certificate", "--dir", dir_, "--out", path, "--name", user, "--validity=" + validity});
}

pid_t ControlPlane::Pid(const std::string& name) const {
  const auto text = ReadFile(dir_ + "/" + name + ".pid");
  return text ? static_cast<pid_t>(std::atoi(text->c_str())) : 0;
}

void ControlPlane::AwaitReady() const {
  const SystemClock clock;
  Logger log(clock, 2, Logger::Format::kHuman, Logger::Level::kError);
  Metrics metrics;
  Client client(AdminConfig(Through::kFaults), {}, clock, log, metrics);
  EXPECT_TRUE(Eventually([&] { return static_cast<bool>(client.Ping()); }, 60'000));
}

std::string ControlPlane::Call(HttpMethod method, const std::string& path, const Json& body) const {
  HttpOptions options;
  options.server = faults_;
  options.ca_pem = *ReadFile(ca_file_);
  HttpCaller caller(options);
  auto auth = std::make_shared<HttpAuth>();
  auth->bearer_token = token_;
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body.is_null() ? "" : body.Dump();
  request.auth = auth;
  const HttpAnswer answer = caller.Send(request);
  EXPECT_TRUE(answer.status == 200 || answer.status == 201) << answer.detail << answer.body;
  return answer.body;
}

void ControlPlane::Fault(const Json& rule) const {
  Call(HttpMethod::kPost, "/_sim/faults", rule);
}

void ControlPlane::ClearFaults() const {
  Call(HttpMethod::kDelete, "/_sim/faults", {});
}

std::vector<Json> ControlPlane::Requests() const {
  std::ifstream in(dir_ + "/requests.jsonl");
  std::vector<Json> out;
  for (std::string line; std::getline(in, line);) {
    if (auto parsed = Json::Parse(line)) out.push_back(*std::move(parsed));
  }
  return out;
}

void ControlPlaneTest::SetUp() {
  plane_ = ControlPlane::Get();
  if (plane_ == nullptr) GTEST_SKIP() << "SLIPWAY_KUBE is not set: tests/controlplane/build";
  admin_ = Connect(plane_->AdminConfig());
  std::string suffix = RandomAlnum(8);
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  ns_ = "t-" + suffix;
  const auto made = admin_->Create(Json::Obj(
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Json::Obj({{"name", ns_}})}}));
  ASSERT_TRUE(made) << made.error().message;
  std::filesystem::create_directories(Path(""));
}

void ControlPlaneTest::TearDown() {
  if (plane_ != nullptr) plane_->ClearFaults();
}

std::unique_ptr<Client> ControlPlaneTest::Connect(
    Config config, const std::function<void(ClientOptions&)>& change) {
  ClientOptions options;
  if (change) change(options);
  return std::make_unique<Client>(std::move(config), options, clock_, log_, metrics_);
}

std::unique_ptr<Client> ControlPlaneTest::ConnectFaults(
    const std::function<void(ClientOptions&)>& change) {
  return Connect(plane_->AdminConfig(ControlPlane::Through::kFaults), [&](ClientOptions& options) {
    options.watch_backoff_ms = 20;
    options.watch_backoff_cap_ms = 500;
    if (change) change(options);
  });
}

Json ControlPlaneTest::ConfigMap(const std::string& name, const std::string& value) const {
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", Json::Obj({{"name", name}, {"namespace", ns_}})},
                    {"data", Json::Obj({{"k", value}})}});
}

ObjectRef ControlPlaneTest::Ref(const std::string& name) const {
  return {"v1", "ConfigMap", ns_, name};
}

std::string ControlPlaneTest::Path(const std::string& name) const {
  return plane_->dir() + "/" + ns_ + "/" + name;
}

std::string ControlPlaneTest::Write(const std::string& name, const std::string& text) const {
  const auto written = WriteFileAtomically(Path(name), text, 0600);
  EXPECT_TRUE(written);
  return Path(name);
}

Json WhoAmI(Client& client) {
  const auto got = client.Create(
      Json::Obj({{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}}));
  return got ? got->At("/status/userInfo") : Json::Obj({{"username", got.error().message}});
}

bool Eventually(const std::function<bool()>& holds, int64_t timeout_ms) {
  const SystemClock clock;
  const int64_t end = clock.SteadyMs() + timeout_ms;
  while (!holds()) {
    if (clock.SteadyMs() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace slipway::kube
