#include "devcluster/mongodb/mongo_runtime.h"

#include <cstdlib>
#include <sstream>

#include "base/crypto.h"

namespace slipway::sim::operators::mongodb {

std::string MongoRuntime::FindProgram(const std::string& configured) {
  const auto usable = [](const std::string& program) {
    return std::filesystem::is_regular_file(program) && access(program.c_str(), X_OK) == 0;
  };
  if (!configured.empty()) return usable(configured) ? configured : "";
  const char* path = std::getenv("PATH");
  std::istringstream places(path == nullptr ? "" : path);
  for (std::string place; std::getline(places, place, ':');)
    if (!place.empty() && usable(place + "/ferretdb")) return place + "/ferretdb";
  return "";
}

MongoRuntime::MongoRuntime(Options options, const Clock& clock_in, Logger& log_in,
                           OnChange on_change_in)
    // On a friendly signal the server waits three seconds for its clients. We need not wait:
    // whatever it has told them is in the store.
    : ServerVolumes("mongodb", {SIGKILL, SIGKILL}, clock_in, log_in, std::move(on_change_in)),
      options_(std::move(options)) {}

MongoRuntime::~MongoRuntime() {
  Shutdown();
}

Result<std::unique_ptr<MongoRuntime>> MongoRuntime::Start(Options options, const Clock& clock,
                                                          Logger& log, OnChange on_change) {
  const std::string directory = options.data_dir + "/mongodb";
  std::unique_ptr<MongoRuntime> out(
      new MongoRuntime(std::move(options), clock, log, std::move(on_change)));
  TRY_VOID(out->Open(directory));
  TRY_VOID(MakeDirectory(out->StoreDir(""), 0711, Account{}));
  // Our last life may have ended after it deleted a volume and before it deleted the store.
  std::set<std::string> used;
  for (const std::string& volume : out->Volumes()) used.insert(out->StoreOf(volume));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(out->StoreDir(""), error))
    if (used.count(entry.path().filename().string()) == 0) RemoveTree(entry.path().string());
  return out;
}

void MongoRuntime::Want(const std::string& volume, MongoPlan plan) {
  {
    const std::lock_guard lock(mutex);
    MongoSlot& slot = slots[volume];
    if (slot.want_gone) return;
    slot.state.ns = plan.ns;
    slot.state.cluster = plan.cluster;
    slot.state.instance = plan.instance;
    const Json all =
        Json::Arr({plan.set, plan.primary, plan.version, plan.users_wanted, plan.users_deleted});
    const std::string key = Sha256Hex(all.Dump());
    if (slot.planned && slot.want_run && slot.plan_key == key) return;
    slot.plan_key = key;
    if (slot.planned && slot.plan.primary != plan.primary) slot.state.running = false;
    slot.plan = std::move(plan);
    slot.planned = slot.want_run = true;
  }
  Poke(volume);
}

std::string MongoRuntime::StoreOf(const std::string& volume) const {
  return ReadFile(Dir(volume) + "/filled");
}

std::string MongoRuntime::PortFile(const std::string& volume) const {
  const std::string store = StoreOf(volume);
  return store.empty() ? "" : StoreDir(store) + "/port";
}

// The name of a socket, with its directory, has room for about 100 bytes.
std::string MongoRuntime::Socket(const std::string& of) const {
  return root.sockets() + "/" + Sha256Hex(of).substr(0, 12);
}

Result<void> MongoRuntime::Erase(const std::string& volume) {
  const std::lock_guard lock(store_mutex_);
  const std::string store = StoreOf(volume);
  Forget(volume);
  for (const std::string& other : Volumes())
    if (StoreOf(other) == store) return {};
  if (!store.empty()) RemoveTree(StoreDir(store));
  return {};
}

}  // namespace slipway::sim::operators::mongodb
