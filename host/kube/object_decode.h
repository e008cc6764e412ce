#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/informer.h"

namespace slipway::kube {

struct ListPage {
  std::string resource_version, next_page;
  std::vector<Informer::ObjectPtr> objects;
};

struct WatchEvent {
  enum class Type { kChanged, kDeleted, kBookmark, kError };
  Type type = Type::kBookmark;
  bool initial_end = false;  // of kBookmark: everything there was has been sent
  std::string resource_version;
  Informer::ObjectPtr object;  // of kChanged and kDeleted
  Error error;                 // of kError, as the server meant it
};

// Turns what lists and watches bring into cache objects, pruned as the spec says. Immutable.
class ObjectDecoder {
 public:
  explicit ObjectDecoder(const InformerSpec& spec);

  Result<ListPage> Page(std::string_view body) const;
  Result<WatchEvent> Line(std::string_view line) const;
  // Takes the object apart.
  Informer::ObjectPtr Prune(Json object) const;

 private:
  const std::string api_version_, kind_, index_label_;
  std::vector<std::string> keep_;           // none is inside another
  std::vector<std::string> metadata_keep_;  // names under /metadata
};

}  // namespace slipway::kube
