#include "engine/crash_signals.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <iterator>
#include <link.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace slipway::engine {
namespace {

constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
constexpr size_t kMaxLibraries = 256;  // counts every version ever loaded
constexpr size_t kSignalStackBytes = 64u << 10;
constexpr int kExitStatus = 70;            // EX_SOFTWARE
constexpr unsigned kPatienceSeconds = 10;  // time to walk a stack that may be broken

struct Library {
  char path[512] = {};
  std::atomic<std::atomic<uint32_t>*> mark{nullptr};
};

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): a signal handler has no object
Library libraries[kMaxLibraries];
std::atomic<size_t> library_count{0};
struct sigaction handlers_before[NSIG];
std::atomic<std::atomic<uint32_t>*> host_mark{nullptr};
thread_local std::atomic<uint32_t>* current = nullptr;

// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

std::atomic<uint32_t>* MarkOf(const char* path) {
  for (size_t i = 0; i < library_count; ++i)
    if (std::strcmp(libraries[i].path, path) == 0) return libraries[i].mark;
  return nullptr;
}

// The mark of the engine whose code is nearest on this stack. Takes no lock: a thread that waits
// for this one may hold the dynamic linker's lock.
std::atomic<uint32_t>* OnThisStack() {
  void* frames[64];
  const int depth = ::backtrace(frames, std::size(frames));
  for (int i = 0; i < depth; ++i) {
    dl_find_object object{};
    if (::_dl_find_object(frames[i], &object) != 0 || object.dlfo_link_map == nullptr) continue;
    if (auto* mark = MarkOf(object.dlfo_link_map->l_name)) return mark;
  }
  return nullptr;
}

// False when no engine was involved.
bool Blame(uint32_t end) {
  std::atomic<uint32_t>* mark = current != nullptr ? current : OnThisStack();
  if (mark != nullptr) *mark = end;
  return mark != nullptr;
}

void OnSignal(int signal, siginfo_t* info, void*) {
  // A signal from another process is not a crash.
  if (info->si_code > 0 || info->si_pid == ::getpid()) {
    if (current == nullptr) {  // an unreadable stack must not hang the process

      struct sigaction standard {};

      standard.sa_handler = SIG_DFL;
      ::sigaction(SIGALRM, &standard, nullptr);
      ::alarm(kPatienceSeconds);
    }
    const auto end = static_cast<uint32_t>(signal);
    std::atomic<uint32_t>* own = host_mark;
    if (!Blame(end) && own != nullptr) *own = end;
  }
  // The rest goes as without this handler: a fault happens again, and we raise a sent signal again.
  ::sigaction(signal, &handlers_before[signal], nullptr);
  if (info->si_code <= 0) ::raise(signal);
}

// exit() in an engine: other threads still run, so we cannot run destructors.
void OnExit() {
  if (Blame(kExited)) ::_exit(kExitStatus);
}

}  // namespace

void WatchForCrashes() {
  static std::once_flag once;
  std::call_once(once, [] {
    void* frame = nullptr;
    ::backtrace(&frame, 1);  // loads its library now: a handler may not
    struct sigaction action {};
    action.sa_sigaction = OnSignal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    for (const int signal : kFatal) ::sigaction(signal, &action, &handlers_before[signal]);
    std::atexit(OnExit);
    std::at_quick_exit(OnExit);
  });
}

void SetCrashMark(std::atomic<uint32_t>* mark) {
  current = mark;
}

void SetHostMark(std::atomic<uint32_t>* mark) {
  host_mark = mark;
}

void WatchLibrary(std::string_view path, std::atomic<uint32_t>* mark) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const size_t count = library_count;
  for (size_t i = 0; i < count; ++i) {
    if (path != libraries[i].path) continue;
    libraries[i].mark = mark;
    return;
  }
  // Above these limits no engine is blamed for the library's threads.
  if (count == kMaxLibraries || path.size() >= sizeof libraries[count].path) return;
  std::memcpy(libraries[count].path, path.data(), path.size());
  libraries[count].mark = mark;
  library_count = count + 1;
}

SignalStack::SignalStack() {
  stack_t present{};
  if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  void* memory = ::mmap(nullptr, kSignalStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  const stack_t ours{memory, 0, kSignalStackBytes};
  if (::sigaltstack(&ours, nullptr) == 0) {
    memory_ = memory;
  } else {
    ::munmap(memory, kSignalStackBytes);
  }
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  ::munmap(memory_, kSignalStackBytes);
}

}  // namespace slipway::engine
