#pragma once

#include <string>

#include "connect/server_fixture.h"

namespace slipway::connect {

// Debian's mariadbd. kAccounts in the .cc file lists its accounts.
class MariaDb : public TestServer {
 public:
  static bool Installed();

  MariaDb();

 private:
  void SetUp();
  bool Write(const std::string& name, const std::string& text) const;
};

}  // namespace slipway::connect
