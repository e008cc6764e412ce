#pragma once

#include <string>

#include "connect/server_fixture.h"

namespace slipway::connect {

// FerretDB speaks MongoDB's protocol and keeps its data in SQLite. It runs as a replica set of one
// member. The database app has the user app with the password pw-right.
class FerretDb : public TestServer {
 public:
  enum class Listens { kPlain, kTls };

  // The output of `tests/realparts/build ferretdb`, from $SLIPWAY_FERRETDB; "" without it.
  static std::string Program();

  explicit FerretDb(Listens listens);
};

}  // namespace slipway::connect
