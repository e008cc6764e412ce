// The stages. Each returns the objects that should exist and a judgement of their progress.
#pragma once
#include <optional>

#include "judge.h"
#include "settings.h"
#include "spec.h"

namespace mongodb {

struct Stages : Work<Settings, Instance, Observed> {
  using Work::Work;

  Json NamespaceCreation() const;
  Json CrdDeployment() const;
  Json WaitingForReady() const;
  Json CredentialGen() const;
  Json MetricsSetup() const;
  // Deletes the monitor and the MongoDBCommunity; after its pods are gone the volume claims, which
  // nobody owns; then the objects that the pods used until the end.
  Json ResourceDeletion() const;
  Json Observe() const;

 private:
  Json Endpoints() const;
  Json Prerequisites() const;
  std::optional<Json> WaitForCertificate() const;
};

}  // namespace mongodb
