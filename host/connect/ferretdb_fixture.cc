#include "connect/ferretdb_fixture.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace slipway::connect {

std::string FerretDb::Program() {
  const char* program = std::getenv("SLIPWAY_FERRETDB");
  return program != nullptr ? program : "";
}

FerretDb::FerretDb(Listens listens) {
  if (!failure().empty()) return;
  std::filesystem::create_directory(PathOf("data"));
  std::vector<std::string> command = {Program(),
                                      "--handler=sqlite",
                                      "--sqlite-url=file:" + PathOf("data") + "/",
                                      "--state-dir=" + directory(),
                                      "--telemetry=disable",
                                      "--debug-addr=-",
                                      "--repl-set-name=orders",
                                      "--test-enable-new-auth",
                                      "--setup-database=app",
                                      "--setup-username=app",
                                      "--setup-password=pw-right"};
  if (listens == Listens::kTls && !MakeCertificate()) {
    Fail("no certificate: " + Log());
    return;
  }
  const std::string address = "127.0.0.1:" + std::to_string(port());
  if (listens == Listens::kPlain) {
    command.push_back("--listen-addr=" + address);
  } else {
    for (const std::string& option : {std::string("--listen-addr="), "--listen-tls=" + address,
                                      "--listen-tls-cert-file=" + PathOf("certificate.pem"),
                                      "--listen-tls-key-file=" + PathOf("key.pem")})
      command.push_back(option);
  }
  Start(command);
}

}  // namespace slipway::connect
