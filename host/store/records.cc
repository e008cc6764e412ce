#include "store/records.h"

#include <array>

namespace slipway::store {
namespace {

constexpr std::array<const char*, 9> kOperationStates = {"PENDING",    "RUNNING",      "WAITING",
                                                         "CANCELLING", "ROLLING_BACK", "BLOCKED",
                                                         "SUCCEEDED",  "FAILED",       "CANCELLED"};
constexpr std::array<const char*, 6> kStageStates = {"PENDING", "RUNNING", "SUCCEEDED",
                                                     "SKIPPED", "FAILED",  "COMPENSATED"};

template <class State, size_t n>
bool Parse(const std::array<const char*, n>& names, const std::string& name, State& state) {
  for (size_t i = 0; i < n; ++i) {
    if (name != names[i]) continue;
    state = static_cast<State>(i);
    return true;
  }
  return false;
}

}  // namespace

const char* Name(OperationState state) {
  return kOperationStates.at(static_cast<size_t>(state));
}

const char* Name(StageState state) {
  return kStageStates.at(static_cast<size_t>(state));
}

bool ParseState(const std::string& name, OperationState& state) {
  return Parse(kOperationStates, name, state);
}

bool ParseState(const std::string& name, StageState& state) {
  return Parse(kStageStates, name, state);
}

bool IsTerminal(OperationState state) {
  switch (state) {
    case OperationState::kPending:
    case OperationState::kRunning:
    case OperationState::kWaiting:
    case OperationState::kCancelling:
    case OperationState::kRollingBack:
    case OperationState::kBlocked:
      return false;
    case OperationState::kSucceeded:
    case OperationState::kFailed:
    case OperationState::kCancelled:
      return true;
  }
  return true;
}

std::string GroupOf(const std::string& api_version) {
  const size_t slash = api_version.find('/');
  return slash == std::string::npos ? std::string() : api_version.substr(0, slash);
}

bool SameObject(const ObjectRecord& a, const ObjectRecord& b) {
  return a.kind == b.kind && a.ns == b.ns && a.name == b.name &&
         GroupOf(a.api_version) == GroupOf(b.api_version);
}

}  // namespace slipway::store
