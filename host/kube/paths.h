#pragma once

#include <string>
#include <string_view>

#include "kube/cluster.h"

namespace slipway::kube {

// Percent-encodes all but RFC 3986's unreserved characters.
std::string EscapeUrl(std::string_view text);

// "/api/v1" or "/apis/GROUP/VERSION".
std::string GroupPath(const std::string& api_version);
// The path of a collection; of all namespaces for ns "" (or a cluster-scoped kind).
std::string CollectionPath(const Resource& resource, const std::string& ns);
std::string ObjectPath(const Resource& resource, const std::string& ns, const std::string& name,
                       const std::string& subresource = {});

// Appends ?a=b&c=d without the empty values.
class Query {
 public:
  explicit Query(std::string path) : text_(std::move(path)) {}

  Query& Add(std::string_view name, std::string_view value);

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  bool first_ = true;
};

}  // namespace slipway::kube
