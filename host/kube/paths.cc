#include "kube/paths.h"

namespace slipway::kube {
namespace {

bool Unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string EscapeUrl(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (Unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string GroupPath(const std::string& api_version) {
  return (api_version.find('/') == std::string::npos ? "/api/" : "/apis/") + api_version;
}

std::string CollectionPath(const Resource& resource, const std::string& ns) {
  std::string out = GroupPath(resource.api_version);
  if (resource.namespaced && !ns.empty()) out.append("/namespaces/").append(EscapeUrl(ns));
  return out.append("/").append(resource.plural);
}

std::string ObjectPath(const Resource& resource, const std::string& ns, const std::string& name,
                       const std::string& subresource) {
  std::string out = CollectionPath(resource, ns);
  out.append("/").append(EscapeUrl(name));
  if (!subresource.empty()) out.append("/").append(subresource);
  return out;
}

Query& Query::Add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += first_ ? '?' : '&';
  first_ = false;
  text_.append(name).append("=").append(EscapeUrl(value));
  return *this;
}

}  // namespace slipway::kube
