// A namespace is shared by the instances of a project. Its residents are rows, and every question
// about them is answered in the transaction that asks: an instance enters before its first object
// and leaves after its last; the last one to leave, and no other, takes the namespace with it.
#include "store/rows.h"
#include "store/store_impl.h"

namespace slipway::store {
namespace {

struct NamespaceRow {
  bool known = false, active = false, ours = false;
  std::string leaver;
};

Result<NamespaceRow> Load(Transaction& tx, const std::string& ns, const std::string& organization,
                          const std::string& project) {
  NamespaceRow out;
  TRY_VOID(tx.db.Each(
      "SELECT state = 'ACTIVE', organization = ? AND project = ?, leaver FROM namespaces"
      " WHERE name = ?",
      [&](Row& row) {
        out.known = true;
        out.active = row.Bool();
        out.ours = row.Bool();
        out.leaver = row.Text();
      },
      organization, project, ns));
  return out;
}

// Does an operation still work on the instance that takes the namespace away?
Result<bool> IsBeingTaken(Transaction& tx, const std::string& leaver) {
  TRY(const auto live, LoadLive(tx.db, leaver));
  return live.has_value();
}

}  // namespace

Result<bool> Store::EnterNamespace(const InstanceRecord& instance) {
  const std::string ns = instance.ns, id = instance.id;
  const std::string organization = instance.organization, project = instance.project;
  return impl_->writer.Write<bool>([=](Transaction& tx) -> Result<bool> {
    TRY(const NamespaceRow row, Load(tx, ns, organization, project));
    if (row.active && !row.ours)
      return Error{Code::kConflict, "NamespaceTaken",
                   "the namespace " + ns + " ({orgId}-{projectName}) is another project's"};
    if (row.known && !row.active) {
      TRY(const bool taken, IsBeingTaken(tx, row.leaver));
      if (taken) return false;
    }
    // A new one, one that stands, or one whose last instance gave up on it: the cluster tells
    // whether it is still there.
    TRY_VOID(
        tx.db.Run("INSERT INTO namespaces (name, organization, project, state, leaver)"
                  " VALUES (?1,?2,?3,'ACTIVE','') ON CONFLICT (name) DO UPDATE SET"
                  " organization = ?2, project = ?3, state = 'ACTIVE', leaver = ''",
                  ns, organization, project));
    TRY_VOID(tx.db.Run(
        "INSERT INTO residents (ns, instance_id) VALUES (?,?) ON CONFLICT DO NOTHING", ns, id));
    return true;
  });
}

Result<bool> Store::LeaveNamespace(const InstanceRecord& instance) {
  const std::string ns = instance.ns, id = instance.id;
  const std::string organization = instance.organization, project = instance.project;
  return impl_->writer.Write<bool>([=](Transaction& tx) -> Result<bool> {
    TRY(const NamespaceRow row, Load(tx, ns, organization, project));
    if (!row.known) return false;
    if (!row.active) return row.leaver == id;  // decided already
    TRY(const int64_t left,
        tx.db.Run("DELETE FROM residents WHERE ns = ? AND instance_id = ?", ns, id));
    if (left == 0) return false;  // it never lived there, or left before and was not the last
    bool inhabited = false;
    TRY_VOID(tx.db.Each(
        "SELECT 1 FROM residents WHERE ns = ? LIMIT 1", [&](Row&) { inhabited = true; }, ns));
    if (inhabited) return false;
    TRY_VOID(
        tx.db.Run("UPDATE namespaces SET state = 'DELETING', leaver = ? WHERE name = ?", id, ns));
    return true;
  });
}

Result<std::vector<std::string>> Store::PlansInNamespace(
    const std::string& ns, const std::vector<std::string>& verbs) const {
  using Plans = std::vector<std::string>;
  return impl_->readers.Snapshot<Plans>([&](Connection& db) -> Result<Plans> {
    Plans found;
    TRY_VOID(db.Each(
        "SELECT plan FROM (SELECT (SELECT o.plan FROM operations o WHERE o.instance_id = i.id"
        " AND o.plan <> '' AND o.verb IN (SELECT value FROM json_each(?2))"
        " ORDER BY o.rowid DESC LIMIT 1) AS plan, i.created_ms AS age, i.id AS id"
        " FROM instances i JOIN residents r ON r.instance_id = i.id WHERE r.ns = ?1)"
        " WHERE plan IS NOT NULL ORDER BY age, id",
        [&](Row& row) { found.push_back(row.Text()); }, ns, JsonList(verbs)));
    return found;
  });
}

}  // namespace slipway::store
