#include "devcluster/journal.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <unistd.h>

#include "base/yaml.h"

namespace slipway::sim {

namespace {

// The file has lines such as {"v":7,"put":"pods","object":{…}} and
// {"v":8,"delete":"pods","key":"ns/name"}.
struct State {
  std::map<std::pair<std::string, std::string>, Json> objects;  // by collection and key
  uint64_t version = 0;
};

Result<void> ReadLine(std::string_view text, State& state) {
  TRY(Json line, Json::Parse(text));
  state.version = std::max(state.version, static_cast<uint64_t>(line["v"].AsInt()));
  if (const Json* put = line.Find("put"); put != nullptr) {
    const Json& metadata = line["object"]["metadata"];
    const std::string key = metadata["namespace"].AsString() + "/" + metadata["name"].AsString();
    state.objects[{put->AsString(), key}] = line["object"];
  } else if (const Json* gone = line.Find("delete"); gone != nullptr) {
    state.objects.erase({gone->AsString(), line["key"].AsString()});
  } else if (!line.Has("v")) {
    return Error{Code::kInvalid, "BadState", "not a line of a state file"};
  }
  return {};
}

// Uses the text alone: the kind may come from a CRD that is not registered yet.
std::shared_ptr<StoredObject> FromState(const std::string& collection, const Json& object) {
  Kind kind;
  const std::string& api_version = object["apiVersion"].AsString();
  const size_t slash = api_version.find('/');
  kind.group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  kind.version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
  kind.kind = object["kind"].AsString();
  kind.custom =
      collection.find('.') != std::string::npos && collection.find(".k8s.io/") == std::string::npos;
  auto out = MakeObject(kind, object);
  SetVersion(*out,
             std::strtoull(object.At("/metadata/resourceVersion").AsString().c_str(), nullptr, 10));
  return out;
}

void AppendPut(std::string& out, uint64_t version, const std::string& collection,
               const std::string& text) {
  out +=
      "{\"v\":" + std::to_string(version) + ",\"put\":" + Json::Quote(collection) + ",\"object\":";
  out += text;
  out += "}\n";
}

Error FileError(const std::string& path) {
  return {Code::kInternal, "StateFile", path + ": " + std::strerror(errno)};
}

}  // namespace

Journal::Journal(std::string path) : path_(std::move(path)) {}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Journal::Open(ObjectStore& store) {
  State state;
  auto text = ReadFile(path_);
  if (!text && text.error().code != Code::kNotFound) return std::move(text).error();
  const std::string empty;
  const std::string_view lines = text ? std::string_view(*text) : std::string_view(empty);
  for (size_t at = 0, number = 1; at < lines.size(); ++number) {
    const size_t end = lines.find('\n', at);
    if (end == std::string_view::npos) break;  // a torn line
    if (auto read = ReadLine(lines.substr(at, end - at), state); !read)
      return Error{Code::kInternal, "BadState",
                   path_ + ":" + std::to_string(number) + ": " + read.error().message};
    at = end + 1;
  }
  std::string compact = "{\"v\":" + std::to_string(state.version) + "}\n";
  for (const auto& [key, object] : state.objects) {
    auto restored = FromState(key.first, object);
    AppendPut(compact, restored->version, key.first, restored->text);
    store.Restore(key.first, std::move(restored));
  }
  store.StartAt(state.version);
  TRY_VOID(WriteFileAtomically(path_, compact, 0600));
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) return FileError(path_);
  return {};
}

void Journal::Write(const std::string& collection, const StoreEvent& event) {
  if (fd_ < 0 || failed_) return;
  std::string line;
  if (event.type == EventType::kDeleted) {
    line = "{\"v\":" + std::to_string(event.object->version) +
           ",\"delete\":" + Json::Quote(collection) +
           ",\"key\":" + Json::Quote(event.object->key()) + "}\n";
  } else {
    AppendPut(line, event.object->version, collection, event.object->text);
  }
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      failed_ = true;
      return;
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace slipway::sim
