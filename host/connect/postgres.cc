#include "connect/postgres.h"

#include <memory>

#include <libpq-fe.h>

namespace slipway::connect {
namespace {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

std::string FirstLine(const char* text) {
  std::string line(text != nullptr ? text : "");
  return line.substr(0, line.find('\n'));
}

// libpq has no SQLSTATE for a failed connection. A server that answered put "FATAL:" before its
// text in every version; text without it is the transport's.
LoginResult Explain(const char* text) {
  const std::string all(text != nullptr ? text : "");
  const size_t fatal = all.find("FATAL:");
  if (fatal == std::string::npos) {
    const bool refused = all.find("Connection refused") != std::string::npos;
    return {refused ? LoginOutcome::kNotListening : LoginOutcome::kUnreachable, FirstLine(text)};
  }
  const bool passing = all.find("starting up") != std::string::npos ||
                       all.find("shutting down") != std::string::npos ||
                       all.find("not yet accepting connections") != std::string::npos ||
                       all.find("recovery") != std::string::npos;
  return {passing ? LoginOutcome::kNotReady : LoginOutcome::kRefused,
          FirstLine(all.c_str() + fatal)};
}

}  // namespace

LoginResult TryPostgresLogin(const LoginTarget& target, const std::string& address,
                             const Deadline& deadline) {
  const std::string port = std::to_string(target.port);
  const char* keys[] = {"host",   "hostaddr",         "port",    "user", "password",
                        "dbname", "application_name", "sslmode", nullptr};
  const char* values[] = {target.host.c_str(),  // for TLS: which of its names the server is
                          address.c_str(),
                          port.c_str(),
                          target.user.c_str(),
                          target.password.c_str(),
                          target.database.c_str(),
                          "slipway",
                          target.tls ? "require" : "prefer",
                          nullptr};
  const Connection connection(PQconnectStartParams(keys, values, 0), PQfinish);
  if (!connection || PQstatus(connection.get()) == CONNECTION_BAD)
    return Explain(connection ? PQerrorMessage(connection.get()) : "out of memory");

  for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;) {
    if (state == PGRES_POLLING_FAILED) return Explain(PQerrorMessage(connection.get()));
    if (deadline.WaitFor(PQsocket(connection.get()),
                         state == PGRES_POLLING_READING ? POLLIN : POLLOUT) == 0) {
      return {LoginOutcome::kUnreachable,
              "no answer in " + std::to_string(target.timeout_ms) + " ms"};
    }
    state = PQconnectPoll(connection.get());
  }
  if (PQsendQuery(connection.get(), target.statement.c_str()) != 1)
    return {LoginOutcome::kUnreachable, FirstLine(PQerrorMessage(connection.get()))};
  while (PQconsumeInput(connection.get()) == 1 && PQisBusy(connection.get()) == 1) {
    if (deadline.WaitFor(PQsocket(connection.get()), POLLIN) == 0)
      return {LoginOutcome::kUnreachable, "statement did not end in time"};
  }
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(connection.get()),
                                                             PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return {LoginOutcome::kProved, ""};
  return {LoginOutcome::kRefused, FirstLine(PQresultErrorMessage(result.get()))};
}

}  // namespace slipway::connect
