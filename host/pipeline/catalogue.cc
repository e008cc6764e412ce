#include "pipeline/catalogue.h"

#include "pipeline/archives.h"

namespace slipway::pipeline {
namespace {

Result<std::vector<std::string>> AllFolders(bucket::Bucket& bucket, const std::string& prefix) {
  std::vector<std::string> out;
  std::string next;
  do {
    TRY(bucket::FolderPage page, bucket.Folders(prefix, next));
    for (std::string& name : page.names) out.push_back(prefix + std::move(name));
    next = page.next;
  } while (!next.empty());
  return out;
}

std::vector<store::BackupRecord> Usable(std::vector<store::BackupRecord> backups) {
  std::erase_if(backups, [](const store::BackupRecord& b) { return b.state != "COMPLETED"; });
  return backups;
}

Result<void> AdoptOne(const BackupStore& place, const std::string& folder, Manifest manifest,
                      store::Store& store, int64_t now_ms, Adopted& out) {
  store::InstanceRecord& instance = manifest.instance;
  auto archive = ArchiveOf(instance);
  if (!archive || folder != instance.organization + "/" + instance.id + "/") {
    out.refused.push_back(folder + ": its manifest is of instance " + instance.id);
    return {};
  }
  // The store may have another name, or another address, than the lost host knew it by.
  const std::string own = FolderOf(place, instance.organization, instance.id);
  TRY(Json spec, Json::Parse(instance.spec));
  Json backup = spec["backup"];
  backup.Set("store", place.name).Set("destinationPath", own);
  if (!place.endpoint.empty()) backup.Set("endpointURL", place.endpoint);
  spec.Set("backup", std::move(backup));
  instance.spec = spec.Dump();
  archive->store = place.name;
  archive->folder = own;
  archive->expires_ms = manifest.expires_ms;
  if (instance.deleted_ms == 0) {
    archive->expires_ms = 0;
    instance.message = "its record was restored from its backups";
    instance.deleted_ms = now_ms;
  }
  instance.state = "DELETED";
  instance.reason = "Adopted";
  const auto backups = Usable(std::move(manifest.backups));
  const auto adopted = store.Adopt(instance, backups, *archive);
  if (!adopted && adopted.error().code == Code::kConflict) {
    out.refused.push_back(folder + ": " + adopted.error().message);
    return {};
  }
  if (!adopted) return adopted.error();
  if (!*adopted) {
    ++out.known;
    return {};
  }
  ++out.instances;
  out.backups += backups.size();
  return {};
}

}  // namespace

Result<Adopted> AdoptArchives(const BackupStore& place, bucket::Bucket& bucket, store::Store& store,
                              int64_t now_ms) {
  Adopted out;
  TRY(const auto organizations, AllFolders(bucket, ""));
  for (const std::string& organization : organizations) {
    TRY(const auto folders, AllFolders(bucket, organization));
    for (const std::string& folder : folders) {
      const auto text = bucket.Get(folder + kManifestName, kLargestManifest);
      if (!text && text.error().reason == "NoSuchObject")
        continue;  // not an instance's, or none yet
      if (!text && text.error().code != Code::kExhausted) return text.error();
      auto manifest = text ? ReadManifest(*text) : Result<Manifest>(text.error());
      if (!manifest) {
        out.refused.push_back(folder + ": " + manifest.error().message);
        continue;
      }
      TRY_VOID(AdoptOne(place, folder, *std::move(manifest), store, now_ms, out));
    }
  }
  return out;
}

}  // namespace slipway::pipeline
