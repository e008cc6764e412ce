#include "connect/postgres.h"

#include <memory>
#include <sys/ioctl.h>

#include <libpq-fe.h>

namespace slipway::connect {
namespace {

// An answer is one value. libpq would keep a larger one in memory, whole.
constexpr int64_t kLargestAnswer = 1 << 20;

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

std::string FirstLine(const char* text) {
  std::string line(text != nullptr ? text : "");
  return line.substr(0, line.find('\n'));
}

// libpq has no SQLSTATE for a failed connection. Every server version puts "FATAL:" before its
// text; a text without it comes from the transport.
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
  const char* values[] = {target.host.c_str(),  // for TLS: the name of the server
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
  int64_t received = 0;
  while (true) {
    int ready = 0;
    static_cast<void>(::ioctl(PQsocket(connection.get()), FIONREAD, &ready));
    received += ready;
    if (received > kLargestAnswer)
      return {LoginOutcome::kRefused, "the statement answers more than 1 MB; one value is wanted"};
    if (PQconsumeInput(connection.get()) != 1 || PQisBusy(connection.get()) != 1) break;
    if (deadline.WaitFor(PQsocket(connection.get()), POLLIN) == 0)
      return {LoginOutcome::kUnreachable, "the statement did not end in time"};
  }
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(connection.get()),
                                                             PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
    LoginResult proved{LoginOutcome::kProved, ""};
    if (PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0 &&
        PQgetisnull(result.get(), 0, 0) == 0)
      proved.value = PQgetvalue(result.get(), 0, 0);
    return proved;
  }
  return {LoginOutcome::kRefused, FirstLine(PQresultErrorMessage(result.get()))};
}

}  // namespace slipway::connect
