#include "bucket/directory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/crypto.h"

namespace slipway::bucket {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPerPage = 1000;
constexpr char kUnfinished[] = ".unfinished-";  // how a file begins that is being written

Error Refused(const std::error_code& why, const std::string& what) {
  const std::string message = what + ": " + why.message();
  if (why == std::errc::permission_denied) return Error{Code::kForbidden, "AccessDenied", message};
  if (why == std::errc::no_space_on_device) return Error{Code::kPrecondition, "StoreFull", message};
  return Error{Code::kUnavailable, "StoreFailed", message};
}

class Directory final : public Bucket {
 public:
  explicit Directory(fs::path root) : root_(std::move(root)) {}

  Result<void> Put(const std::string& key, const std::string& bytes) override {
    TRY(const fs::path path, PathOf(key));
    std::error_code why;
    fs::create_directories(path.parent_path(), why);
    if (why) return Refused(why, path.parent_path().string() + " cannot be made");
    const fs::path part = path.parent_path() / (kUnfinished + RandomAlnum(12));
    errno = 0;
    std::ofstream out(part, std::ios::binary);
    out << bytes;
    out.close();
    if (!out) {
      why.assign(errno == 0 ? EIO : errno, std::generic_category());
      std::error_code ignored;
      fs::remove(part, ignored);
      return Refused(why, path.string() + " cannot be written");
    }
    fs::rename(part, path, why);
    if (why) return Refused(why, path.string() + " cannot be written");
    return {};
  }

  Result<std::string> Get(const std::string& key, size_t most) override {
    TRY(const fs::path path, PathOf(key));
    std::error_code why;
    const auto size = fs::file_size(path, why);
    if (why == std::errc::no_such_file_or_directory || why == std::errc::not_a_directory)
      return Error{Code::kNotFound, "NoSuchObject", path.string() + " does not exist"};
    if (why) return Refused(why, path.string() + " cannot be read");
    if (size > most)
      return Error{Code::kExhausted, "ObjectTooLarge",
                   path.string() + " has more than " + std::to_string(most) + " bytes"};
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad())
      return Refused(std::make_error_code(std::errc::permission_denied),
                     path.string() + " cannot be read");
    return bytes;
  }

  Result<Page> List(const std::string& prefix, const std::string& next) override {
    std::vector<Object> all;
    std::error_code why;
    fs::recursive_directory_iterator at(root_, why), end;
    if (why == std::errc::no_such_file_or_directory) return Page{};
    for (; !why && at != end; at.increment(why)) {
      std::error_code gone;
      if (!at->is_regular_file(gone) || at->path().filename().string().starts_with(kUnfinished))
        continue;
      std::string key = at->path().lexically_relative(root_).string();
      const auto bytes = at->file_size(gone);
      if (!gone && key.starts_with(prefix) && key > next)
        all.push_back({std::move(key), static_cast<int64_t>(bytes)});
    }
    if (why) return Refused(why, root_.string() + " cannot be read");
    std::sort(all.begin(), all.end(),
              [](const Object& a, const Object& b) { return a.key < b.key; });
    Page page;
    if (all.size() > kPerPage) {
      all.resize(kPerPage);
      page.next = all.back().key;
    }
    page.objects = std::move(all);
    return page;
  }

  Result<FolderPage> Folders(const std::string& prefix, const std::string& next) override {
    FolderPage page;
    fs::path parent = root_;
    if (!prefix.empty()) {
      TRY(parent, PathOf(prefix.substr(0, prefix.size() - 1)));
    }
    std::error_code why;
    fs::directory_iterator at(parent, why), end;
    if (why == std::errc::no_such_file_or_directory) return page;
    for (; !why && at != end; at.increment(why)) {
      std::error_code gone;
      std::string name = at->path().filename().string() + "/";
      if (at->is_directory(gone) && name > next) page.names.push_back(std::move(name));
    }
    if (why) return Refused(why, parent.string() + " cannot be read");
    std::sort(page.names.begin(), page.names.end());
    if (page.names.size() > kPerPage) {
      page.names.resize(kPerPage);
      page.next = page.names.back();
    }
    return page;
  }

  // Directories that this empties go too: an S3 store has none.
  Result<void> Delete(const std::string& key) override {
    TRY(const fs::path path, PathOf(key));
    std::error_code why;
    fs::remove(path, why);
    if (why && why != std::errc::not_a_directory)
      return Refused(why, path.string() + " cannot be deleted");
    for (fs::path at = path.parent_path(); at != root_ && !why; at = at.parent_path())
      fs::remove(at, why);
    return {};
  }

 private:
  // No key leads out of the directory.
  Result<fs::path> PathOf(const std::string& key) const {
    const fs::path relative(key);
    const bool safe = !key.empty() && relative.is_relative() && !key.ends_with('/') &&
                      key.find("//") == std::string::npos && key.find('\0') == std::string::npos &&
                      std::none_of(relative.begin(), relative.end(), [](const fs::path& part) {
                        return part == ".." || part == "." || part.empty();
                      });
    if (safe) return root_ / relative;
    return Error{Code::kInvalid, "InvalidKey", "an object in a directory cannot have this name"};
  }

  const fs::path root_;
};

}  // namespace

std::unique_ptr<Bucket> OpenDirectory(const std::string& path) {
  return std::make_unique<Directory>(path);
}

}  // namespace slipway::bucket
