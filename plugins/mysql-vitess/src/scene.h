// Everything that a judgement looks at.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "spec.h"

namespace vitess {

inline constexpr MainObject kCluster{"VitessCluster", "Cluster"};

// One instance's observed objects; the pointers live as long as the input.
struct Observed {
  const Json* cluster = nullptr;
  std::vector<const Json*> pods, schedules, jobs;

  Observed(const Json& objects, const Instance& instance);
  std::vector<const Json*> PodsOf(const char* component) const;
  const Json* PodNamed(const std::string& name) const;
};

// Objects without our label, by name. An object that is not among the step's needs is asked for.
class Looks {
 public:
  explicit Looks(const Json& input) : needs_(input["needs"]) {}

  // Null pointer: not fetched yet; null value: it does not exist.
  const Json* Find(const char* api, const char* kind, const std::string& name);
  // The objects with the label, newest first. Null pointer: not fetched yet.
  const Json* List(const char* api, const char* kind, const std::string& label);
  // Adds the names of the objects to fetch to `answer`.
  Json Asking(Json answer) const;

  bool Asks() const { return !wanted_.IsNull(); }

 private:
  const Json& needs_;
  Json wanted_;
};

struct Scene {
  const Database& database;
  const Observed& observed;
  Looks& looks;
  int64_t now_ms;
  int64_t waited_ms;  // see WaitedMs

  Json On(const char* kind, const std::string& name, const char* reason) const {
    return WaitingFor(kind, database.ns, name, reason);
  }
};

bool IsYes(const Json& ternary);
// The progress of an instance whose parts are not all ready.
Judgement Waiting(const std::string& message, int percent, Json on);

}  // namespace vitess
