#include "store/store.h"

#include <limits>

#include "store/rows.h"
#include "store/schema.h"
#include "store/store_impl.h"

namespace slipway::store {
namespace {

int64_t Before(int64_t created_ms, const std::string& id) {
  const bool first_page = created_ms == 0 && id.empty();
  return first_page ? std::numeric_limits<int64_t>::max() : created_ms;
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options, const Clock& clock,
                                           Logger& log, Metrics& metrics) {
  TRY(Directory directory, Directory::Open(options.directory));
  TRY(auto db, Connection::Open(directory.database(), Connection::Mode::kWriter));
  TRY_VOID(Migrate(*db, Migrations(), clock));
  if (!options.durable) TRY_VOID(db->Exec("PRAGMA synchronous=OFF"));
  log.Info("store.opened", {{"directory", options.directory}});
  return std::unique_ptr<Store>(
      new Store(std::make_unique<Impl>(std::move(directory), std::move(db), clock, log, metrics)));
}

Result<InstanceRecord> Store::GetInstance(const std::string& id) const {
  return impl_->readers.Snapshot<InstanceRecord>(
      [&](Connection& db) { return LoadInstance(db, id); });
}

Result<std::vector<InstanceRecord>> Store::ListInstances(const InstanceFilter& filter) const {
  using Instances = std::vector<InstanceRecord>;
  return impl_->readers.Snapshot<Instances>([&](Connection& db) -> Result<Instances> {
    Instances found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_INSTANCE_COLUMNS
        " FROM instances WHERE (created_ms, id) < (?1, ?2)"
        " AND (?3 = '[]' OR organization IN (SELECT value FROM json_each(?3)))"
        " AND (?4 = '' OR project = ?4) AND (?5 = '' OR name = ?5)"
        " AND (?6 = '' OR database_type = ?6) AND (?7 = '' OR tier = ?7)"
        " AND (?8 = '' OR state = ?8) AND (?9 OR deleted_ms = 0)"
        " ORDER BY created_ms DESC, id DESC LIMIT ?10",
        [&](Row& row) { found.push_back(ReadInstance(row)); },
        Before(filter.before_created_ms, filter.before_id), filter.before_id,
        JsonList(filter.organizations), filter.project, filter.name, filter.database_type,
        filter.tier, filter.state, filter.include_deleted, filter.limit));
    return found;
  });
}

Result<OperationRecord> Store::GetOperation(const std::string& id) const {
  return impl_->readers.Snapshot<OperationRecord>(
      [&](Connection& db) { return LoadOperation(db, id); });
}

Result<std::vector<OperationRecord>> Store::ListOperations(const OperationFilter& filter) const {
  using Operations = std::vector<OperationRecord>;
  return impl_->readers.Snapshot<Operations>([&](Connection& db) -> Result<Operations> {
    Operations found;
    TRY_VOID(db.Each(
        "SELECT " SLIPWAY_OPERATION_COLUMNS
        " FROM operations WHERE (created_ms, id) < (?1, ?2)"
        " AND (?3 = '[]' OR organization IN (SELECT value FROM json_each(?3)))"
        " AND (?4 = '' OR instance_id = ?4) AND (?5 = '' OR state = ?5)"
        " AND (?6 = '' OR verb = ?6) AND (?8 = '' OR source = ?8)"
        " ORDER BY created_ms DESC, id DESC LIMIT ?7",
        [&](Row& row) { found.push_back(ReadOperation(row)); },
        Before(filter.before_created_ms, filter.before_id), filter.before_id,
        JsonList(filter.organizations), filter.instance_id, filter.state, filter.verb, filter.limit,
        filter.source));
    for (OperationRecord& operation : found) TRY_VOID(LoadStages(db, operation));
    return found;
  });
}

Result<std::optional<OperationRecord>> Store::LiveOperation(const std::string& instance_id) const {
  return impl_->readers.Snapshot<std::optional<OperationRecord>>(
      [&](Connection& db) { return LoadLive(db, instance_id); });
}

Result<std::vector<EventRecord>> Store::Events(const std::string& operation_id, int64_t after_seq,
                                               size_t limit) const {
  using EventList = std::vector<EventRecord>;
  return impl_->readers.Snapshot<EventList>([&](Connection& db) -> Result<EventList> {
    EventList found;
    TRY_VOID(db.Each(
        "SELECT seq, operation_id, at_ms, type, data FROM events"
        " WHERE operation_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        [&](Row& row) {
          EventRecord& event = found.emplace_back();
          event.seq = row.Int();
          event.operation_id = row.Text();
          event.at_ms = row.Int();
          event.type = row.Text();
          event.data = row.Text();
        },
        operation_id, after_seq, limit));
    return found;
  });
}

Result<std::vector<ObjectRecord>> Store::Inventory(const std::string& instance_id) const {
  using Objects = std::vector<ObjectRecord>;
  return impl_->readers.Snapshot<Objects>([&](Connection& db) -> Result<Objects> {
    Objects found;
    TRY_VOID(db.Each(
        "SELECT api_version, kind, ns, name, uid, applied_sha256, first_order, passing FROM objects"
        " WHERE instance_id = ? ORDER BY first_order, rowid",
        [&](Row& row) {
          ObjectRecord& object = found.emplace_back();
          object.api_version = row.Text();
          object.kind = row.Text();
          object.ns = row.Text();
          object.name = row.Text();
          object.uid = row.Text();
          object.applied_sha256 = row.Text();
          object.order = row.Int();
          object.passing = row.Int() != 0;
        },
        instance_id));
    return found;
  });
}

Result<SealedCredentials> Store::Credentials(const std::string& instance_id) const {
  return impl_->readers.Snapshot<SealedCredentials>(
      [&](Connection& db) -> Result<SealedCredentials> {
        SealedCredentials found;
        TRY_VOID(db.Each(
            "SELECT master_key_id, wrapped FROM data_keys WHERE instance_id = ?",
            [&](Row& row) {
              found.data_key.emplace();
              found.data_key->master_key_id = row.Text();
              found.data_key->wrapped = row.Text();
            },
            instance_id));
        TRY_VOID(db.Each(
            "SELECT field, sealed FROM credentials WHERE instance_id = ? ORDER BY field",
            [&](Row& row) {
              CredentialRecord& credential = found.values.emplace_back();
              credential.field = row.Text();
              credential.sealed = row.Text();
            },
            instance_id));
        return found;
      });
}

Result<std::vector<GeneratedRecord>> Store::Generated(const std::string& instance_id) const {
  using Secrets = std::vector<GeneratedRecord>;
  return impl_->readers.Snapshot<Secrets>([&](Connection& db) -> Result<Secrets> {
    Secrets found;
    TRY_VOID(db.Each(
        "SELECT name, master_key_id, wrapped, sealed FROM generated_secrets WHERE instance_id = ?"
        " ORDER BY name",
        [&](Row& row) {
          GeneratedRecord& generated = found.emplace_back();
          generated.name = row.Text();
          generated.data_key.master_key_id = row.Text();
          generated.data_key.wrapped = row.Text();
          generated.sealed = row.Text();
        },
        instance_id));
    return found;
  });
}

Result<std::optional<OperationRecord>> Store::LastPlanned(
    const std::string& instance_id, const std::vector<std::string>& verbs) const {
  return impl_->readers.Snapshot<std::optional<OperationRecord>>(
      [&](Connection& db) -> Result<std::optional<OperationRecord>> {
        std::optional<OperationRecord> found;
        TRY_VOID(db.Each(
            "SELECT " SLIPWAY_OPERATION_COLUMNS
            " FROM operations WHERE instance_id = ?1 AND plan <> ''"
            " AND verb IN (SELECT value FROM json_each(?2))"
            " ORDER BY rowid DESC LIMIT 1",  // not by time: the wall clock may have gone back
            [&](Row& row) { found = ReadOperation(row); }, instance_id, JsonList(verbs)));
        if (found) TRY_VOID(LoadStages(db, *found));
        return found;
      });
}

Result<std::vector<InstanceKey>> Store::InstanceKeys(bool live) const {
  using Keys = std::vector<InstanceKey>;
  return impl_->readers.Snapshot<Keys>([&](Connection& db) -> Result<Keys> {
    Keys found;
    TRY_VOID(db.Each(
        "SELECT i.id, i.organization, i.engine FROM instances i WHERE"
        " EXISTS (SELECT 1 FROM operations o WHERE o.instance_id = i.id AND o." SLIPWAY_LIVE
        ") = ?1 AND (?1 OR i.deleted_ms = 0) ORDER BY i.created_ms, i.id",
        [&](Row& row) {
          InstanceKey& key = found.emplace_back();
          key.id = row.Text();
          key.organization = row.Text();
          key.engine = row.Text();
        },
        live));
    return found;
  });
}

void Store::OnEvents(std::function<void(const std::string& operation_id)> listener) {
  impl_->writer.OnEvents(std::move(listener));
}

Result<void> Store::Ping() const {
  TRY_VOID(impl_->readers.Snapshot<int64_t>(
      [](Connection& db) { return db.Each("SELECT COUNT(*) FROM schema_version", [](Row&) {}); }));
  return {};
}

Store::Stats Store::stats() const {
  const Writer::Stats stats = impl_->writer.stats();
  return {stats.writes, stats.groups, stats.queued};
}

}  // namespace slipway::store
