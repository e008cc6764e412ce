#include "engine/elf_probe.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <optional>
#include <string.h>

#include <slipway/engine.h>

#include "base/json.h"
#include "engine/text.h"

namespace slipway::engine {
namespace {

constexpr uint64_t kMaxMapped = 1u << 30;
constexpr size_t kMaxSymbols = 1u << 20;

Error Refuse(const char* reason, std::string message) {
  return {Code::kInvalid, reason, std::move(message)};
}

class Bytes {
 public:
  explicit Bytes(std::string_view data) : data_(data) {}

  bool Has(uint64_t offset, uint64_t size) const {
    return offset <= data_.size() && data_.size() - offset >= size;
  }

  // Copies a T from `offset`, which may be unaligned; nullopt when it does not fit.
  template <class T>
  std::optional<T> Read(uint64_t offset) const {
    if (!Has(offset, sizeof(T))) return std::nullopt;
    T value;
    std::memcpy(&value, data_.data() + offset, sizeof(T));
    return value;
  }

  std::string String(uint64_t offset) const {
    if (offset >= data_.size()) return {};
    return {data_.data() + offset, strnlen(data_.data() + offset, data_.size() - offset)};
  }

 private:
  std::string_view data_;
};

template <size_t N>
std::string Fixed(const char (&text)[N]) {
  return {text, strnlen(text, N)};
}

void ReadNotes(const Bytes& bytes, uint64_t at, uint64_t end, ElfFacts& facts) {
  while (at < end && end - at >= sizeof(Elf64_Nhdr)) {
    const auto head = bytes.Read<Elf64_Nhdr>(at);
    if (!head || head->n_namesz > 256 || head->n_descsz > 65536) return;
    const auto note = bytes.Read<slipway_note>(at);
    if (note && note->namesz == 4 && note->type == 1 && std::memcmp(note->name, "SLW", 4) == 0 &&
        note->descsz == sizeof note->desc && end - at >= sizeof *note) {
      facts.abi_major = note->desc.abi_major;
      facts.abi_minor = note->desc.abi_minor;
      facts.engine = Fixed(note->desc.engine);
      facts.version = Fixed(note->desc.version);
    }
    at += sizeof(Elf64_Nhdr) + ((head->n_namesz + 3) & ~3u) + ((head->n_descsz + 3) & ~3u);
  }
}

// Segments that lie inside the file. The loader trusts them, and a page beyond the file's end gives
// a SIGBUS.
struct Segments {
  std::vector<Elf64_Phdr> loads;
  std::optional<Elf64_Phdr> dynamic;
};

Result<Segments> ReadSegments(const Bytes& bytes, const Elf64_Ehdr& header, ElfFacts& facts) {
  Segments out;
  uint64_t mapped = 0;
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
      !bytes.Has(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr))) {
    return Refuse("Truncated", "the program headers lie outside the file");
  }
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = bytes.Read<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment || !bytes.Has(segment->p_offset, segment->p_filesz)) {
      return Refuse("Truncated", "segment " + std::to_string(i) + " ends beyond the file");
    }
    if (segment->p_type == PT_LOAD) {
      if (segment->p_memsz < segment->p_filesz || segment->p_memsz > kMaxMapped ||
          (mapped += segment->p_memsz) > kMaxMapped) {
        return Refuse("NotElf", "segment " + std::to_string(i) + " has an impossible size");
      }
      facts.writable_code |= (segment->p_flags & (PF_W | PF_X)) == (PF_W | PF_X);
      out.loads.push_back(*segment);
    }
    if (segment->p_type == PT_GNU_STACK) facts.stack_executable = (segment->p_flags & PF_X) != 0;
    if (segment->p_type == PT_GNU_RELRO) facts.relro = true;
    if (segment->p_type == PT_DYNAMIC) out.dynamic = *segment;
    if (segment->p_type == PT_NOTE) {
      ReadNotes(bytes, segment->p_offset, segment->p_offset + segment->p_filesz, facts);
    }
  }
  return out;
}

Result<void> ReadDynamic(const Bytes& bytes, const Segments& segments, ElfFacts& facts) {
  const auto file_offset = [&](uint64_t address) -> uint64_t {
    for (const Elf64_Phdr& s : segments.loads) {
      if (address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz) {
        return address - s.p_vaddr + s.p_offset;
      }
    }
    return UINT64_MAX;
  };
  uint64_t strings = UINT64_MAX;
  std::vector<uint64_t> needed;
  const uint64_t end = segments.dynamic->p_offset + segments.dynamic->p_filesz;
  for (uint64_t at = segments.dynamic->p_offset; at < end; at += sizeof(Elf64_Dyn)) {
    const auto entry = bytes.Read<Elf64_Dyn>(at);
    if (!entry || entry->d_tag == DT_NULL) break;
    if (entry->d_tag == DT_STRTAB) strings = file_offset(entry->d_un.d_ptr);
    if (entry->d_tag == DT_NEEDED) needed.push_back(entry->d_un.d_val);
    const uint64_t value = entry->d_un.d_val;
    facts.bind_now |= entry->d_tag == DT_BIND_NOW ||
                      (entry->d_tag == DT_FLAGS && (value & DF_BIND_NOW) != 0) ||
                      (entry->d_tag == DT_FLAGS_1 && (value & DF_1_NOW) != 0);
    facts.text_relocations |=
        entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (value & DF_TEXTREL) != 0);
    if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH) facts.has_run_path = true;
  }
  if (needed.size() > 64) return Refuse("NotElf", "more than 64 dependencies");
  for (const uint64_t offset : needed) {
    // A name outside the file reads as "", which is never an allowed name.
    const bool inside = strings != UINT64_MAX && bytes.Has(strings, 1) && bytes.Has(offset, 0);
    facts.needed.push_back(inside ? bytes.String(strings + offset) : std::string());
  }
  return {};
}

Result<void> ReadSymbols(const Bytes& bytes, const Elf64_Ehdr& header, ElfFacts& facts) {
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0 ||
      !bytes.Has(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr))) {
    return Refuse("Truncated", "the section headers lie outside the file");
  }
  const auto section = [&](uint64_t i) {
    return bytes.Read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  bool found = false;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto table = section(i);
    if (!table) return Refuse("Truncated", "the section headers lie outside the file");
    if (table->sh_type == SHT_NULL) continue;
    if (table->sh_type != SHT_NOBITS && !bytes.Has(table->sh_offset, table->sh_size)) {
      return Refuse("Truncated", "section " + std::to_string(i) + " ends beyond the file");
    }
    if (table->sh_type != SHT_DYNSYM) continue;
    const auto names = table->sh_link < header.e_shnum ? section(table->sh_link) : std::nullopt;
    if (!names || !bytes.Has(names->sh_offset, names->sh_size)) {
      return Refuse("Truncated", "the symbol names lie outside the file");
    }
    if (table->sh_size / sizeof(Elf64_Sym) > kMaxSymbols) {
      return Refuse("NotElf", "more symbols than an engine can have");
    }
    found = true;
    for (uint64_t k = 0; k < table->sh_size / sizeof(Elf64_Sym); ++k) {
      const auto symbol = bytes.Read<Elf64_Sym>(table->sh_offset + k * sizeof(Elf64_Sym));
      if (!symbol) return Refuse("Truncated", "the symbols end beyond the file");
      if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) continue;
      // An absolute symbol names a version; nobody can bind to it.
      if (symbol->st_shndx == SHN_ABS && symbol->st_value == 0) continue;
      facts.exports.push_back(bytes.String(names->sh_offset + symbol->st_name));
    }
  }
  if (!found) return Refuse("NotElf", "no dynamic symbols");
  return {};
}

// Files from slipway_add_engine() pass.
Result<void> CheckHardening(const ElfFacts& facts, const std::string& shown) {
  if (facts.stack_executable)
    return Refuse("ExecutableStack",
                  shown + " makes the stack executable; link with -z noexecstack");
  if (facts.writable_code)
    return Refuse("WritableCode", shown + " has a segment that is writable and executable");
  if (facts.text_relocations)
    return Refuse("TextRelocations", shown + " has relocations in its code; compile with -fPIC");
  if (!facts.relro)
    return Refuse("NoRelro", shown + " keeps its tables writable; link with -z relro");
  if (!facts.bind_now)
    return Refuse("LazyBinding", shown + " binds its symbols late; link with -z now");
  return {};
}

}  // namespace

Result<ElfFacts> ProbeElf(std::string_view file) {
  const Bytes bytes(file);
  ElfFacts facts;
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
    return Refuse("NotElf", "not an ELF file");
  }
  const auto header = bytes.Read<Elf64_Ehdr>(0);
  if (!header) return Refuse("Truncated", "shorter than an ELF header");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != EM_X86_64) {
    return Refuse("WrongMachine", "not built for 64-bit x86");
  }
  if (header->e_type != ET_DYN) return Refuse("NotElf", "not a shared object");
  TRY(const Segments segments, ReadSegments(bytes, *header, facts));
  TRY_VOID(ReadSymbols(bytes, *header, facts));
  if (facts.engine.empty())
    return Refuse("NoNote", "no engine note: built without SLIPWAY_ENGINE?");
  if (!segments.dynamic || segments.loads.empty()) return Refuse("NotElf", "no dynamic section");
  TRY_VOID(ReadDynamic(bytes, segments, facts));
  return facts;
}

Result<void> CheckFacts(const ElfFacts& facts, const std::string& name) {
  const std::string shown = Printable(facts.engine, 64) + " " + Printable(facts.version, 64);
  if (facts.abi_major != static_cast<int>(SLIPWAY_ABI_MAJOR)) {
    return Refuse("AbiMajor", shown + " needs engine ABI " + std::to_string(facts.abi_major) +
                                  "; this host speaks " + std::to_string(SLIPWAY_ABI_MAJOR) +
                                  ".0 to " + std::to_string(SLIPWAY_ABI_MAJOR) + "." +
                                  std::to_string(SLIPWAY_ABI_MINOR));
  }
  if (facts.engine != name) {
    return Refuse("NameMismatch", "the file is engine " + Json::Quote(Printable(facts.engine, 64)) +
                                      ", the configuration says " + Json::Quote(name));
  }
  if (std::find(facts.exports.begin(), facts.exports.end(), SLIPWAY_ENTRY_SYMBOL) ==
      facts.exports.end()) {
    return Refuse("MissingSymbol", shown + " does not export " SLIPWAY_ENTRY_SYMBOL);
  }
  for (const std::string& symbol : facts.exports) {
    if (symbol != SLIPWAY_ENTRY_SYMBOL) {
      return Refuse("ExtraExports", shown + " exports " + std::to_string(facts.exports.size()) +
                                        " symbols, among them " + Printable(symbol, 128) +
                                        "; only " SLIPWAY_ENTRY_SYMBOL " is allowed");
    }
  }
  if (facts.has_run_path) return Refuse("RunPath", shown + " has an RPATH or RUNPATH");
  static constexpr std::string_view kAllowed[] = {"libc.so.6", "libm.so.6", "libgcc_s.so.1",
                                                  "libstdc++.so.6", "ld-linux-x86-64.so.2"};
  for (const std::string& library : facts.needed) {
    bool allowed =
        std::find(std::begin(kAllowed), std::end(kAllowed), library) != std::end(kAllowed);
#ifdef SLIPWAY_SANITIZED
    // A host built with a sanitizer loads engines built with the same one.
    for (const char* runtime : {"libasan.so.", "libubsan.so.", "libtsan.so.", "liblsan.so."}) {
      allowed = allowed || library.rfind(runtime, 0) == 0;
    }
#endif
    if (!allowed) {
      return Refuse(
          "ForbiddenDependency",
          shown + " needs " + Json::Quote(Printable(library, 128)) + "; link it statically");
    }
  }
  return CheckHardening(facts, shown);
}

}  // namespace slipway::engine
