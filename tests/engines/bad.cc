// Engines that each break one rule, without the wrapper that would prevent it. BAD selects the
// rule. For the calls, words of the request ("spin", "throw" …) decide; for open, those of the
// settings; for the library's constructor, BAD_ENGINE_CONSTRUCTOR.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

#include <slipway/engine.h>

namespace {

slipway_bytes Bytes(std::string_view s) {
  return {s.data(), s.size()};
}

bool Says(slipway_bytes input, std::string_view text) {
  return std::string_view(input.data, input.size).find(text) != std::string_view::npos;
}

__attribute__((noinline, no_sanitize("undefined"))) int Overflow(int depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : Overflow(depth + 1) + frame[0];
}

__attribute__((no_sanitize("undefined"))) void Segfault() {
  int* volatile nowhere = reinterpret_cast<int*>(8);
  *nowhere = 1;
}

// The ways in which an engine can end the host.
void CrashIf(slipway_bytes says) {
  if (Says(says, "crash-segfault")) Segfault();
  if (Says(says, "crash-abort")) std::abort();
  if (Says(says, "crash-exit")) std::exit(3);
  if (Says(says, "crash-overflow")) Overflow(0);
  if (Says(says, "crash-in-thread"))
    std::thread([] { throw std::runtime_error("in a thread of the engine's"); }).join();
  if (Says(says, "crash-after-the-call")) {  // as soon as somebody has made the file
    std::thread([file = std::string(std::getenv("BAD_ENGINE_WAITS_FOR"))] {
      while (::access(file.c_str(), F_OK) != 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      Segfault();
    }).detach();
  }
}

__attribute__((constructor)) void Construct() {
  if (const char* word = std::getenv("BAD_ENGINE_CONSTRUCTOR")) CrashIf(Bytes(word));
}

int32_t Open(const slipway_call*, slipway_bytes settings, slipway_engine** out) {
  CrashIf(settings);
  if (Says(settings, "spin_in_open")) {
    for (volatile bool forever = true; forever;) {
    }
  }
  static int object = 0;
  if (!Says(settings, "no_handle")) *out = reinterpret_cast<slipway_engine*>(&object);
  return SLIPWAY_OK;
}

void Close(slipway_engine*) {}

int32_t Describe(const slipway_engine*, const slipway_call* call) {
#ifdef BAD_DESCRIBE
  return call->write(call, Bytes(R"({"schema":1,"engine":")" SLIPWAY_ENGINE_NAME
                                 R"(","version":")" SLIPWAY_ENGINE_VERSION
                                 R"(","title":"Bad","database_type":"lower case"})"));
#else
  return call->write(
      call, Bytes(R"({"schema":1,"engine":")" SLIPWAY_ENGINE_NAME
                  R"(","version":")" SLIPWAY_ENGINE_VERSION
                  R"(","title":"Bad","database_type":"BAD","verbs":["create"],"capabilities":{},)"
                  R"("name_limit":40,"watches":[],"applies":[],)"
                  R"("parameters_schema":{"properties":{"depth":{"type":"integer"}}},)"
#ifdef BAD_REQUIRES
                  R"("contract":"1.7","requires":["generate","time-travel"],)"
#endif
                  R"("plan_compat":["0.9.0","1.0.*"]})"));
#endif
}

int32_t Behave(const slipway_call* call) {
  return call->write(
      call, Bytes(R"({"schema":1,"spec":{"tier":"FREE","instances":1,"storage":"1Gi",)"
                  R"("memory":"256Mi","cpu":"100m"},"stages":[],"verdict":{"state":"ready"}})"));
}

// "later" behaves well until step().
int32_t Misbehave(const slipway_engine*, const slipway_call* call, slipway_bytes input) {
  if (Says(input, "takes-claim")) {
    if (Says(input, R"("verb":"delete")") && !Says(input, R"("stage":)")) {
      return call->write(call, Bytes(R"({"schema":1,"stages":[{"name":"RESOURCE_DELETION"}]})"));
    }
    if (!Says(input, R"("stage":"RESOURCE_DELETION")")) return Behave(call);
    return call->write(
        call, Bytes(R"({"schema":1,"delete":[{"apiVersion":"v1","kind":"PersistentVolumeClaim",)"
                    R"("name":"somebodys"}],"verdict":{"state":"ready"}})"));
  }
  if (Says(input, "later") && !Says(input, R"("stage":)")) return Behave(call);
  CrashIf(input);
  if (Says(input, "throw_int")) throw 7;
  if (Says(input, "throw")) throw std::runtime_error("across the boundary");
  if (Says(input, "spin")) {
    for (volatile bool forever = true; forever;) {
    }
  }
  if (Says(input, "stopped")) {  // as on a machine that is busy with other work
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return Behave(call);
  }
  if (Says(input, "asleep")) {
    while (true) std::this_thread::sleep_for(std::chrono::hours(1));
  }
  if (Says(input, "slow")) {  // it is slow, but it listens
    while (call->cancelled(call) == 0) {
    }
    return SLIPWAY_CANCELLED;
  }
  if (Says(input, "garbage")) return call->write(call, Bytes("\x7f\xff{]garbage"));
  if (Says(input, "array")) return call->write(call, Bytes("[1]"));
  if (Says(input, "nothing")) return SLIPWAY_OK;
  if (Says(input, "unexplained")) return 42;
  if (Says(input, "huge")) {  // 1 GiB; it ignores the result of write
    static const std::string chunk(1u << 20, ' ');
    for (int i = 0; i < 1024; ++i) call->write(call, Bytes(chunk));
    call->write(call, {chunk.data(), UINT64_MAX});
    return SLIPWAY_OK;
  }
  if (Says(input, "unlawful")) {  // one more instance each time
    return call->write(
        call, Says(input, R"("instances":2)")
                  ? Bytes(R"({"schema":1,"spec":{"tier":"unlawful","instances":3,"storage":"1Gi",)"
                          R"("memory":"256Mi","cpu":"100m"}})")
                  : Bytes(R"({"schema":1,"spec":{"tier":"unlawful","instances":2,"storage":"1Gi",)"
                          R"("memory":"256Mi","cpu":"100m"}})"));
  }
  if (Says(input, "refuses-itself")) {
    if (!Says(input, R"("tier":"again")")) {
      return call->write(call, Bytes(R"({"schema":1,"spec":{"tier":"again","instances":1,)"
                                     R"("storage":"1Gi","memory":"256Mi","cpu":"100m"}})"));
    }
    slipway_failure failure{};
    failure.struct_size = sizeof failure;
    failure.code = SLIPWAY_INVALID;
    failure.reason = Bytes("TierUnknown");
    failure.message = Bytes("there is no such tier");
    failure.field = Bytes("/tier");
    return call->fail(call, &failure);
  }
  if (Says(input, "strange-parameters")) {
    return call->write(call,
                       Bytes(R"({"schema":1,"spec":{"tier":"FREE","instances":1,"storage":"1Gi",)"
                             R"("memory":"256Mi","cpu":"100m","parameters":{"depth":"deep"}}})"));
  }
  if (Says(input, "unknown_state")) {
    return call->write(call, Bytes(R"({"schema":1,"verdict":{"state":"perhaps"}})"));
  }
  if (Says(input, "hostile_failure")) {
    slipway_failure failure{};
    failure.struct_size = sizeof failure;
    failure.code = SLIPWAY_INVALID;
    failure.reason = Bytes("Line\nBreak");
    failure.message = Bytes("\xff\xfe not text");
    failure.field = {nullptr, 12};
    return call->fail(call, &failure);
  }
  return Behave(call);
}

#ifndef BAD_NO_ENTRY
const slipway_engine_api* Table() {
  static slipway_engine_api table;
  table.struct_size = sizeof table;
  table.abi_major = SLIPWAY_ABI_MAJOR;
  table.open = Open;
  table.close = Close;
  table.describe = Describe;
  table.validate = Misbehave;
  table.plan = Misbehave;
#ifndef BAD_TABLE
  table.step = Misbehave;
#endif
  return &table;
}
#endif

}  // namespace

#if defined(BAD_ABI_MAJOR)
static const slipway_note slipway_note_v1
    __attribute__((section(".note.slipway"), used, aligned(4))) = {
        4,
        sizeof(slipway_note::desc),
        1,
        {'S', 'L', 'W', 0},
        {7, 0, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION}};
#elif !defined(BAD_NO_NOTE)
SLIPWAY_NOTE(SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION);
#endif

#ifdef BAD_NO_ENTRY
extern "C" SLIPWAY_EXPORT int slipway_engine_v2();

// If nothing used these functions, the compiler would complain.
extern "C" SLIPWAY_EXPORT int slipway_engine_v2() {
  static void* volatile keep[] = {reinterpret_cast<void*>(&Open), reinterpret_cast<void*>(&Close),
                                  reinterpret_cast<void*>(&Describe),
                                  reinterpret_cast<void*>(&Misbehave)};
  return keep[0] == nullptr;
}
#else
extern "C" SLIPWAY_EXPORT const slipway_engine_api* slipway_engine_v1(uint16_t) {
  return Table();
}
#endif

#ifdef BAD_EXPORT
extern "C" SLIPWAY_EXPORT int another_symbol();

extern "C" SLIPWAY_EXPORT int another_symbol() {
  return 1;
}
#endif
