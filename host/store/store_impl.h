#pragma once

#include <memory>

#include "store/directory.h"
#include "store/reader_pool.h"
#include "store/store.h"
#include "store/writer.h"

namespace slipway::store {

// Built and torn down in this order: the lock is held longest.
struct Store::Impl {
  Impl(Directory held, std::unique_ptr<Connection> db, const Clock& clock, Logger& log,
       Metrics& metrics)
      : directory(std::move(held)),
        readers(directory.database()),
        writer(std::move(db), clock, log, metrics) {}

  const Directory directory;
  mutable ReaderPool readers;
  Writer writer;
};

Result<void> PutBackups(Transaction& tx, const std::string& instance_id,
                        const BackupReport& report);
Result<void> PutArchive(Transaction& tx, const ArchiveRecord& archive);
// kConflict "BackupsExpired" when nothing is restored from that instance any more.
Result<void> CheckSource(Transaction& tx, const std::string& instance_id);
Result<Submitted> SubmitIn(Transaction& tx, const Submission& submission);
Result<Submitted> EditIn(Transaction& tx, const std::string& id, const Decide& decide,
                         const std::optional<IdempotencyKey>& idempotency,
                         const AuditRecord& audit);

}  // namespace slipway::store
