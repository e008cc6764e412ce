// The stages. Each returns the objects that should exist and a judgement of their progress.
#pragma once
#include "scene.h"
#include "settings.h"

namespace vitess {

struct Stages : Work<Settings, Database, Observed> {
  Stages(const Settings& with, const Json& in, int64_t now)
      : Work(with, in, now), looks_(in), scene_{instance, observed, looks_, now_ms, waited_ms} {}

  Json NamespaceCreation() const;
  Json CrdDeployment() const;
  Json Restore() const;
  Json WaitingForReady() const;
  Json CredentialGen() const;
  Json BackupConfig() const;
  Json Backup() const;
  Json MetricsSetup() const;
  // Deletes the schedules, the VitessCluster and, after its pods and volumes are gone, the objects
  // that the pods used until the end, the Secrets last.
  Json ResourceDeletion() const;
  Json Observe() const;

 private:
  Json Endpoints() const;
  // False as long as a restored instance may still have to read its source. Whoever reads it must
  // not come back to it: the schedules, which are made later, are the sign.
  bool IsBegun() const;
  // The single tablet of a restored instance, off the source's backups, makes the first own one.
  Json FirstBackup(const Scene& alone) const;

  mutable Looks looks_;
  Scene scene_;
};

}  // namespace vitess
