// The stages. Each returns the objects that should exist and a judgement of their progress.
#pragma once
#include "judge.h"
#include "settings.h"
#include "spec.h"

namespace cnpg {

struct Stages : Work<Settings, Instance, Observed> {
  using Work::Work;

  Json NamespaceCreation() const;
  Json CrdDeployment() const;
  // A restore, between the Cluster and its readiness.
  Json Restore() const;
  Json WaitingForReady() const;
  Json CredentialGen() const;
  Json BackupConfig() const;
  Json MetricsSetup() const;
  // One Backup for an operation, whatever becomes of it.
  Json Backup() const;
  // Until the instance is as its new spec says.
  Json Updated() const;
  // Asks the operator for a rolling restart.
  Json Restart() const;
  // Until every pod has been restarted.
  Json Restarted() const;
  // Chooses a replica, once for an operation, and asks for it until it is the primary.
  Json Switchover() const;
  // Deletes the schedule, the Cluster and, after its pods and volumes are gone, the objects that
  // the pods used until the end.
  Json ResourceDeletion() const;
  Json Observe() const;

 private:
  bool Archiving() const;
  // The Cluster, and before it what it is restored from.
  Json MainObjects() const;
  Json Endpoints() const;
};

}  // namespace cnpg
