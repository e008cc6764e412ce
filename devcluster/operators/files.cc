#include "devcluster/operators/files.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/backoff.h"

namespace slipway::sim::operators {

Result<void> WriteFile(const std::string& path, const std::string& text, const Account& account) {
  const std::string temporary = path + ".new";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return Error{Code::kInternal, "WriteFailed", "cannot write " + path};
  }
  chmod(temporary.c_str(), 0600);
  TRY_VOID(account.Own(temporary));
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return Error{Code::kInternal, "WriteFailed", "cannot rename to " + path};
  return {};
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return in ? out.str() : "";
}

Result<void> MakeDirectory(const std::string& path, unsigned mode, const Account& account) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (chmod(path.c_str(), mode) != 0)
    return Error{Code::kInternal, "MakeDirectoryFailed", "cannot make " + path};
  return account.Own(path);
}

void RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
}

Result<int> FreePort() {
  // The ports are below the range of outgoing connections, so that a server that restarts finds its
  // port free again.
  constexpr int kFirst = 21'000, kCount = 10'000;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const int port = kFirst + static_cast<int>(Jitter(kCount));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) break;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool ok = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (ok) return port;
  }
  return Error{Code::kUnavailable, "NoFreePort", "no free port on 127.0.0.1"};
}

}  // namespace slipway::sim::operators
