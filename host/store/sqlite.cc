#include "store/sqlite.h"

#include <sqlite3.h>

namespace slipway::store {

int64_t Row::Int() {
  return sqlite3_column_int64(statement_, next_++);
}

std::string Row::Text() {
  const int column = next_++;
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr || size <= 0) return {};
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

Connection::Use::~Use() {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path, Mode mode) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(db));
  if (code != SQLITE_OK) return connection->Failure();
  sqlite3_busy_timeout(db, 5000);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY_VOID(
      connection->Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                       "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF"));
  if (mode == Mode::kReader) TRY_VOID(connection->Exec("PRAGMA query_only=ON"));
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Result<void> Connection::Exec(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return Failure();
  return {};
}

Result<sqlite3_stmt*> Connection::Prepare(const char* sql) {
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr &&
      sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return Failure();
  return statement;
}

Result<bool> Connection::Step(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Failure();
}

int64_t Connection::Changes() const {
  return sqlite3_changes64(db_);
}

bool Connection::InTransaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

Error Connection::Failure() const {
  const std::string message = db_ == nullptr ? "out of memory" : sqlite3_errmsg(db_);
  switch (db_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(db_) & 0xff) {
    case SQLITE_CONSTRAINT:
      return {Code::kConflict, "StoreConstraint", message};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::kInternal, "StoreCorrupt", message};
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
      return {Code::kInternal, "StoreBug", message};
    default:
      return Error{Code::kUnavailable, "StoreWriteFailed", message}.Retryable();
  }
}

bool Connection::BindInt(sqlite3_stmt* statement, int index, int64_t value) {
  return sqlite3_bind_int64(statement, index, value) == SQLITE_OK;
}

bool Connection::BindText(sqlite3_stmt* statement, int index, std::string_view value) {
  // The caller's text outlives the statement's use; an empty view may have no address.
  return sqlite3_bind_text64(statement, index, value.data() == nullptr ? "" : value.data(),
                             value.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
}

bool Connection::BindBlob(sqlite3_stmt* statement, int index, std::string_view value) {
  return sqlite3_bind_blob64(statement, index, value.data() == nullptr ? "" : value.data(),
                             value.size(), SQLITE_STATIC) == SQLITE_OK;
}

}  // namespace slipway::store
