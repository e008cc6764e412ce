#include "connect/server_fixture.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace slipway::connect {

namespace fs = std::filesystem;

TestServer::TestServer() {
  ::signal(SIGPIPE, SIG_IGN);  // like the programs that use the connectors
  std::string name = (fs::temp_directory_path() / "slipway-server-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    failure_ = "no temporary directory";
  else
    directory_ = name;
}

TestServer::~TestServer() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  if (!directory_.empty()) fs::remove_all(directory_);
}

std::string TestServer::Log() const {
  return ReadFile(PathOf("log"));
}

bool TestServer::MakeCertificate() const {
  return Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-nodes", "-days", "2", "-subj", "/CN=elsewhere.example.org", "-keyout",
              PathOf("key.pem"), "-out", PathOf("certificate.pem")},
             "/dev/null");
}

bool TestServer::Run(const std::vector<std::string>& command, const std::string& input) const {
  const pid_t pid = Fork(command, input);
  int status = -1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

void TestServer::Start(const std::vector<std::string>& command) {
  pid_ = Fork(command, "/dev/null");
}

// The child gets SIGKILL when the test dies.
pid_t TestServer::Fork(const std::vector<std::string>& command, const std::string& input) const {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string log = PathOf("log");
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int in = ::open(input.c_str(), O_RDONLY);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

std::string ReadFile(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

}  // namespace slipway::connect
