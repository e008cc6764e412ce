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
  bool initial_end = false;  // of kBookmark: the server has sent all objects that there were
  std::string resource_version;
  Informer::ObjectPtr object;  // of kChanged and kDeleted
  Error error;                 // of kError, with the server's meaning
};

// Turns the objects of lists and watches into cache objects, pruned by the spec. Immutable.
class ObjectDecoder {
 public:
  explicit ObjectDecoder(const InformerSpec& spec);

  Result<ListPage> Page(std::string_view body) const;
  Result<WatchEvent> Line(std::string_view line) const;
  // Destroys the object.
  Informer::ObjectPtr Prune(Json object) const;

 private:
  const std::string api_version_, kind_, index_label_;
  std::vector<std::string> keep_;           // none is inside another
  std::vector<std::string> metadata_keep_;  // names under /metadata
};

}  // namespace slipway::kube
