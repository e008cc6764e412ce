#include "devcluster/api.h"

#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "devcluster/builtin_rules.h"
#include "devcluster/builtin_types.h"
#include "devcluster/crds.h"
#include "devcluster/go_decode.h"
#include "devcluster/json_path.h"
#include "devcluster/patch.h"
#include "devcluster/quota.h"

namespace slipway::sim {

namespace {

constexpr int kAttempts = 100;  // so many other writers may get in between

std::string NewUid() {
  std::string raw = RandomBytes(16);
  raw[6] = static_cast<char>((raw[6] & 0x0F) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
  std::string hex = HexEncode(raw);
  for (const size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, "-");
  return hex;
}

std::string RandomSuffix() {
  static constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (const char c : RandomBytes(5))
    out += kLetters[static_cast<unsigned char>(c) % (sizeof kLetters - 1)];
  return out;
}

// The part of an object that decides whether a write changes anything.
Json Comparable(const Json& object, bool with_managers) {
  Json out = object;
  out["metadata"].Erase("resourceVersion");
  if (!with_managers) out["metadata"].Erase("managedFields");
  return out;
}

void DropNulls(Json& metadata) {
  std::erase_if(metadata.members(),
                [](const Json::Member& member) { return member.second.is_null(); });
}

bool SpecChanged(const Kind& kind, const Json& before, const Json& after) {
  const auto counts = [&](const std::string& key) {
    return key != "metadata" && key != "apiVersion" && key != "kind" &&
           !(key == "status" && kind.has_status);
  };
  for (const auto& [key, value] : after.members())
    if (counts(key) && before[key] != value) return true;
  for (const auto& [key, value] : before.members())
    if (counts(key) && !after.Has(key)) return true;
  return false;
}

// The status of these kinds is not for the creator to set.
bool HasOwnStatus(const Kind& kind) {
  return kind.has_status && kind.kind != "Node";
}

Failure NotANumber(const std::string& version) {
  return Failure{
      500, "", "strconv.ParseUint: parsing " + Json::Quote(version) + ": invalid syntax", {}};
}

// Gives `object` the value that the field has in `before`.
void Restore(Json& object, const Json& before, const char* field) {
  if (const Json* old = before.Find(field); old != nullptr) {
    object.Set(field, *old);
  } else {
    object.Erase(field);
  }
}

// Admission: a claim that names no class gets the default one.
void TakeDefaultClass(const ObjectStore& store, Json& claim) {
  if (std::as_const(claim)["spec"].Has("storageClassName")) return;
  for (const ObjectPtr& stored : store.List("storage.k8s.io/storageclasses", "", "", 0).items) {
    const Json found = stored->Parse();
    const Json& annotations = found["metadata"]["annotations"];
    if (annotations["storageclass.kubernetes.io/is-default-class"].AsString() != "true") continue;
    claim["spec"].Set("storageClassName", found["metadata"]["name"]);
    return;
  }
}

}  // namespace

Api::Api(ObjectStore& store, KindRegistry& kinds, const Clock& clock, bool finalizing)
    : store_(store), kinds_(kinds), clock_(clock), finalizing_(finalizing) {}

Answer<ObjectPtr> Api::Get(const Kind& kind, const std::string& ns, const std::string& name) const {
  ObjectPtr found = store_.Get(kind.collection(), ns, name);
  if (found == nullptr) return NotFound(kind.name(), name);
  return found;
}

Writer Api::WriterOf(const WriteOptions& options) const {
  return {options.manager, options.subresource, Now()};
}

Answer<Written> Api::CreatePrepared(const Kind& kind, Json object, const WriteOptions& options,
                                    Tracking tracking, std::vector<std::string> warnings) {
  Json& metadata = object["metadata"];
  const std::string name = metadata["name"].AsString();
  TRY([[maybe_unused]] Done in_namespace,
      CheckNamespace(kind, std::as_const(metadata)["namespace"].AsString(), name));
  for (const char* field :
       {"deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"})
    metadata.Erase(field);
  metadata.Set("uid", NewUid());
  metadata.Set("creationTimestamp", Now());
  if (kind.has_generation) metadata.Set("generation", 1);
  if (kind.kind == "PersistentVolumeClaim" && !kind.custom) TakeDefaultClass(store_, object);
  if (tracking == Tracking::kUpdate) TrackUpdate(kind, {}, object, WriterOf(options));
  if (finalizing_ && kind.kind == "PersistentVolumeClaim" && !kind.custom)
    AddFinalizer(metadata, kClaimFinalizer);
  PrepareBuiltin(kind, object, ordinal_.fetch_add(1), RandomSuffix());
  TRY([[maybe_unused]] Done account, CheckAccount(kind, object));
  TRY([[maybe_unused]] Done valid, CheckValid(kind, object, nullptr));
  if (store_.Get(kind.collection(), std::as_const(metadata)["namespace"].AsString(), name) !=
      nullptr)
    return AlreadyExists(kind.name(), name);
  std::unique_lock<std::mutex> turn(quota_turn_, std::defer_lock);
  if (HasQuotas(store_, kind, object)) turn.lock();
  TRY([[maybe_unused]] Done charged, ChargeQuotas(*this, kind, object, options.dry_run));
  if (kind.is_definition()) {
    TRY([[maybe_unused]] Done complete, CompleteDefinition(object, Now()));
    Json before = object;
    std::erase_if(before["status"].members(),
                  [](const Json::Member& member) { return member.first != "storedVersions"; });
    DecodeAsGo(*kind.schema, before);
    TrackUpdate(kind, before, object, {"kube-apiserver", "status", Now()});
  }
  auto draft = MakeObject(kind, object);
  ObjectPtr stored = draft;
  if (options.dry_run) {
    DropVersion(*draft);
  } else if (store_.Put(kind.collection(), draft, 0, stored) != ObjectStore::Outcome::kStored) {
    return AlreadyExists(kind.name(), name);
  } else if (auto still = CheckNamespace(kind, draft->ns, name); !still) {
    // The namespace went while we wrote, so nobody would ever remove the object.
    ObjectPtr removed;
    store_.Remove({kind.collection(), draft->ns, name}, stored->version, removed);
    return std::move(still).error();
  } else {
    AfterStored(kind, *stored);
  }
  return Written{std::move(stored), true, std::move(warnings)};
}

Answer<Written> Api::Create(const Kind& kind, const std::string& ns, Json object,
                            const WriteOptions& options) {
  TRY([[maybe_unused]] Done body, CheckBody(kind, ns, "", object));
  Json& metadata = object["metadata"];
  DropNulls(metadata);
  if (const std::string& version = std::as_const(metadata)["resourceVersion"].AsString();
      !version.empty() && version != "0")
    return Failure{500, "", "resourceVersion should not be set on objects to be created", {}};
  if (kind.namespaced) metadata.Set("namespace", ns);
  const std::string prefix = std::as_const(metadata)["generateName"].AsString();
  if (std::as_const(metadata)["name"].AsString().empty() && !prefix.empty())
    metadata.Set("name", prefix + RandomSuffix());
  if (HasOwnStatus(kind)) object.Erase("status");
  std::vector<std::string> warnings;
  TRY([[maybe_unused]] Done fields, CheckFields(kind, object, options, false, warnings));
  return CreatePrepared(kind, std::move(object), options, Tracking::kUpdate, std::move(warnings));
}

Answer<Json> Api::PrepareUpdate(const Kind& kind, const Json& before, Json after,
                                const WriteOptions& options, Tracking tracking) const {
  const Json& old_metadata = before["metadata"];
  Json managers = std::as_const(after)["metadata"]["managedFields"];
  if (options.subresource == "status") {
    Json whole = before;
    Restore(whole, after, "status");
    after = std::move(whole);
  } else if (kind.has_status && (options.subresource.empty() || options.subresource == "scale")) {
    Restore(after, before, "status");
  }
  Json& metadata = after["metadata"];
  if (!managers.is_null()) metadata.Set("managedFields", std::move(managers));
  DropNulls(metadata);
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                            "deletionGracePeriodSeconds", "generation", "generateName"})
    Restore(metadata, old_metadata, field);
  after.Set("apiVersion", kind.api_version());
  after.Set("kind", kind.kind);
  if (options.subresource != "finalize") KeepAllocated(kind, before, after);
  const bool binding = options.subresource == "binding";
  TRY([[maybe_unused]] Done valid, CheckValid(kind, after, binding ? nullptr : &before));
  if (kind.is_definition() && options.subresource.empty()) {
    const Json status = std::as_const(after)["status"];
    TRY([[maybe_unused]] Done complete, CompleteDefinition(after, Now()));
    if (!status.is_null()) after.Set("status", status);
  }
  if (binding) return after;
  if (kind.has_generation && SpecChanged(kind, before, after))
    after["metadata"].Set("generation", old_metadata["generation"].AsInt() + 1);
  if (tracking == Tracking::kUpdate) TrackUpdate(kind, before, after, WriterOf(options));
  return after;
}

ObjectStore::Outcome Api::Store(const Kind& kind, const ObjectPtr& current, const Json& after,
                                bool dry_run, ObjectPtr& stored) {
  const Json& metadata = after["metadata"];
  const bool done =
      metadata.Has("deletionTimestamp") && metadata["finalizers"].empty() &&
      !(kind.kind == "Namespace" && !kind.custom && !after["spec"]["finalizers"].empty()) &&
      after.At("/metadata/deletionGracePeriodSeconds").AsInt() == 0;
  auto draft = MakeObject(kind, after);
  if (dry_run) {
    SetVersion(*draft, current->version);
    stored = std::move(draft);
    return ObjectStore::Outcome::kStored;
  }
  if (done) {
    const auto outcome =
        store_.Remove({kind.collection(), current->ns, current->name}, current->version, stored);
    if (outcome != ObjectStore::Outcome::kStored) return outcome;
    AfterRemoved(kind, *stored);
    // The watchers get the last state that was stored. The writer gets the state he wrote.
    SetVersion(*draft, stored->version);
    stored = std::move(draft);
    return outcome;
  }
  const auto outcome = store_.Put(kind.collection(), std::move(draft), current->version, stored);
  if (outcome == ObjectStore::Outcome::kStored) AfterStored(kind, *stored);
  return outcome;
}

Answer<Written> Api::Loop(const Kind& kind, const std::string& ns, const std::string& name,
                          const Change& change, const WriteOptions& options, Tracking tracking,
                          bool patch) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(const ObjectPtr current, Get(kind, ns, name));
    const Json before = current->Parse();
    TRY(Json after, change(before));
    const Json& metadata = after["metadata"];
    if (patch && tracking == Tracking::kUpdate) {
      TRY([[maybe_unused]] Done same, CheckIdentity(kind, *current, after));
    }
    if (const std::string& uid = metadata["uid"].AsString(); !uid.empty() && uid != current->uid)
      return Conflict(kind.name(), name,
                      "Precondition failed: UID in precondition: " + uid +
                          ", UID in object meta: " + current->uid);
    if (const std::string& version = metadata["resourceVersion"].AsString();
        version.find_first_not_of("0123456789") != std::string::npos) {
      return NotANumber(version);
    } else if (!version.empty() && version != "0" && version != std::to_string(current->version))
      return ObjectModified(kind.name(), name);
    if (const std::string& other = metadata["name"].AsString(); !other.empty() && other != name)
      return BadRequest("the name of the object (" + other +
                        ") does not match the name on the URL (" + name + ")");
    std::vector<std::string> warnings;
    TRY([[maybe_unused]] Done fields, CheckFields(kind, after, options, patch, warnings));
    TRY(after, PrepareUpdate(kind, before, std::move(after), options, tracking));
    const bool owners =
        tracking == Tracking::kApplied || !std::as_const(after)["metadata"].Has("managedFields");
    if (Comparable(before, owners) == Comparable(after, owners))
      return Written{current, false, std::move(warnings)};
    ObjectPtr stored;
    switch (Store(kind, current, after, options.dry_run, stored)) {
      case ObjectStore::Outcome::kStored:
        return Written{std::move(stored), false, std::move(warnings)};
      case ObjectStore::Outcome::kAbsent:
        return NotFound(kind.name(), name);
      case ObjectStore::Outcome::kExists:
      case ObjectStore::Outcome::kChanged:
        break;  // try again on the new state
    }
  }
  return ObjectModified(kind.name(), name);
}

Answer<Written> Api::Modify(const Kind& kind, const std::string& ns, const std::string& name,
                            const Change& change, const WriteOptions& options) {
  return Loop(kind, ns, name, change, options, Tracking::kUpdate, false);
}

Answer<Written> Api::Update(const Kind& kind, const std::string& ns, const std::string& name,
                            Json object, const WriteOptions& options) {
  TRY([[maybe_unused]] Done body, CheckBody(kind, ns, name, object));
  if (kind.needs_version && object["metadata"]["resourceVersion"].AsString().empty()) {
    TRY([[maybe_unused]] const ObjectPtr found, Get(kind, ns, name));
    return Invalid({kind.group, kind.plural, kind.plural}, name,
                   {{"FieldValueInvalid", "Invalid value: 0: must be specified for an update",
                     "metadata.resourceVersion"}});
  }
  return Loop(
      kind, ns, name, [&](const Json&) -> Answer<Json> { return object; }, options,
      Tracking::kUpdate, false);
}

Answer<Written> Api::Patch(const Kind& kind, const std::string& ns, const std::string& name,
                           PatchKind type, const Json& patch, const WriteOptions& options) {
  if (type == PatchKind::kStrategic && kind.custom)
    return UnsupportedMediaType(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
  if (type != PatchKind::kJson && !patch.is_object())
    return BadRequest(
        "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface "
        "{}");
  const auto change = [&](const Json& before) -> Answer<Json> {
    Json after = before;
    switch (type) {
      case PatchKind::kMerge:
        after.MergePatch(patch);
        break;
      case PatchKind::kJson:
        return ApplyJsonPatch(std::move(after), patch);
      case PatchKind::kStrategic:
        after = ApplyStrategicPatch(std::move(after), patch, TypeView::Of(kind));
        break;
    }
    return after;
  };
  return Loop(kind, ns, name, change, options, Tracking::kUpdate, true);
}

Answer<Written> Api::Apply(const Kind& kind, const std::string& ns, const std::string& name,
                           Json config, const WriteOptions& options) {
  TRY([[maybe_unused]] Done body, CheckBody(kind, ns, name, config));
  Json metadata = config["metadata"];
  if (metadata.Has("managedFields") && !metadata["managedFields"].empty())
    return BadRequest("metadata.managedFields must be nil");
  DropNulls(metadata);
  metadata.Set("name", name);
  if (kind.namespaced) metadata.Set("namespace", ns);
  config.Set("metadata", metadata);
  if (kind.schema != nullptr) {
    const std::vector<std::string> errors = TypedErrors(*kind.schema, config);
    std::string text = errors.size() == 1 ? errors[0] : "errors:";
    for (size_t i = 0; errors.size() > 1 && i < errors.size(); ++i) text += "\n  " + errors[i];
    if (!errors.empty())
      return Failure{500,
                     "",
                     "failed to create typed patch object (" + (ns.empty() ? "" : ns + "/") + name +
                         "; " + kind.api_version() + ", Kind=" + kind.kind + "): " + text,
                     {}};
  }
  const bool status = options.subresource == "status";
  if (status) {
    std::erase_if(config.members(), [](const Json::Member& member) {
      return member.first != "apiVersion" && member.first != "kind" && member.first != "metadata" &&
             member.first != "status";
    });
  } else if (kind.has_status) {
    config.Erase("status");
  }
  const std::string version = std::as_const(metadata)["resourceVersion"].AsString();
  const auto change = [&](const Json& before) -> Answer<Json> {
    TRY(Json after, ApplyConfiguration(kind, before, config, WriterOf(options), options.force));
    if (metadata.Has("uid")) after["metadata"].Set("uid", metadata["uid"]);
    if (!version.empty()) after["metadata"].Set("resourceVersion", version);
    return after;
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (store_.Get(kind.collection(), ns, name) != nullptr) {
      auto written = Loop(kind, ns, name, change, options, Tracking::kApplied, true);
      if (written || written.error().code != 404) return written;
      continue;  // another writer removed it in between
    }
    if (status) return NotFound(kind.name(), name);
    if (metadata.Has("uid") || !version.empty())
      return Conflict(kind.name(), name,
                      "Precondition failed: UID in precondition: " + metadata["uid"].AsString() +
                          ", UID in object meta: ");
    TRY(Json fresh, ApplyConfiguration(kind, {}, config, WriterOf(options), options.force));
    std::vector<std::string> warnings;
    TRY([[maybe_unused]] Done fields, CheckFields(kind, fresh, options, true, warnings));
    auto created =
        CreatePrepared(kind, std::move(fresh), options, Tracking::kApplied, std::move(warnings));
    if (created || created.error().reason != "AlreadyExists") return created;
  }
  return ObjectModified(kind.name(), name);
}

}  // namespace slipway::sim
