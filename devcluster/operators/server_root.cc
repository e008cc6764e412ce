#include "devcluster/operators/server_root.h"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include "base/crypto.h"
#include "devcluster/operators/files.h"

namespace slipway::sim::operators {

namespace {

constexpr int64_t kLockMs = 15'000;

}  // namespace

ServerRoot::~ServerRoot() {
  if (mark_ >= 0) close(mark_);
}

Result<void> ServerRoot::Open(const std::string& data_dir, const Account& account, Logger& log) {
  std::error_code error;
  path_ = std::filesystem::absolute(data_dir, error).lexically_normal().string();
  if (error) return Error{Code::kInvalid, "BadDataDirectory", data_dir + ": " + error.message()};
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  const std::string tag = Sha256Hex(path_).substr(0, 12);
  if (!account.CanReach(path_)) {
    const std::string other = "/var/tmp/slipway-databases-" + tag;
    log.Warn("sim.database_directory_moved",
             {{"configured", path_},
              {"used", other},
              {"reason", "not reachable for the database account"}});
    path_ = other;
  }
  TRY_VOID(MakeDirectory(path_, 0755, Account{}));
  TRY_VOID(lock_.Take(path_ + "/lock", kLockMs));
  mark_ = open((path_ + "/programs").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  TRY_VOID(EndMarked(mark_));
  sockets_ = path_.size() < 64 ? path_ + "/run" : "/tmp/slipway-run-" + tag;
  TRY_VOID(MakeDirectory(sockets_, 0700, account));
  return MakeDirectory(Volumes(), 0711, Account{});
}

}  // namespace slipway::sim::operators
