#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace slipway::store {

// Marks bytes that are not text.
struct Blob {
  std::string_view bytes;
};

// One row during its visit. Read each column once, from left to right.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}

  int64_t Int();

  bool Bool() { return Int() != 0; }

  std::string Text();  // text or blob

 private:
  sqlite3_stmt* statement_;
  int next_ = 0;
};

// A connection and its prepared statements. One thread at a time. Errors: kUnavailable
// "StoreWriteFailed" (retryable; busy, full or broken disk), kConflict "StoreConstraint",
// kInternal "StoreCorrupt" and "StoreBug".
class Connection {
 public:
  enum class Mode { kWriter, kReader };

  // The file exists. Sets WAL, FULL, busy_timeout and foreign_keys; a reader cannot write.
  static Result<std::unique_ptr<Connection>> Open(const std::string& path, Mode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Any number of statements without parameters. It does not keep them prepared.
  Result<void> Exec(const char* sql);

  // One statement without result rows; gives the number of changed rows. `sql` must be a literal,
  // for its address is the key of the prepared statement.
  template <class... Args>
  Result<int64_t> Run(const char* sql, const Args&... args) {
    return Each(
        sql, [](Row&) {}, args...);
  }

  // One statement; visits each row and gives the number of changed rows. The visitor must not use
  // the same statement.
  template <class Visit, class... Args>
  Result<int64_t> Each(const char* sql, Visit&& visit, const Args&... args) {
    TRY(sqlite3_stmt * statement, Prepare(sql));
    const Use use{statement};
    int index = 0;
    bool bound = true;
    ((bound = bound && Bind(statement, ++index, args)), ...);
    if (!bound) return Failure();
    for (;;) {
      TRY(const bool row, Step(statement));
      if (!row) return Changes();
      Row view(statement);
      visit(view);
    }
  }

  // False once SQLite has rolled a transaction back by itself.
  bool InTransaction() const;

 private:
  // Leaves a statement ready for its next use.
  struct Use {
    sqlite3_stmt* statement;
    ~Use();
  };

  explicit Connection(sqlite3* db) : db_(db) {}

  Result<sqlite3_stmt*> Prepare(const char* sql);
  Result<bool> Step(sqlite3_stmt* statement);
  int64_t Changes() const;
  Error Failure() const;

  static bool BindInt(sqlite3_stmt* statement, int index, int64_t value);
  static bool BindText(sqlite3_stmt* statement, int index, std::string_view value);
  static bool BindBlob(sqlite3_stmt* statement, int index, std::string_view value);

  template <class T>
  static bool Bind(sqlite3_stmt* statement, int index, const T& value) {
    if constexpr (std::is_same_v<T, Blob>) {
      return BindBlob(statement, index, value.bytes);
    } else if constexpr (std::is_integral_v<T>) {
      return BindInt(statement, index, static_cast<int64_t>(value));
    } else {
      return BindText(statement, index, value);
    }
  }

  sqlite3* db_;
  std::map<const char*, sqlite3_stmt*> prepared_;
};

}  // namespace slipway::store
