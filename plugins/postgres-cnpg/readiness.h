// Is the database healthy, and if not, what is it waiting for?
#pragma once

#include <string>

#include "manifests.h"

namespace cnpg {

struct Verdict {
  std::string state;  // progressing ready skipped failed blocked
  std::string reason, message;
  std::string kind, name, why;  // waitingFor; kind "" for none

  std::string Text(const std::string& ns) const;
};

const Value* FindObject(const Value& observed, std::string_view kind, std::string_view name);

// Pods and the operator's status together; the phase alone is never believed (it stays healthy
// after a replica was lost). `since_ms`: how long this has been waited for, for the operator's silence.
Verdict JudgeCluster(const Instance& instance, const Spec& spec, const Value& observed, bool want_archiving, int64_t since_ms);

}  // namespace cnpg
