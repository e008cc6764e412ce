#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/routes.h"
#include "base/json.h"

namespace slipway::api {

// The OpenAPI 3.1 document of these routes.
Json MakeOpenApi(const std::vector<Route>& routes, const std::string& version);

// The current /openapi.json. Routes and tiers are fixed; the database types follow the engines. Any
// thread.
class Document {
 public:
  struct Text {
    std::string body, etag;
  };

  Document(const std::vector<Route>& routes, const std::string& version,
           const std::vector<std::string>& tiers);

  // Allows only these values of databaseType; cheap while they stay the same.
  std::shared_ptr<const Text> For(const std::vector<std::string>& database_types);

 private:
  std::mutex mutex_;
  Json document_;
  std::vector<std::string> types_;
  std::shared_ptr<const Text> text_;
};

// #/components/schemas. Resource schemas are closed, so that a test finds every new field.
Json MakeSchemas();

}  // namespace slipway::api
