#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace slipway::sim::operators::mongodb {

inline constexpr char kGroup[] = "mongodbcommunity.mongodb.com/v1";
inline constexpr char kKind[] = "MongoDBCommunity";
inline constexpr char kLastSuccessful[] = "mongodb.com/v1.lastSuccessfulConfiguration";
inline constexpr char kLastApplied[] = "mongodb.com/v1.lastAppliedMongoDBVersion";
inline constexpr char kAgentVersion[] = "agent.mongodb.com/version";

// The differences between MCK and its archived predecessor.
struct Release {
  const char* service_account;
  const char* server_image;  // the version and the image type are appended
  const char* image_type;
  const char* agent_image;
  const char* hook_image;
  const char* probe_image;
  bool restricted;       // seccomp profile, no capabilities
  bool percent_encodes;  // the user part of a connection string
};

const Release& Mck110();
const Release& Mco013();

struct User {
  std::string name, database;
  std::string password_secret, password_key;
  std::string scram_secret;  // of the credentials, with its suffix; "" when none was given
  std::string connection_secret;
  Json roles, options, annotations;

  bool external() const { return database == "$external"; }
};

// A MongoDBCommunity with its defaults filled in. Pure.
struct InstanceSpec {
  static InstanceSpec Parse(const Json& object);
  // The users in `spec`, which is this spec or the last successful one.
  static std::vector<User> UsersOf(const std::string& instance, const Json& spec);

  // The operator's complaint about the spec, "" for none. `last` is the last successful spec or
  // null.
  std::string Mistake(const Json& last) const;

  std::string service() const;  // serviceName may be overridden
  std::string host(int64_t member) const;
  std::string hosts(int64_t members) const;  // with ports, separated by commas
  std::string uri(int64_t members) const;

  std::string arbiters_name() const { return name + "-arb"; }

  std::string secret(const char* suffix) const { return name + "-" + suffix; }

  // "7.0" for "7.0.24".
  std::string minor_version() const;

  std::string ns, name, uid;
  int64_t generation = 0;
  int64_t members = 0, arbiters = 0;
  std::string version;
  std::string compatibility;  // featureCompatibilityVersion as written, may be ""
  std::string domain;
  bool tls = false, tls_optional = false;
  int64_t port = 27017;
  std::vector<User> users;
  std::string fault;
  Json spec;
};

// The options of a connection string as "&a=b", in a fixed order. Keys that the operator sets
// itself are ignored.
std::string ConnectionOptions(const Json& of_instance, const Json& of_user);

}  // namespace slipway::sim::operators::mongodb
