#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace slipway::engine {

// Identifies an engine's bytes and settings.
struct EngineBytes {
  std::string name, version, sha256;
  std::string settings;  // a digest

  bool Same(const EngineBytes& other) const {
    return sha256 == other.sha256 && settings == other.settings;
  }
};

// Notes of the running engine calls, in a small memory-mapped file. The file outlives the process,
// and the next process reads it. A note names engine, call and operation. A mark in it
// (crash_signals.h) says that the call ended the process.
//
// The file stays mapped, as libraries do: an abandoned thread and the signal handlers may write
// into it until the process ends. Any thread.
class CrashNotes {
 public:
  struct Slot;

  // A call that was under way when the last process ended.
  struct Left {
    EngineBytes engine;
    std::string call, operation;
    uint32_t end = 0;  // a signal or kExited; 0: this call did not end the process
  };

  // Reads the last process's notes in `directory`, which may be missing. Writes nothing.
  explicit CrashNotes(std::string directory);
  CrashNotes(const CrashNotes&) = delete;
  CrashNotes& operator=(const CrashNotes&) = delete;

  const std::vector<Left>& left() const { return left_; }

  // Starts a new, empty file. False when no file can be made: notes are then lost.
  bool Begin();

  // The slot for one lane, which makes one call at a time; null when all are taken. Return it when
  // the lane is done.
  Slot* Take(const EngineBytes& engine);
  void Return(Slot* slot);
  // The mark for the threads that a library may start, by its sha256. With an empty sha256 it is
  // the mark for crashes without an engine. Null when no slot is free.
  std::atomic<uint32_t>* MarkForThreads(const EngineBytes& engine);

 private:
  Slot* Free();

  const std::string directory_;
  std::vector<Left> left_;
  std::mutex mutex_;
  Slot* slots_ = nullptr;
  std::map<std::string, Slot*> threads_;  // by sha256
};

// Notes a call of this thread for as long as the object lives.
class CallNote {
 public:
  CallNote(CrashNotes::Slot* slot, const char* call, const std::string& operation);
  ~CallNote();
  CallNote(const CallNote&) = delete;
  CallNote& operator=(const CallNote&) = delete;

 private:
  CrashNotes::Slot* const slot_;
};

// Crashes of an engine's own threads count under this name.
inline constexpr char kThreadsCall[] = "thread";

}  // namespace slipway::engine
