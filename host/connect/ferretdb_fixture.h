#pragma once

#include <string>

#include "connect/server_fixture.h"

namespace slipway::connect {

// FerretDB, which speaks MongoDB's protocol and keeps its data in SQLite, as a replica set of one
// member that knows the user app of the database app with the password pw-right.
class FerretDb : public TestServer {
 public:
  enum class Listens { kPlain, kTls };

  // What `tests/ferretdb/build` printed, from $SLIPWAY_FERRETDB; "" without it.
  static std::string Program();

  explicit FerretDb(Listens listens);
};

}  // namespace slipway::connect
