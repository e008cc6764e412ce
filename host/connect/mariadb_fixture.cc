#include "connect/mariadb_fixture.h"

#include <filesystem>
#include <fstream>
#include <pwd.h>
#include <unistd.h>
#include <vector>

namespace slipway::connect {
namespace {

namespace fs = std::filesystem;

constexpr char kProgram[] = "/usr/sbin/mariadbd";
constexpr char kAccounts[] = R"(CREATE DATABASE app;
CREATE USER 'app'@'%' IDENTIFIED BY 'pw-right';
GRANT ALL ON app.* TO 'app'@'%';
CREATE USER 'all'@'%' IDENTIFIED BY 'pw-right';
GRANT ALL ON *.* TO 'all'@'%';
CREATE USER 'secure'@'%' IDENTIFIED BY 'pw-right' REQUIRE SSL;
GRANT ALL ON app.* TO 'secure'@'%';
CREATE USER 'o''b"r\\;-- %s'@'%' IDENTIFIED BY 'p''w"\\;-- %s{}\t€';
GRANT ALL ON app.* TO 'o''b"r\\;-- %s'@'%';
)";

}  // namespace

bool MariaDb::Installed() {
  return ::access(kProgram, X_OK) == 0;
}

MariaDb::MariaDb() {
  if (failure().empty()) SetUp();
}

bool MariaDb::Write(const std::string& name, const std::string& text) const {
  std::ofstream out(PathOf(name));
  out << text;
  return out.good();
}

void MariaDb::SetUp() {
  const std::string tables = "/usr/share/mysql/mysql_system_tables";
  Write("tables.sql", "CREATE DATABASE mysql;\nUSE mysql;\n" + ReadFile(tables + ".sql") +
                          ReadFile(tables + "_data.sql"));
  Write("accounts.sql", kAccounts);
  fs::create_directory(PathOf("data"));
  if (!MakeCertificate()) return Fail("no certificate: " + Log());
  std::vector<std::string> command = {
      kProgram,
      "--no-defaults",
      "--datadir=" + PathOf("data"),
      "--tmpdir=" + PathOf("data"),  // not shared with another server
      "--skip-innodb",
      "--default-storage-engine=Aria",
      "--aria-log-file-size=8M",
      "--aria-pagecache-buffer-size=8M"};
  if (::geteuid() == 0) {  // mariadbd refuses to run as root
    command.emplace_back("--user=nobody");
    const passwd* nobody = ::getpwnam("nobody");
    for (const std::string& path :
         {directory(), PathOf("data"), PathOf("key.pem"), PathOf("certificate.pem")}) {
      if (nobody == nullptr || ::chown(path.c_str(), nobody->pw_uid, nobody->pw_gid) != 0) {
        return Fail("cannot give " + path + " to nobody");
      }
    }
  }
  std::vector<std::string> bootstrap = command;
  bootstrap.emplace_back("--bootstrap");
  if (!Run(bootstrap, PathOf("tables.sql"))) return Fail("bootstrap: " + Log());
  for (const std::string& option :
       {"--port=" + std::to_string(port()), std::string("--bind-address=127.0.0.1"),
        "--socket=" + PathOf("socket"), "--pid-file=" + PathOf("pid"),
        "--init-file=" + PathOf("accounts.sql"), std::string("--skip-name-resolve"),
        std::string("--character-set-server=utf8mb4"), "--ssl-cert=" + PathOf("certificate.pem"),
        "--ssl-key=" + PathOf("key.pem")})
    command.push_back(option);
  Start(command);
}

}  // namespace slipway::connect
