#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "base/crypto.h"
#include "devcluster/http_front.h"
#include "devcluster/json_path.h"
#include "devcluster/list_options.h"
#include "devcluster/table.h"

namespace slipway::sim {

namespace {

constexpr int64_t kWatchMs = 30 * 60'000;

// The form of the answer: the first one in the Accept header that we know.
enum class Form { kObject, kTable, kMetadata };

Form FormOf(const http::Request& request) {
  const std::string accept = HeaderText(request, "accept");
  const size_t table = accept.find("as=Table;"), metadata = accept.find("as=PartialObjectMetadata");
  if (accept.find("as=Table") != std::string::npos && table < metadata) return Form::kTable;
  if (metadata != std::string::npos) return Form::kMetadata;
  return accept.find("as=Table") != std::string::npos ? Form::kTable : Form::kObject;
}

std::string MetadataText(const StoredObject& object) {
  const Json value = object.Parse();
  return Json::Obj({{"kind", "PartialObjectMetadata"},
                    {"apiVersion", "meta.k8s.io/v1"},
                    {"metadata", value["metadata"]}})
      .Dump();
}

std::string Token(uint64_t version, const std::string& next) {
  return Base64UrlEncode(
      Json::Obj({{"v", "meta.k8s.io/v1"}, {"rv", static_cast<int64_t>(version)}, {"start", next}})
          .Dump());
}

struct Selectors {
  LabelSelector labels;
  FieldSelector fields;

  bool Match(const StoredObject& object) const {
    return labels.Matches(object.labels) && fields.Matches(object.fields);
  }

  bool empty() const { return labels.empty() && fields.empty(); }
};

Answer<Selectors> ReadSelectors(const http::Request& request, const Kind& kind) {
  Selectors out;
  TRY(out.labels, LabelSelector::Parse(QueryText(request, "labelSelector")));
  TRY(out.fields,
      FieldSelector::Parse(QueryText(request, "fieldSelector"), SelectableFields(kind)));
  return out;
}

TableRequest ReadTableRequest(const http::Request& request) {
  TableRequest out;
  if (const std::string* include = request.Query("includeObject"); include != nullptr)
    out.include = *include;
  return out;
}

Answer<Done> CheckTableRequest(const http::Request& request) {
  const std::string include = QueryText(request, "includeObject");
  if (include.empty() || include == "Metadata" || include == "Object" || include == "None")
    return Done{};
  return BadRequest("Unable to convert to Table as requested: includeObject: Invalid value: " +
                    Json::Quote(include) + ": must be 'Metadata', 'Object', 'None', or empty");
}

bool AsksForList(const http::Request& request) {
  return HeaderText(request, "accept").find("as=PartialObjectMetadataList") != std::string::npos;
}

Failure NotAcceptableAs(const std::string& why) {
  return {406, "NotAcceptable", why, {}};
}

struct Listing {
  std::vector<ObjectPtr> items;
  Json metadata;
};

// Returns a page of the collection as it was at version `at`, by undoing later changes; 0 is now.
Answer<ObjectStore::Page> PageAt(const ObjectStore& store, const Target& target, uint64_t at,
                                 const std::string& after, size_t limit) {
  const std::string collection = target.kind->collection();
  if (at == 0) return store.List(collection, target.ns, after, limit);
  ObjectStore::Page now = store.List(collection, target.ns, "", 0);
  std::vector<StoreEvent> events;
  uint64_t oldest = 0;
  if (!store.EventsAfter(collection, at, SIZE_MAX, events, oldest))
    return Expired(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue "
        "parameter, or use the continue token in this response to retrieve the remainder of the "
        "results.");
  std::map<std::string, ObjectPtr> then;
  for (ObjectPtr& object : now.items) then.emplace(object->key(), std::move(object));
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->object->version > now.version) continue;
    const bool here = target.ns.empty() || event->object->ns == target.ns;
    if (event->previous == nullptr) {
      then.erase(event->object->key());
    } else if (here) {
      then[event->object->key()] = event->previous;
    }
  }
  ObjectStore::Page page;
  page.version = at;
  for (auto it = after.empty() ? then.begin() : then.upper_bound(after); it != then.end(); ++it) {
    if (limit == 0 || page.items.size() < limit) {
      page.items.push_back(it->second);
      continue;
    }
    page.next = page.items.back()->key();
    ++page.remaining;
  }
  return page;
}

// Looks through the objects page by page until the limit is reached, so that a small page of a
// selective list costs no more than what it returns.
Answer<Listing> Collect(const ObjectStore& store, const Target& target,
                        const http::Request& request) {
  TRY(const Selectors selectors, ReadSelectors(request, *target.kind));
  TRY(const ListOptions options, ReadListOptions(request, Reading::kList, store.version()));
  const auto limit = static_cast<size_t>(std::max<int64_t>(0, options.limit));
  std::string after;
  uint64_t version = options.match == "Exact" ? options.Version() : 0;
  if (!options.token.empty()) {
    auto raw = Base64UrlDecode(options.token);
    auto parsed = raw ? Json::Parse(*raw) : Result<Json>(Error{});
    if (!parsed || !(*parsed)["start"].is_string()) return BadRequest("continue key is not valid");
    after = (*parsed)["start"].AsString();
    version = static_cast<uint64_t>((*parsed)["rv"].AsInt());
  }
  Listing out;
  const std::string name = selectors.fields.Required("metadata.name");
  if (!name.empty() && !target.ns.empty() && version == 0) {
    version = store.version();
    const ObjectPtr only = store.Get(target.kind->collection(), target.ns, name);
    if (only != nullptr && selectors.Match(*only)) out.items.push_back(only);
    out.metadata = Json::Obj({{"resourceVersion", std::to_string(version)}});
    return out;
  }
  TRY(ObjectStore::Page page, PageAt(store, target, version, after, selectors.empty() ? limit : 0));
  if (version == 0) version = page.version;
  out.metadata = Json::Obj({{"resourceVersion", std::to_string(version)}});
  if (selectors.empty()) {
    out.items = std::move(page.items);
    if (!page.next.empty())
      out.metadata.Set("continue", Token(version, page.next))
          .Set("remainingItemCount", static_cast<int64_t>(page.remaining));
    return out;
  }
  for (ObjectPtr& object : page.items) {
    if (!selectors.Match(*object)) continue;
    if (limit != 0 && out.items.size() == limit) {
      out.metadata.Set("continue", Token(version, out.items.back()->key()));
      break;
    }
    out.items.push_back(std::move(object));
  }
  return out;
}

bool HasContainer(const Json& spec, const std::string& name) {
  for (const char* list : {"containers", "initContainers"})
    for (const Json& container : spec[list].items())
      if (container["name"].AsString() == name) return true;
  return false;
}

Json ScaleOf(const Kind& kind, const Json& object) {
  const Json& metadata = object["metadata"];
  Json spec = Json::MakeObject();
  if (const int64_t wanted = FindPath(object, kind.scale_spec).AsInt(); wanted != 0)
    spec.Set("replicas", wanted);
  Json status = Json::Obj({{"replicas", FindPath(object, kind.scale_status).AsInt()}});
  std::string selector;
  for (const auto& [key, value] : object.At("/spec/selector/matchLabels").members())
    selector += (selector.empty() ? "" : ",") + key + "=" + value.AsString();
  if (!kind.custom && !selector.empty()) status.Set("selector", selector);
  return Json::Obj({{"kind", "Scale"},
                    {"apiVersion", "autoscaling/v1"},
                    {"metadata", Json::Obj({{"name", metadata["name"]},
                                            {"namespace", metadata["namespace"]},
                                            {"uid", metadata["uid"]},
                                            {"resourceVersion", metadata["resourceVersion"]},
                                            {"creationTimestamp", metadata["creationTimestamp"]}})},
                    {"spec", std::move(spec)},
                    {"status", std::move(status)}});
}

}  // namespace

http::Response HttpFront::Object(Call& call, const StoredObject& object, int status,
                                 const std::vector<std::string>& warnings) const {
  call.record.name = object.name;
  call.record.uid = object.uid;
  http::Response out;
  out.status = status;
  for (const std::string& warning : warnings)
    out.headers.emplace_back("Warning", "299 - " + Json::Quote(warning));
  const Form form = FormOf(call.request());
  const Kind& kind = *call.target.kind;
  if (call.target.subresource == "scale") {
    out.body = ScaleOf(kind, object.Parse()).Dump();
  } else if (form == Form::kTable) {
    const auto shared = std::make_shared<StoredObject>(object);
    out.body =
        MakeTable(kind, {shared}, Json::Obj({{"resourceVersion", std::to_string(object.version)}}),
                  ReadTableRequest(call.request()), NowMs())
            .Dump();
  } else {
    out.body = form == Form::kMetadata ? MetadataText(object) : object.text;
  }
  return out;
}

HttpFront::Reply HttpFront::Read(Call& call) {
  const Target& target = call.target;
  if (AsksForList(call.request()))
    return NotAcceptableAs(
        "you requested PartialObjectMetadataList, but the requested object is not a list");
  TRY([[maybe_unused]] const ListOptions options,
      ReadListOptions(call.request(), Reading::kGet, parts_.api.store().version()));
  TRY(const ObjectPtr object, parts_.api.Get(*target.kind, target.ns, target.name));
  return Object(call, *object, 200, {});
}

HttpFront::Reply HttpFront::List(Call& call) {
  const Kind& kind = *call.target.kind;
  if (FormOf(call.request()) == Form::kMetadata && !AsksForList(call.request()))
    return NotAcceptableAs(
        "you requested PartialObjectMetadata, but the requested object is a list");
  TRY(Listing listing, Collect(parts_.api.store(), call.target, call.request()));
  const Form form = FormOf(call.request());
  http::Response out;
  if (form == Form::kTable) {
    TRY([[maybe_unused]] Done checked, CheckTableRequest(call.request()));
    out.body = MakeTable(kind, listing.items, std::move(listing.metadata),
                         ReadTableRequest(call.request()), NowMs())
                   .Dump();
    return out;
  }
  const bool partial = form == Form::kMetadata;
  if (kind.custom && !partial && !listing.metadata.Has("continue"))
    listing.metadata.Set("continue", "");
  size_t bytes = 256;
  for (const ObjectPtr& object : listing.items) bytes += object->text.size() + 1;
  out.body.reserve(bytes);
  out.body +=
      "{\"kind\":" + Json::Quote(partial ? "PartialObjectMetadataList" : kind.kind + "List");
  out.body += ",\"apiVersion\":" + Json::Quote(partial ? "meta.k8s.io/v1" : kind.api_version());
  out.body += ",\"metadata\":" + listing.metadata.Dump() + ",\"items\":[";
  bool first = true;
  for (const ObjectPtr& object : listing.items) {
    if (!first) out.body += ',';
    first = false;
    if (partial) {
      out.body += MetadataText(*object);
    } else {
      AppendItem(kind, *object, out.body);
    }
  }
  out.body += "]}\n";
  return out;
}

void HttpFront::Watch(const CallPtr& call) {
  const http::Request& request = call->request();
  ObjectStore& store = parts_.api.store();
  auto selectors = ReadSelectors(request, *call->target.kind);
  if (!selectors) return Finish(*call, std::move(selectors).error());
  WatchSpec spec;
  spec.kind = call->target.kind;
  spec.ns = call->target.ns;
  spec.labels = selectors->labels;
  spec.fields = selectors->fields;
  auto options = ReadListOptions(request, Reading::kWatch, store.version());
  if (!options) return Finish(*call, std::move(options).error());
  spec.after = options->Version();
  spec.from_now = options->version.empty() || options->version == "0" || options->initial;
  spec.bookmarks = options->bookmarks;
  spec.initial_end = options->initial && spec.bookmarks;
  spec.fault = call->watch_fault;
  // The version comes from another life of this cluster, whose history we do not have.
  if (!spec.from_now && spec.after > store.version())
    spec.fault = WatchFault{WatchFault::Action::kGone, 0};
  spec.timeout_ms = options->timeout_s > 0 ? options->timeout_s * 1000 : kWatchMs;
  const Form form = FormOf(request);
  if (form == Form::kMetadata)
    spec.render = [](const StoredObject& object, std::string& out) { out = MetadataText(object); };
  if (form == Form::kTable) {
    spec.render = [kind = spec.kind, table = ReadTableRequest(request), &clock = parts_.api.clock(),
                   first = true](const StoredObject& object, std::string& out) mutable {
      table.headers = std::exchange(first, false);
      const auto shared = std::make_shared<StoredObject>(object);
      out = MakeTable(*kind, {shared},
                      Json::Obj({{"resourceVersion", std::to_string(object.version)}}), table,
                      clock.NowMs())
                .Dump();
    };
  }
  Log(*call, 200);
  auto stream = call->exchange->StartStream(200, "application/json", {});
  if (stream != nullptr) parts_.hub.Add(std::move(spec), std::move(stream));
}

HttpFront::Reply HttpFront::PodLog(Call& call) {
  const Target& target = call.target;
  if (target.kind->kind != "Pod" || call.verb != "get") return MethodNotAllowed();
  TRY(const ObjectPtr pod, parts_.api.Get(*target.kind, target.ns, target.name));
  const Json object = pod->Parse();
  const Json& annotations = object["metadata"]["annotations"];
  const std::string container = QueryText(call.request(), "container");
  if (!container.empty() && !HasContainer(object["spec"], container))
    return BadRequest("container " + container + " is not valid for pod " + target.name);
  std::string text = annotations[std::string(kLogAnnotation) + "." + container].AsString(
      annotations[kLogAnnotation].AsString());
  const std::string& file = annotations[kLogFileAnnotation].AsString();
  const bool readable = !file.empty() && !parts_.data_dir.empty() &&
                        file.rfind(parts_.data_dir + "/", 0) == 0 &&
                        file.find("/../") == std::string::npos;
  if (readable) {
    std::ifstream in(file, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (const std::string tail = QueryText(call.request(), "tailLines"); !tail.empty()) {
    long lines = std::strtol(tail.c_str(), nullptr, 10);
    size_t at = text.size();
    if (at > 0 && text.back() == '\n') --at;
    for (; at > 0; --at)
      if (text[at - 1] == '\n' && --lines <= 0) break;
    text.erase(0, lines <= 0 ? at : 0);
  }
  return http::Response{200, {}, std::move(text), "text/plain"};
}

}  // namespace slipway::sim
