#include <filesystem>
#include <signal.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "devcluster/mongodb/mongo_runtime.h"
#include "devcluster/mongodb/mongo_wire.h"

// The steps of a volume. Each step runs on one of the executor's threads, at most one per volume,
// and works on a copy of the slot; only its results go back under the mutex.
namespace slipway::sim::operators::mongodb {

namespace {

constexpr int64_t kDoorTimeoutMs = 60'000;
constexpr int kDoorLookMs = 20;

// Writes a user as the server stores it: with the two mechanisms under the names that logins ask
// for.
Json UserDocument(const Json& user, const std::string& id) {
  Json credentials = Json::MakeObject();
  for (const auto& [name, key] :
       {std::pair{"SCRAM-SHA-256", "scramSha256Creds"}, std::pair{"SCRAM-SHA-1", "scramSha1Creds"}})
    if (user[key].is_object()) credentials.Set(name, user[key]);
  return Json::Obj({{"_id", id},
                    {"user", user["user"]},
                    {"db", user["db"]},
                    {"roles", Json::MakeArray()},
                    {"credentials", std::move(credentials)}});
}

Json CommandOn(const char* command, const char* statements, Json list) {
  return Json::Obj({{command, "system.users"}, {statements, std::move(list)}, {"$db", "admin"}});
}

// The commands that make the users of the server equal to those of the automation config.
std::vector<Json> UserCommands(const MongoPlan& plan) {
  Json updates = Json::MakeArray(), deletes = Json::MakeArray();
  for (const Json& user : plan.users_wanted.items()) {
    if (!user["scramSha256Creds"].is_object()) continue;
    const std::string id = user["db"].AsString() + "." + user["user"].AsString();
    updates.Push(Json::Obj(
        {{"q", Json::Obj({{"_id", id}})}, {"u", UserDocument(user, id)}, {"upsert", true}}));
  }
  for (const Json& user : plan.users_deleted.items())
    for (const Json& database : user["dbs"].items()) {
      const std::string id = database.AsString() + "." + user["user"].AsString();
      deletes.Push(Json::Obj({{"q", Json::Obj({{"_id", id}})}, {"limit", 1}}));
    }
  std::vector<Json> out;
  if (!updates.empty()) out.push_back(CommandOn("update", "updates", std::move(updates)));
  if (!deletes.empty()) out.push_back(CommandOn("delete", "deletes", std::move(deletes)));
  return out;
}

Result<void> Give(const std::string& socket, const std::vector<Json>& commands) {
  for (const Json& command : commands) {
    TRY(const Json answer, MongoCommand(socket, command));
    const std::string& refused = answer.At("/writeErrors/0/errmsg").AsString();
    if (answer["ok"].AsDouble() != 1 || !refused.empty())
      return Error{Code::kInternal, "CommandFailed",
                   refused.empty() ? answer["errmsg"].AsString() : refused};
  }
  return {};
}

}  // namespace

std::vector<std::string> MongoRuntime::Arguments(const std::string& store, const std::string& state,
                                                 const std::string& socket) const {
  return {options_.program,
          "--handler=sqlite",
          "--sqlite-url=file:" + StoreDir(store) + "/data/",
          "--state-dir=" + state,
          "--telemetry=disable",
          "--debug-addr=-",
          "--log-level=error",
          "--listen-unix=" + socket};
}

// A volume without data joins the store of the other members, as after an initial sync.
Result<bool> MongoRuntime::Fill(const std::string& volume, const MongoSlot& slot) {
  const std::lock_guard one(store_mutex_);
  std::string store;
  for (const std::string& peer : slot.plan.peers)
    if (store.empty()) store = StoreOf(peer);
  if (store.empty()) store = volume;
  TRY_VOID(MakeDirectory(StoreDir(store), 0700, account));
  TRY_VOID(MakeDirectory(StoreDir(store) + "/data", 0700, account));
  TRY_VOID(MakeDirectory(Dir(volume), 0700, account));
  TRY_VOID(WriteFile(Dir(volume) + "/filled", store, account));
  const std::lock_guard lock(mutex);
  slots[volume].state.filled = true;
  return true;
}

// Takes the lead of the store unless another member has it.
Result<void> MongoRuntime::Lead(const std::string& volume) {
  const std::string store = StoreOf(volume);
  const std::lock_guard lock(mutex);
  for (const auto& [name, other] : slots) {
    const bool leads = other.takes_lead || (other.pid != 0 && other.state.primary);
    if (name != volume && leads && StoreOf(name) == store)
      return NotYet("the former primary has not ended yet");
  }
  slots[volume].takes_lead = true;
  return {};
}

Result<bool> MongoRuntime::StartServer(const std::string& volume, const MongoSlot& slot) {
  if (slot.plan.primary) {
    TRY_VOID(Lead(volume));
  }
  auto launched = Launched(volume, slot);
  const std::lock_guard lock(mutex);
  slots[volume].takes_lead = false;
  if (!launched) return std::move(launched).error();
  return true;
}

Result<void> MongoRuntime::Launched(const std::string& volume, const MongoSlot& slot) {
  const std::string store = StoreOf(volume), socket = Socket(volume);
  std::vector<std::string> words = Arguments(store, Dir(volume), socket);
  words.emplace_back("--test-enable-new-auth");
  words.push_back("--repl-set-name=" + slot.plan.set);
  std::string address;
  if (slot.plan.primary) {
    TRY_VOID(SetUsers(store, slot.plan));
    TRY(const int port, PortOf(volume));
    address = "127.0.0.1:" + std::to_string(port);
  }
  words.push_back("--listen-addr=" + address);
  RemoveTree(socket);
  return Launch(
      volume, ProgramOf(std::move(words), Dir(volume) + "/ferretdb.log"),
      [&slot](MongoSlot& live) {
        live.state.primary = slot.plan.primary;
        if (!slot.plan.primary) live.state.port = 0;
        live.state.version = 0;
      },
      [&socket] { return AnswersAt(socket); });
}

Result<bool> MongoRuntime::Adjust(const std::string& volume, const MongoSlot& slot) {
  if (slot.state.primary != slot.plan.primary) {
    TRY_VOID(StopServer(volume, signals.smart));
    return true;
  }
  if (slot.plan.primary) {
    TRY_VOID(SetUsers(StoreOf(volume), slot.plan));
  }
  const std::lock_guard lock(mutex);
  MongoSlot& live = slots[volume];
  if (live.pid == 0) return true;
  live.state.running = true;
  live.state.version = slot.plan.version;
  return false;
}

Result<void> MongoRuntime::ThroughTheDoor(const std::string& store,
                                          const std::vector<Json>& commands) {
  const std::string socket = Socket(store + "/door");
  std::vector<std::string> words = Arguments(store, StoreDir(store), socket);
  words.emplace_back("--listen-addr=");
  RemoveTree(socket);
  TRY(const pid_t pid, Spawn(ProgramOf(std::move(words), StoreDir(store) + "/users.log")));
  pollfd ends[2] = {{OpenPidfd(pid), POLLIN, 0}, {stop_fd, POLLIN, 0}};
  const int64_t deadline = clock.SteadyMs() + kDoorTimeoutMs;
  bool open = false;
  while (!(open = AnswersAt(socket)) && clock.SteadyMs() < deadline &&
         poll(ends, 2, kDoorLookMs) == 0) {
  }
  Result<void> given = open ? Give(socket, commands) : NotYet("the server for the users is away");
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  close(ends[0].fd);
  return given;
}

Result<void> MongoRuntime::SetUsers(const std::string& store, const MongoPlan& plan) {
  const std::vector<Json> commands = UserCommands(plan);
  std::string key;
  for (const Json& command : commands) key += command.Dump();
  key = Sha256Hex(key);
  {
    const std::lock_guard lock(mutex);
    if (users_[store] == key) return {};
  }
  if (!commands.empty()) TRY_VOID(ThroughTheDoor(store, commands));
  const std::lock_guard lock(mutex);
  users_[store] = key;
  return {};
}

}  // namespace slipway::sim::operators::mongodb
