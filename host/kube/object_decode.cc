#include "kube/object_decode.h"

#include <algorithm>

#include "kube/status.h"

namespace slipway::kube {
namespace {

constexpr std::string_view kMetadata = "/metadata/";

bool Inside(std::string_view pointer, std::string_view other) {
  return pointer.size() > other.size() && pointer.starts_with(other) &&
         pointer[other.size()] == '/';
}

}  // namespace

Json CachedObject::Parse() const {
  auto parsed = Json::Parse(text);
  return parsed ? *std::move(parsed) : Json();
}

ObjectDecoder::ObjectDecoder(const InformerSpec& spec)
    : api_version_(spec.api_version), kind_(spec.kind), index_label_(spec.index_label) {
  metadata_keep_ = {"name",
                    "namespace",
                    "uid",
                    "resourceVersion",
                    "generation",
                    "labels",
                    "annotations",
                    "ownerReferences",
                    "deletionTimestamp",
                    "creationTimestamp",
                    "finalizers"};
  for (const std::string& pointer : spec.keep) {
    if (pointer.starts_with(kMetadata)) {
      const std::string_view rest = std::string_view(pointer).substr(kMetadata.size());
      metadata_keep_.emplace_back(rest.substr(0, rest.find('/')));
      continue;
    }
    const bool covered =
        std::any_of(spec.keep.begin(), spec.keep.end(),
                    [&](const std::string& other) { return Inside(pointer, other); });
    if (!covered) keep_.push_back(pointer);
  }
}

Informer::ObjectPtr ObjectDecoder::Prune(Json object) const {
  auto out = std::make_shared<CachedObject>();
  if (Json* metadata = object.Find("metadata")) {
    if (keep_.empty()) {
      metadata->Erase("managedFields");
    } else {
      std::erase_if(metadata->members(), [this](const Json::Member& member) {
        return std::find(metadata_keep_.begin(), metadata_keep_.end(), member.first) ==
               metadata_keep_.end();
      });
    }
    out->ref.ns = (*metadata)["namespace"].AsString();
    out->ref.name = (*metadata)["name"].AsString();
    out->uid = (*metadata)["uid"].AsString();
    out->resource_version = (*metadata)["resourceVersion"].AsString();
    if (!index_label_.empty())
      out->index = (*metadata)["labels"][std::string_view(index_label_)].AsString();
  }
  out->ref.api_version = api_version_;
  out->ref.kind = kind_;
  Json kept = Json::Obj({{"apiVersion", api_version_}, {"kind", kind_}});
  if (Json* metadata = object.Find("metadata")) kept.Set("metadata", std::move(*metadata));
  if (keep_.empty()) {
    for (auto& [name, value] : object.members()) {
      if (name != "apiVersion" && name != "kind" && name != "metadata")
        kept.members().emplace_back(name, std::move(value));
    }
  }
  for (const std::string& pointer : keep_) {
    const Json& value = object.At(pointer);
    if (!value.is_null()) kept.SetAt(pointer, value);
  }
  kept.DumpTo(out->text);
  out->text.shrink_to_fit();
  return out;
}

Result<ListPage> ObjectDecoder::Page(std::string_view body) const {
  TRY(Json list, Json::Parse(body));
  ListPage page;
  page.resource_version = list.At("/metadata/resourceVersion").AsString();
  page.next_page = list.At("/metadata/continue").AsString();
  if (page.resource_version.empty())
    return Error{Code::kInternal, "BadList", "a list without resourceVersion"};
  Json* items = list.Find("items");
  if (items == nullptr || !items->is_array()) return page;  // Go writes an empty list as null
  page.objects.reserve(items->size());
  for (Json& item : items->items()) page.objects.push_back(Prune(std::move(item)));
  return page;
}

Result<WatchEvent> ObjectDecoder::Line(std::string_view line) const {
  TRY(Json parsed, Json::Parse(line));
  const std::string& type = parsed["type"].AsString();
  Json* object = parsed.Find("object");
  const Error bad{Code::kInternal, "BadEvent", "a line of the watch is not an event"};
  if (object == nullptr || !object->is_object()) return bad;
  WatchEvent event;
  event.resource_version = object->At("/metadata/resourceVersion").AsString();
  if (type == "ERROR") {
    event.type = WatchEvent::Type::kError;
    const auto status = static_cast<int>((*object)["code"].AsInt(500));
    event.error = StatusError(Verb::kList, status, object->Dump(), "watch of " + kind_);
    return event;
  }
  if (type == "BOOKMARK") {
    const Json& annotations = object->At("/metadata/annotations");
    event.initial_end = annotations["k8s.io/initial-events-end"].AsString() == "true";
    return event;
  }
  if (type == "ADDED" || type == "MODIFIED") {
    event.type = WatchEvent::Type::kChanged;
  } else if (type == "DELETED") {
    event.type = WatchEvent::Type::kDeleted;
  } else {
    return bad;
  }
  event.object = Prune(std::move(*object));
  if (event.object->ref.name.empty() || event.resource_version.empty()) return bad;
  return event;
}

}  // namespace slipway::kube
