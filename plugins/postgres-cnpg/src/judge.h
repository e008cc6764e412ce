// What is there and whether it is well. Pure: the only clock is the call's.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kit.h"

namespace cnpg {

// One instance's observed objects by their part; the pointers live as long as the input.
struct Observed {
  const Json* cluster = nullptr;
  std::vector<const Json*> pods;      // of instances
  std::vector<const Json*> job_pods;  // of creation and join jobs
  std::vector<const Json*> volumes, jobs, services;

  Observed(const Json& objects, const std::string& name);
};

// The rule of a healthy cluster and, when it is not, the one thing that stands in the way.
// `waited_ms`: since the question was first asked; `archiving`: backups must work too.
Judgement JudgeCluster(const Instance& instance, const Observed& observed, bool archiving,
                       int64_t waited_ms);

// Ready when every instance pod carries the side-car and the operator knows the plugin.
Judgement JudgeArchiving(const Instance& instance, const Observed& observed, int64_t waited_ms);

}  // namespace cnpg
