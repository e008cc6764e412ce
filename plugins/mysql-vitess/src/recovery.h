// Restores: a new cluster of one tablet begins with a full backup of another cluster; then it backs
// up itself, and grows from that.
#pragma once
#include "scene.h"
#include "settings.h"

namespace vitess {

// spec.source of `given`, arguments.source (DOCUMENTS.md): {"instance", "archive", "folder",
// "target", "reference"?}. `archive` has the members of the source's spec.backup that say where it
// is, `folder` is the source's folder in it. `spec` is the new instance's, its backup normalised.
// Complains about every mistake; the result means nothing after one.
Json NormalisedSource(const Json& given, const Json& spec, const Sizing& sizing,
                      const Complain& complain);
// Complains about a spec.source that is not of that form. Null is right.
void CheckSource(const Json& source, const Complain& complain);

// Sends the tablets of a pool to the source's backups.
void ReadSource(const Database& database, Json& pool);
// Whether the VitessCluster is complete in that each write waits for a second tablet.
bool WaitsForSecondTablet(const Json& cluster);
// Whether the VitessCluster, or the pod of a tablet, is sent to the source's backups.
bool ClusterReadsSource(const Json& cluster);
bool PodReadsSource(const Database& database, const Json& pod);

}  // namespace vitess
