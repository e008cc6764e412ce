#include "devcluster/mongodb/mongo_wire.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace slipway::sim::operators::mongodb {

namespace {

constexpr char kDouble = 1, kText = 2, kDocument = 3, kList = 4, kBool = 8, kInt32 = 16;
constexpr int32_t kMessage = 2013;
constexpr size_t kHeader = 16, kMostBytes = 1 << 20;
constexpr time_t kTimeoutS = 10;

template <class Number>
void Put(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);  // little-endian, as BSON is
}

template <class Number>
Number NumberAt(std::string_view bytes, size_t at) {
  Number out{};
  if (at + sizeof out <= bytes.size()) std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

void PutMember(std::string& out, const std::string& name, const Json& value) {
  const auto head = [&](char type) { (out += type).append(name.c_str(), name.size() + 1); };
  if (value.is_string()) {
    head(kText);
    Put(out, static_cast<int32_t>(value.AsString().size() + 1));
    out.append(value.AsString().c_str(), value.AsString().size() + 1);
  } else if (value.is_bool()) {
    head(kBool);
    out += value.AsBool() ? '\1' : '\0';
  } else if (value.is_number()) {
    head(kInt32);
    Put(out, static_cast<int32_t>(value.AsInt()));
  } else {
    head(value.is_array() ? kList : kDocument);
    out += ToBson(value);
  }
}

// The number of bytes that a value has; 0 when we cannot tell.
size_t SizeOf(char type, std::string_view rest) {
  constexpr std::string_view kEight = "\x01\x09\x11\x12", kNone = "\x06\x0a";
  if (kEight.find(type) != std::string_view::npos) return 8;
  if (type == kBool) return 1;
  if (type == kInt32) return 4;
  if (type == 7) return 12;
  if (type == kDocument || type == kList) return NumberAt<uint32_t>(rest, 0);
  if (type == kText) return 4 + size_t{NumberAt<uint32_t>(rest, 0)};
  if (type == 5) return 5 + size_t{NumberAt<uint32_t>(rest, 0)};
  return kNone.find(type) != std::string_view::npos ? std::string_view::npos : 0;
}

Result<Json> ValueOf(char type, std::string_view bytes) {
  switch (type) {
    case kDouble:
      return Json(NumberAt<double>(bytes, 0));
    case kText:
      return Json(std::string(bytes.substr(4, bytes.size() - 5)));
    case kBool:
      return Json(bytes[0] != '\0');
    case kInt32:
      return Json(NumberAt<int32_t>(bytes, 0));
    case kDocument:
      return FromBson(std::string(bytes));
    case kList: {
      TRY(const Json members, FromBson(std::string(bytes)));
      Json out = Json::MakeArray();
      for (const auto& [index, value] : members.members()) out.Push(value);
      return out;
    }
    default:
      return Json();
  }
}

class Connection {
 public:
  explicit Connection(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const timeval timeout{kTimeoutS, 0};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
      setsockopt(fd_, SOL_SOCKET, option, &timeout, sizeof timeout);
    open_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  ~Connection() { close(fd_); }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const { return open_; }

  bool Write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t size = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(size));
    }
    return true;
  }

  bool Read(size_t size, std::string& out) const {
    out.resize(size);
    for (size_t done = 0; done < size;) {
      const ssize_t n = recv(fd_, out.data() + done, size - done, 0);
      if (n <= 0) return false;
      done += static_cast<size_t>(n);
    }
    return true;
  }

 private:
  const int fd_;
  bool open_ = false;
};

}  // namespace

std::string ToBson(const Json& document) {
  std::string members;
  size_t index = 0;
  for (const Json& item : document.items()) PutMember(members, std::to_string(index++), item);
  for (const auto& [name, value] : document.members()) PutMember(members, name, value);
  std::string out;
  Put(out, static_cast<int32_t>(members.size() + 5));
  return out + members + '\0';
}

Result<Json> FromBson(const std::string& bytes) {
  const Error cut_off{Code::kInvalid, "BadBson", "the document is cut off"};
  Json out = Json::MakeObject();
  for (size_t at = 4; at < bytes.size() && bytes[at] != '\0';) {
    const char type = bytes[at];
    const size_t end = bytes.find('\0', at + 1);
    if (end == std::string::npos) return cut_off;
    const std::string name = bytes.substr(at + 1, end - at - 1);
    const std::string_view rest = std::string_view(bytes).substr(end + 1);
    const size_t known = SizeOf(type, rest), size = known == std::string_view::npos ? 0 : known;
    if (known == 0 || size > rest.size() || (type == kText && size < 5)) return cut_off;
    TRY(Json value, ValueOf(type, rest.substr(0, size)));
    if (!value.is_null()) out.Set(name, std::move(value));
    at = end + 1 + size;
  }
  return out;
}

bool AnswersAt(const std::string& socket_path) {
  return Connection(socket_path).open();
}

Result<Json> MongoCommand(const std::string& socket_path, const Json& command) {
  const Error none{Code::kUnavailable, "NoAnswer", "the server does not answer"};
  const Connection connection(socket_path);
  const std::string body = std::string(5, '\0') + ToBson(command);  // flags, kind of section
  std::string message;
  for (const int32_t number : {static_cast<int32_t>(kHeader + body.size()), 1, 0, kMessage})
    Put(message, number);
  std::string header, answer;
  if (!connection.open() || !connection.Write(message + body) || !connection.Read(kHeader, header))
    return none;
  const auto size = size_t{NumberAt<uint32_t>(header, 0)};
  if (size < kHeader + 10 || size > kMostBytes || NumberAt<int32_t>(header, 12) != kMessage ||
      !connection.Read(size - kHeader, answer))
    return none;
  return FromBson(answer.substr(5));
}

}  // namespace slipway::sim::operators::mongodb
