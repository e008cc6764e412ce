#pragma once

#include <filesystem>
#include <string>
#include <sys/stat.h>

#include <libpq-fe.h>

#include "devcluster/cnpg/test_fixture.h"

namespace slipway::sim::operators::cnpg {

// An operator with real servers behind the pods.
class PostgresTest : public OperatorTest {
 protected:
  void SetUp() override {
    if (PostgresRuntime::FindPrograms("").empty()) GTEST_SKIP() << "no PostgreSQL server programs";
    char name[] = "/tmp/slipway-cnpg-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    options.data_dir = directory = name;
    chmod(name, 0755);
  }

  void TearDown() override {
    StopOperator();
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }

  int Port(const std::string& service) {
    auto object = fake.Get({"v1", "Service", "acme", service});
    return object
               ? static_cast<int>(object->At("/status/loadBalancer/ingress/0/ports/0/port").AsInt())
               : 0;
  }

  // Asks as a tenant would: over TCP, with the generated password. Returns the first value, "done"
  // for a statement without rows, and "" when it does not work (last_error says why).
  std::string Ask(int port, const std::string& sql, const std::string& tls = "prefer",
                  const std::string& cluster = "orders") {
    auto secret = fake.Get({"v1", "Secret", "acme", cluster + "-app"});
    if (!secret || port == 0) return "";
    return AskAt("host=127.0.0.1 port=" + std::to_string(port) +
                     " dbname=" + *Base64Decode((*secret)["data"]["dbname"].AsString()) +
                     " user=" + *Base64Decode((*secret)["data"]["username"].AsString()) +
                     " password=" + *Base64Decode((*secret)["data"]["password"].AsString()) +
                     " connect_timeout=3 sslmode=" + tls,
                 sql);
  }

  // Asks as the superuser, through the socket.
  std::string AskAsSuperuser(int port, const std::string& sql) {
    return AskAt("host=" + directory + "/run user=postgres dbname=app port=" +
                     std::to_string(port) + " connect_timeout=3",
                 sql);
  }

  std::string AskAt(const std::string& where, const std::string& sql) {
    PGconn* connection = PQconnectdb(where.c_str());
    std::string out;
    if (PQstatus(connection) == CONNECTION_OK) {
      PGresult* answer = PQexec(connection, sql.c_str());
      const ExecStatusType status = PQresultStatus(answer);
      out = status == PGRES_COMMAND_OK                           ? "done"
            : status == PGRES_TUPLES_OK && PQntuples(answer) > 0 ? PQgetvalue(answer, 0, 0)
                                                                 : "";
      PQclear(answer);
    }
    if (out.empty()) last_error = PQerrorMessage(connection);
    PQfinish(connection);
    return out;
  }

  std::string VolumeOf(const std::string& instance) {
    return UidOf(*fake.Get({"v1", "PersistentVolumeClaim", "acme", instance}));
  }

  std::string DataOf(const std::string& instance) {
    return directory + "/volumes/" + VolumeOf(instance) + "/pgdata";
  }

  pid_t PidOf(const std::string& instance) {
    return std::atoi(FileText(DataOf(instance) + "/postmaster.pid").c_str());
  }

  // The number of server processes whose data is below our directory.
  int Servers() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string command = FileText(entry.path().string() + "/cmdline");
      if (command.find("bin/postgres") != std::string::npos &&
          command.find(directory) != std::string::npos)
        ++count;
    }
    return count;
  }

  std::string directory, last_error;
};

}  // namespace slipway::sim::operators::cnpg
