#include "engine/crash_notes.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

#include "base/yaml.h"
#include "engine/crash_signals.h"
#include "engine/text.h"

namespace slipway::engine {

// Text is NUL-terminated. The next process does not trust it.
struct CrashNotes::Slot {
  std::atomic<uint32_t> taken{0};      // a lane owns the slot
  std::atomic<uint32_t> under_way{0};  // a call is running
  std::atomic<uint32_t> mark{0};
  char engine[32], version[32], sha256[65], settings[32], call[16], operation[64];
};

namespace {

using Slot = CrashNotes::Slot;

constexpr char kFile[] = "calls.notes";
constexpr char kMagic[16] = "slipway calls 1";
constexpr size_t kSlots = 512;
constexpr size_t kBytes = sizeof kMagic + kSlots * sizeof(Slot);
static_assert(sizeof kMagic % alignof(Slot) == 0);

template <size_t N>
void Put(char (&field)[N], std::string_view text) {
  const size_t size = std::min(text.size(), N - 1);
  std::memcpy(field, text.data(), size);
  std::memset(field + size, 0, N - size);
}

template <size_t N>
std::string Get(const char (&field)[N]) {
  return Printable({field, ::strnlen(field, N)}, N);
}

void Put(Slot& slot, const EngineBytes& engine) {
  Put(slot.engine, engine.name);
  Put(slot.version, engine.version);
  Put(slot.sha256, engine.sha256);
  Put(slot.settings, engine.settings);
}

// Maps a new file of the right size; after the magic bytes it holds zeros. nullptr when no file can
// be made.
void* MapFile(const std::string& directory) {
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  std::string bytes(kBytes, '\0');
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  const std::string path = directory + "/" + kFile;
  if (!WriteFileAtomically(path, bytes, 0600)) return nullptr;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return nullptr;
  void* mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

}  // namespace

CrashNotes::CrashNotes(std::string directory) : directory_(std::move(directory)) {
  const auto bytes = ReadFile(directory_ + "/" + kFile);
  if (!bytes || bytes->size() != kBytes || std::memcmp(bytes->data(), kMagic, sizeof kMagic) != 0)
    return;
  for (size_t i = 0; i < kSlots; ++i) {
    Slot slot;
    std::memcpy(static_cast<void*>(&slot), bytes->data() + sizeof kMagic + i * sizeof slot,
                sizeof slot);
    if (slot.under_way == 0) continue;
    Left left;
    left.engine = {Get(slot.engine), Get(slot.version), Get(slot.sha256), Get(slot.settings)};
    left.call = Get(slot.call);
    left.operation = Get(slot.operation);
    left.end = slot.mark;
    if (left.end != 0 || left.call != kThreadsCall) left_.push_back(std::move(left));
  }
}

bool CrashNotes::Begin() {
  void* mapped = MapFile(directory_);
  const bool durable = mapped != nullptr;
  if (!durable) {
    mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return false;
  }
  const std::lock_guard lock(mutex_);
  slots_ = reinterpret_cast<Slot*>(static_cast<char*>(mapped) + sizeof kMagic);
  return durable;
}

CrashNotes::Slot* CrashNotes::Free() {
  if (slots_ == nullptr) return nullptr;
  Slot* const end = slots_ + kSlots;
  Slot* const free = std::find_if(slots_, end, [](const Slot& slot) { return slot.taken == 0; });
  if (free == end) return nullptr;
  free->taken = 1;
  return free;
}

CrashNotes::Slot* CrashNotes::Take(const EngineBytes& engine) {
  const std::lock_guard lock(mutex_);
  Slot* slot = Free();
  if (slot != nullptr) Put(*slot, engine);
  return slot;
}

void CrashNotes::Return(Slot* slot) {
  if (slot != nullptr) slot->taken = 0;
}

std::atomic<uint32_t>* CrashNotes::MarkForThreads(const EngineBytes& engine) {
  const std::lock_guard lock(mutex_);
  Slot*& slot = threads_[engine.sha256];
  if (slot == nullptr) slot = Free();
  if (slot == nullptr) return nullptr;
  Put(*slot, engine);
  Put(slot->call, kThreadsCall);
  slot->under_way = 1;
  return &slot->mark;
}

CallNote::CallNote(CrashNotes::Slot* slot, const char* call, const std::string& operation)
    : slot_(slot) {
  if (slot_ == nullptr) return;
  Put(slot_->call, call);
  Put(slot_->operation, operation);
  slot_->under_way = 1;
  SetCrashMark(&slot_->mark);
}

CallNote::~CallNote() {
  if (slot_ == nullptr) return;
  SetCrashMark(nullptr);
  slot_->under_way = 0;
}

}  // namespace slipway::engine
