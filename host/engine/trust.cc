#include "engine/trust.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/yaml.h"

namespace slipway::engine {
namespace {

Error Refuse(const char* reason, std::string message) {
  return {Code::kForbidden, reason, std::move(message)};
}

Error FromErrno(const std::string& path) {
  if (errno == ENOENT || errno == ENOTDIR)
    return {Code::kNotFound, "NotFound", path + ": no such file"};
  if (errno == ELOOP) return Refuse("NotRegularFile", path + " is a symbolic link");
  return {Code::kInternal, "NotFound", path + ": " + std::strerror(errno)};
}

bool OwnerTrusted(const struct stat& s) {
  return s.st_uid == 0 || s.st_uid == ::geteuid();
}

bool OthersCanWrite(const struct stat& s) {
  return (s.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

// A user who can write a directory can replace its files.
Result<void> CheckDirectories(std::filesystem::path dir) {
  for (;; dir = dir.parent_path()) {
    struct stat s {};

    if (::lstat(dir.c_str(), &s) != 0) return FromErrno(dir.string());
    if (!OwnerTrusted(s)) {
      return Refuse("WrongOwner", "directory " + dir.string() + " belongs to another user");
    }
    if (OthersCanWrite(s) && (s.st_mode & S_ISVTX) == 0) {
      return Refuse("WorldWritable",
                    "directory " + dir.string() + " is writable by group or others");
    }
    if (dir == dir.parent_path()) return {};
  }
}

struct Descriptor {
  int fd;

  explicit Descriptor(int f) : fd(f) {}

  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

}  // namespace

Result<std::string> ReadTrusted(const std::string& path) {
  std::error_code ec;
  const std::filesystem::path given(path);
  const std::filesystem::path dir = std::filesystem::canonical(given.parent_path(), ec);
  if (ec) return Error{Code::kNotFound, "NotFound", path + ": no such file"};
  TRY_VOID(CheckDirectories(dir));
  const std::string real = (dir / given.filename()).string();
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  const Descriptor file(::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.fd < 0) return FromErrno(real);

  struct stat s {};

  if (::fstat(file.fd, &s) != 0) return FromErrno(real);
  if (!S_ISREG(s.st_mode)) return Refuse("NotRegularFile", real + " is not a regular file");
  if (!OwnerTrusted(s)) return Refuse("WrongOwner", real + " belongs to another user");
  if (OthersCanWrite(s)) return Refuse("WorldWritable", real + " is writable by group or others");
  if (s.st_size < 0 || static_cast<size_t>(s.st_size) > kMaxEngineBytes) {
    return Refuse("NotRegularFile", real + " is larger than 64 MiB");
  }
  std::string bytes(static_cast<size_t>(s.st_size), '\0');
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::read(file.fd, bytes.data() + got, bytes.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);  // a short file is reported as Truncated
  return bytes;
}

Result<void> CheckConfigFile(const std::string& path) {
  struct stat s {};

  if (::stat(path.c_str(), &s) != 0) return FromErrno(path);
  if (!S_ISREG(s.st_mode)) return Refuse("NotRegularFile", path + " is not a regular file");
  if (!OwnerTrusted(s)) return Refuse("WrongOwner", path + " belongs to another user");
  if ((s.st_mode & S_IWOTH) != 0)
    return Refuse("WorldWritable", path + " is writable by everybody");
  return {};
}

Result<std::string> Stage(const std::string& dir, const std::string& sha256,
                          const std::string& bytes) {
  std::error_code ec;
  std::filesystem::create_directories(dir, ec);

  struct stat s {};

  if (::lstat(dir.c_str(), &s) != 0 || !S_ISDIR(s.st_mode) || s.st_uid != ::geteuid() ||
      ::chmod(dir.c_str(), 0700) != 0) {
    return Error{Code::kInternal, "StageFailed", dir + " is not a directory of this user"};
  }
  const std::string path = std::filesystem::absolute(dir, ec).string() + "/" + sha256 + ".so";
  if (::lstat(path.c_str(), &s) == 0) {
    const auto present = ReadFile(path);
    if (S_ISREG(s.st_mode) && s.st_uid == ::geteuid() && (s.st_mode & 0077) == 0 && present &&
        ConstantTimeEqual(Sha256Hex(*present), sha256)) {
      return path;
    }
  }
  // The rename replaces a damaged copy without changing one that may be mapped.
  if (const auto written = WriteFileAtomically(path, bytes, 0500); !written) {
    return Error{Code::kInternal, "StageFailed", written.error().message};
  }
  return path;
}

}  // namespace slipway::engine
