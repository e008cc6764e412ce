#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace slipway::engine {

// Records the engine that ended the process. The handlers of fatal signals and of exit() mark the
// note of their thread's call. They recognise an engine's own thread by the engine's code on its
// stack. SIGKILL, _exit() and a power cut leave no mark.
//
// This is the module's only global state, because signals belong to the process.

// A mark is a signal's number or kExited.
inline constexpr uint32_t kExited = 1000;

// Watches from now until the process ends. Idempotent.
void WatchForCrashes();

// Sets the mark of the calling thread's engine call; null between calls.
void SetCrashMark(std::atomic<uint32_t>* mark);

// `mark` is for crashes of threads with code of the library at `path`. Call it before the library
// is mapped. The mark must live as long as the process. A known path gets the new mark.
void WatchLibrary(std::string_view path, std::atomic<uint32_t>* mark);

// `mark` is for crashes without an engine; it must live as long as the process.
void SetHostMark(std::atomic<uint32_t>* mark);

// Gives this thread a signal stack, unless it has one, so that it can handle a stack overflow.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace slipway::engine
