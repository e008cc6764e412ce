#pragma once

#include <string>

#include "connect/server_fixture.h"

namespace slipway::connect {

// Debian's mariadbd. Accounts: see kAccounts in the .cc file.
class MariaDb : public TestServer {
 public:
  static bool Installed();

  MariaDb();

 private:
  void SetUp();
  bool Write(const std::string& name, const std::string& text) const;
};

}  // namespace slipway::connect
