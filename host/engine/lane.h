#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/call.h"

namespace slipway::engine {

// Runs an engine's code on one thread, so that a caller can give up on a call.
//
// Calls wait in a bounded queue and run one after another; an engine's functions take microseconds.
// The box limits a call's CPU time, because a busy or suspended machine slows a call without its
// fault. A call that waits, which it should not, has ten times the box in wall-clock time. A call
// that exceeds its box sees cancelled(). After a grace of a quarter of the box the lane is lost:
// its thread is abandoned, and every waiting and later call is answered at once. A lane loses at
// most one thread. Any thread may call.
class Lane {
 public:
  // Runs on the lane's thread; returns the ABI's code. It must own its data: it may outlive the
  // lane.
  using Function = std::function<int32_t(const slipway_call*)>;

  Lane(const std::string& name, int64_t timeout_ms);
  // Joins the thread, unless it is lost.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Returns the ABI's code. Errors: kUnavailable EngineQuarantined (the lane is lost) or EngineBusy
  // (retryable: the queue is full or too slow), kInternal EngineThrew.
  Result<int32_t> Run(Function function, std::shared_ptr<CallState> state);
  bool lost() const;

 private:
  struct Shared;
  static void Loop(const std::shared_ptr<Shared>& shared);
  std::shared_ptr<Shared> shared_;
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace slipway::engine
