#include "kube/client.h"

#include <algorithm>

#include "base/failpoint.h"
#include "kube/credentials.h"
#include "kube/discovery.h"
#include "kube/paths.h"
#include "kube/requester.h"
#include "kube/watcher.h"

namespace slipway::kube {
namespace {

constexpr int64_t kPingMs = 2'000;

std::string UserAgent(const ClientOptions& options) {
#if defined(__aarch64__)
  constexpr const char* kPlatform = " (linux/arm64)";
#else
  constexpr const char* kPlatform = " (linux/amd64)";
#endif
  const std::string text = options.user_agent + kPlatform;
  return options.component.empty() ? text : text + " " + options.component;
}

std::vector<std::string> ImpersonationHeaders(const Config::Impersonate& as) {
  std::vector<std::string> out;
  if (!as.user.empty()) out.push_back("Impersonate-User: " + as.user);
  if (!as.uid.empty()) out.push_back("Impersonate-Uid: " + as.uid);
  for (const std::string& group : as.groups) out.push_back("Impersonate-Group: " + group);
  for (const auto& [key, values] : as.extra) {
    for (const std::string& value : values)
      out.push_back("Impersonate-Extra-" + EscapeUrl(key) + ": " + value);
  }
  return out;
}

HttpOptions HttpOptionsOf(const Config& config, const ClientOptions& options) {
  HttpOptions out;
  out.server = config.server;
  out.ca_pem = config.ca_pem;
  out.tls_server_name = config.tls_server_name;
  out.proxy_url = config.proxy_url;
  out.insecure_skip_verify = config.insecure_skip_verify;
  out.user_agent = UserAgent(options);
  out.headers = ImpersonationHeaders(config.as);
  out.max_connections = options.max_connections;
  out.max_response_bytes = options.max_response_bytes;
  out.connect_timeout_ms = std::min<int64_t>(out.connect_timeout_ms, options.request_timeout_ms);
  return out;
}

Call ReadyCall() {
  return {.verb = Verb::kRaw, .path = "/readyz", .what = "readyz"};
}

constexpr int kBadAnswers = 2;  // how often to repeat a call after an answer that is no JSON

Result<Json> ParseAnswer(const std::string& body, const std::string& what) {
  auto parsed = Json::Parse(body);
  if (parsed) return parsed;
  // A proxy's page, or half an answer: in any case no answer to our question.
  return Error{Code::kUnavailable, "BadAnswer",
               what + ": the answer is not JSON: " + parsed.error().message}
      .Retryable();
}

const char* ContentType(PatchType type) {
  switch (type) {
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kStrategic:
      break;
  }
  return "application/strategic-merge-patch+json";
}

// True when the server refuses the patch for a changed object, so that a repetition is harmless.
bool Guarded(PatchType type, const Json& patch) {
  if (type != PatchType::kJson) return patch.At("/metadata/resourceVersion").is_string();
  const Json::Array& steps = patch.items();
  return std::any_of(steps.begin(), steps.end(), [](const Json& step) {
    return step["op"].AsString() == "test" &&
           step["path"].AsString() == "/metadata/resourceVersion";
  });
}

Error NoName(const ObjectRef& ref) {
  return {Code::kInvalid, "NoName", ref.kind + ": an object without a name", "/metadata/name"};
}

class WatchedInformer final : public Informer {
 public:
  explicit WatchedInformer(std::shared_ptr<Watcher> watcher) : watcher_(std::move(watcher)) {}

  ~WatchedInformer() override { watcher_->Stop(); }

  WatchedInformer(const WatchedInformer&) = delete;
  WatchedInformer& operator=(const WatchedInformer&) = delete;

  ObjectPtr Get(const std::string& ns, const std::string& name) const override {
    return watcher_->store().Get(ns, name);
  }

  std::vector<ObjectPtr> ByIndex(const std::string& value) const override {
    return watcher_->store().ByIndex(value);
  }

  std::vector<ObjectPtr> All() const override { return watcher_->store().All(); }

  bool synced() const override { return watcher_->synced(); }

  bool served() const override { return watcher_->served(); }

  std::optional<Error> trouble() const override { return watcher_->trouble(); }

  size_t bytes() const override { return watcher_->store().bytes(); }

 private:
  std::shared_ptr<Watcher> watcher_;
};

}  // namespace

// The order of the members matters: plugin runs must end before the loop, to which they report.
struct Client::Impl {
  Impl(Config c, ClientOptions o, const Clock& clk, Logger& l, Metrics& m)
      : config(std::move(c)),
        options(std::move(o)),
        log(l),
        metrics(m),
        credentials(config, clk),
        warnings(l),
        http(HttpOptionsOf(config, options)),
        requester(http, credentials, warnings, options, m),
        loop(HttpOptionsOf(config, options)) {
    if (credentials.needs_plugin()) plugin_runner = std::make_unique<Executor>("kube-exec", 1, 256);
  }

  // The call's answer as JSON. A proxy may have sent an answer that is no JSON; it may let the next
  // call through.
  Result<Json> AskJson(const Call& call) {
    for (int left = call.repeatable ? kBadAnswers : 0;; --left) {
      TRY(const std::string body, requester.Do(call));
      auto parsed = ParseAnswer(body, call.what);
      if (parsed || left == 0) return parsed;
    }
  }

  Result<Json> Ask(const Call& call, const Resource& resource) {
    auto answer = AskJson(call);
    if (answer) return answer;
    return Doubted(std::move(answer).error(), resource, call.what);
  }

  // A 404 without a Status does not mean that the object is gone. Either the server no longer
  // serves the kind, or a proxy answers. The next call's discovery shows which.
  Error Doubted(Error error, const Resource& resource, const std::string& what) {
    if (error.reason != "KindNotFound") return error;
    discovery.Forget(resource.api_version);
    return {Code::kUnavailable, "NotFound",
            what + ": 404, but not from an API server that has the kind"};
  }

  Result<ObjectList> ListOnce(const Resource& resource, const std::string& ns,
                              const ListOptions& list) {
    ObjectList out;
    std::string page;
    do {
      Query query(CollectionPath(resource, ns));
      query.Add("labelSelector", list.label_selector).Add("fieldSelector", list.field_selector);
      if (list.page_size > 0) query.Add("limit", std::to_string(list.page_size));
      query.Add("continue", page);
      if (page.empty()) {
        query.Add("resourceVersion", list.resource_version);
        query.Add("resourceVersionMatch", list.resource_version_match);
      }
      const Call call{
          .verb = Verb::kList, .path = query.Take(), .what = "list of " + resource.kind};
      TRY(Json answer, Ask(call, resource));
      page = answer.At("/metadata/continue").AsString();
      out.resource_version = answer.At("/metadata/resourceVersion").AsString();
      Json* items = answer.Find("items");
      if (items == nullptr || !items->is_array()) continue;
      for (Json& item : items->items()) {
        // The items of a list lack these two.
        if (!item.Has("kind")) item.Set("kind", resource.kind);
        if (!item.Has("apiVersion")) item.Set("apiVersion", resource.api_version);
        if (Json* metadata = item.Find("metadata")) metadata->Erase("managedFields");
        out.items.push_back(std::move(item));
      }
    } while (!page.empty());
    return out;
  }

  WatchContext Context() {
    return {loop, credentials, warnings, discovery, plugin_runner.get(), options, log, metrics};
  }

  const Config config;
  const ClientOptions options;
  const SystemClock steady;
  Logger& log;
  Metrics& metrics;
  Credentials credentials;
  Warnings warnings;
  DiscoveryCache discovery;
  HttpCaller http;
  Requester requester;
  HttpLoop loop;
  std::unique_ptr<Executor> plugin_runner;
};

Client::Client(Config config, ClientOptions options, const Clock& clock, Logger& log,
               Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(options), clock, log, metrics)) {}

Client::~Client() = default;

std::unique_ptr<Informer> Client::Watch(InformerSpec spec, Informer::OnChange on_change) {
  auto watcher = std::make_shared<Watcher>(impl_->Context(), std::move(spec), std::move(on_change));
  watcher->Start();
  return std::make_unique<WatchedInformer>(std::move(watcher));
}

Result<Resource> Client::Discover(const std::string& api_version, const std::string& kind) {
  auto known = impl_->discovery.Look(api_version, kind, impl_->steady.SteadyMs());
  if (!known.ask) return std::move(known.resource);
  const Call call{.path = GroupPath(api_version), .what = "discovery of " + api_version};
  auto list = impl_->AskJson(call);
  if (!list && list.error().code == Code::kNotFound) {
    // A proxy may answer 404 to everything, so we believe a 404 only from a server that is ready.
    const auto ready = impl_->requester.Do(ReadyCall());
    if (!ready)
      return Error{Code::kUnavailable, ready.error().reason,
                   call.what + " was answered 404 by a server that is not ready"};
    list = impl_->AskJson(call);
  }
  const int64_t now = impl_->steady.SteadyMs();
  if (!list) {
    if (list.error().code != Code::kNotFound) return std::move(list).error();
    impl_->discovery.StoreAbsent(api_version, now);
    return KindNotFound(api_version, kind);
  }
  impl_->discovery.Store(api_version, *list, now);
  return impl_->discovery.Find(api_version, kind);
}

Result<Json> Client::Get(const ObjectRef& ref) {
  if (ref.name.empty()) return NoName(ref);
  TRY(const Resource resource, Discover(ref.api_version, ref.kind));
  return impl_->Ask({.path = ObjectPath(resource, ref.ns, ref.name), .what = ref.ToString()},
                    resource);
}

Result<ObjectList> Client::List(const std::string& api_version, const std::string& kind,
                                const std::string& ns, const ListOptions& options) {
  TRY(const Resource resource, Discover(api_version, kind));
  auto list = impl_->ListOnce(resource, ns, options);
  if (list || list.error().code != Code::kGone || options.page_size <= 0) return list;
  // The server forgets versions faster than we read the pages.
  ListOptions whole = options;
  whole.page_size = 0;
  return impl_->ListOnce(resource, ns, whole);
}

Result<Json> Client::Create(const Json& object) {
  const ObjectRef ref = ObjectRef::Of(object);
  TRY(const Resource resource, Discover(ref.api_version, ref.kind));
  Call call{.verb = Verb::kCreate,
            .method = HttpMethod::kPost,
            .body = object.Dump(),
            .repeatable = false,
            .what = ref.ToString()};
  call.path = Query(CollectionPath(resource, ref.ns)).Add("fieldValidation", "Strict").Take();
  SLIPWAY_FAILPOINT("kube.create.before");
  auto created = impl_->Ask(call, resource);
  SLIPWAY_FAILPOINT("kube.create.after");
  return created;
}

Result<Json> Client::Apply(const Json& object, const ApplyOptions& options) {
  const ObjectRef ref = ObjectRef::Of(object);
  if (ref.name.empty()) return NoName(ref);
  TRY(const Resource resource, Discover(ref.api_version, ref.kind));
  Query query(ObjectPath(resource, ref.ns, ref.name, options.subresource));
  query.Add("fieldManager", options.field_manager).Add("fieldValidation", "Strict");
  query.Add("force", options.force ? "true" : "").Add("dryRun", options.dry_run ? "All" : "");
  Call call{.verb = Verb::kApply,
            .method = HttpMethod::kPatch,
            .path = query.Take(),
            .body = object.Dump(),
            .what = ref.ToString()};
  call.content_type = "application/apply-patch+yaml";
  SLIPWAY_FAILPOINT("kube.apply.before");
  auto applied = impl_->Ask(call, resource);
  SLIPWAY_FAILPOINT("kube.apply.after");
  return applied;
}

Result<Json> Client::Update(const Json& object, const std::string& subresource) {
  const ObjectRef ref = ObjectRef::Of(object);
  if (ref.name.empty()) return NoName(ref);
  TRY(const Resource resource, Discover(ref.api_version, ref.kind));
  Call call{.verb = Verb::kUpdate,
            .method = HttpMethod::kPut,
            .body = object.Dump(),
            .what = ref.ToString()};
  call.path = ObjectPath(resource, ref.ns, ref.name, subresource);
  call.repeatable = object.At("/metadata/resourceVersion").is_string();
  SLIPWAY_FAILPOINT("kube.update.before");
  auto updated = impl_->Ask(call, resource);
  SLIPWAY_FAILPOINT("kube.update.after");
  return updated;
}

Result<Json> Client::Patch(const ObjectRef& ref, PatchType type, const Json& patch,
                           const std::string& subresource) {
  if (ref.name.empty()) return NoName(ref);
  TRY(const Resource resource, Discover(ref.api_version, ref.kind));
  Call call{.verb = Verb::kPatch,
            .method = HttpMethod::kPatch,
            .body = patch.Dump(),
            .what = ref.ToString()};
  call.path = ObjectPath(resource, ref.ns, ref.name, subresource);
  call.content_type = ContentType(type);
  call.repeatable = Guarded(type, patch);
  SLIPWAY_FAILPOINT("kube.patch.before");
  auto patched = impl_->Ask(call, resource);
  SLIPWAY_FAILPOINT("kube.patch.after");
  return patched;
}

Result<void> Client::Delete(const ObjectRef& ref, const DeleteOptions& options) {
  if (ref.name.empty()) return NoName(ref);
  TRY(const Resource resource, Discover(ref.api_version, ref.kind));
  Json body = Json::Obj({{"kind", "DeleteOptions"},
                         {"apiVersion", "v1"},
                         {"propagationPolicy", options.propagation}});
  if (!options.uid.empty()) body.SetAt("/preconditions/uid", options.uid);
  if (!options.resource_version.empty())
    body.SetAt("/preconditions/resourceVersion", options.resource_version);
  if (options.dry_run) body.Set("dryRun", Json::Arr({"All"}));
  if (options.grace_seconds >= 0) body.Set("gracePeriodSeconds", options.grace_seconds);
  Call call{.verb = Verb::kDelete,
            .method = HttpMethod::kDelete,
            .body = body.Dump(),
            .what = ref.ToString()};
  call.path = ObjectPath(resource, ref.ns, ref.name);
  call.repeatable = !options.uid.empty() || !options.resource_version.empty();
  SLIPWAY_FAILPOINT("kube.delete.before");
  auto deleted = impl_->requester.Do(std::move(call));
  SLIPWAY_FAILPOINT("kube.delete.after");
  if (deleted) return {};
  Error error = impl_->Doubted(std::move(deleted).error(), resource, ref.ToString());
  if (error.code == Code::kNotFound) return {};
  return error;
}

Result<std::string> Client::PodLog(const std::string& ns, const std::string& pod,
                                   const std::string& container, int tail_lines) {
  Query query("/api/v1/namespaces/" + EscapeUrl(ns) + "/pods/" + EscapeUrl(pod) + "/log");
  query.Add("container", container);
  if (tail_lines > 0) query.Add("tailLines", std::to_string(tail_lines));
  return impl_->requester.Do(
      {.verb = Verb::kRaw, .path = query.Take(), .what = "log of Pod " + ns + "/" + pod});
}

Result<std::string> Client::ProxyGet(const std::string& kind, const std::string& ns,
                                     const std::string& name, const std::string& path) {
  const std::string rest = path.starts_with('/') ? path : "/" + path;
  return impl_->requester.Do(
      {.verb = Verb::kRaw,
       .path = "/api/v1/namespaces/" + EscapeUrl(ns) + "/" + kind + "/" + name + "/proxy" + rest,
       .what = "proxy to " + kind + " " + ns + "/" + name});
}

Result<void> Client::Ping() {
  const int64_t timeout_ms = std::min(kPingMs, impl_->options.request_timeout_ms);
  const auto answer = impl_->requester.Once(ReadyCall(), timeout_ms);
  if (!answer) return answer.error();
  return {};
}

}  // namespace slipway::kube
