#include "store/directory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace slipway::store {
namespace {

Error Failure(const std::string& path, int code) {
  return {Code::kInternal, "StoreDirectory", path + ": " + std::strerror(code)};
}

}  // namespace

Result<Directory> Directory::Open(const std::string& path) {
  std::error_code ignored;  // mkdir reports the mistake
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failure(path, errno);

  const std::string lock = path + "/lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Failure(lock, errno);
  Directory directory(fd, path + "/slipway.db");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failure(lock, errno);
    return Error{Code::kConflict, "StoreLocked", "another host uses " + path};
  }
  // SQLite gives its journal files the mode of the database.
  const int database = ::open(directory.database_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (database < 0) return Failure(directory.database_, errno);
  ::close(database);
  return directory;
}

Directory::~Directory() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Directory::Directory(Directory&& other) noexcept
    : lock_fd_(std::exchange(other.lock_fd_, -1)), database_(std::move(other.database_)) {}

}  // namespace slipway::store
