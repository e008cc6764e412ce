// Loads an engine the way the host does and answers one call per line, for the Python tests.
// In:  FUNCTION <tab> now_ms <tab> document      Out: {"code":0,"result":…,"failures":[…]}
#include <cstdlib>
#include <dlfcn.h>
#include <iostream>
#include <string>
#include <string_view>

#include <slipway/engine.hpp>

namespace {

struct Sink {
  std::string result, failures;
};

std::string Quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Each answer is one line. A raw line feed in JSON is white space.
int32_t Write(const slipway_call* call, slipway_bytes bytes) {
  for (const char c : slipway::view(bytes))
    static_cast<Sink*>(call->host)->result += c == '\n' ? ' ' : c;
  return SLIPWAY_OK;
}

int32_t Fail(const slipway_call* call, const slipway_failure* failure) {
  std::string& out = static_cast<Sink*>(call->host)->failures;
  out += std::string(out.empty() ? "" : ",") + "{\"code\":" + std::to_string(failure->code) +
         ",\"reason\":" + Quote(slipway::view(failure->reason)) +
         ",\"message\":" + Quote(slipway::view(failure->message)) +
         ",\"field\":" + Quote(slipway::view(failure->field)) + "}";
  return failure->code;
}

slipway_call CallInto(Sink& sink, int64_t now_ms) {
  slipway_call call{};
  call.struct_size = sizeof call;
  call.host = &sink;
  call.now_ms = now_ms;
  call.write = Write;
  call.fail = Fail;
  call.log = [](const slipway_call*, int32_t, slipway_bytes, slipway_bytes) {};
  call.cancelled = [](const slipway_call*) -> int32_t { return 0; };
  return call;
}

void Answer(int32_t code, const Sink& sink) {
  const bool ok = code == SLIPWAY_OK && !sink.result.empty();
  std::cout << "{\"code\":" << code << ",\"result\":" << (ok ? sink.result : "null")
            << ",\"failures\":[" << sink.failures << "]}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: " << argv[0] << " ENGINE.so [SETTINGS]\n";
    return 2;
  }
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::cerr << dlerror() << "\n";
    return 2;
  }
  const auto entry = reinterpret_cast<slipway_engine_v1_fn>(dlsym(library, SLIPWAY_ENTRY_SYMBOL));
  const slipway_engine_api* api = entry != nullptr ? entry(SLIPWAY_ABI_MINOR) : nullptr;
  if (api == nullptr) return 2;

  slipway_engine* engine = nullptr;
  Sink opening;
  const slipway_call open_call = CallInto(opening, 0);
  const std::string_view settings = argc == 3 ? argv[2] : "{}";
  if (const int32_t code = api->open(&open_call, slipway::bytes(settings), &engine);
      code != SLIPWAY_OK) {
    Answer(code, opening);
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const size_t first = line.find('\t');
    const size_t second = line.find('\t', first + 1);
    if (first == std::string::npos || second == std::string::npos) return 2;
    const std::string function = line.substr(0, first);
    const std::string document = line.substr(second + 1);
    Sink sink;
    const slipway_call call = CallInto(sink, std::strtoll(line.c_str() + first + 1, nullptr, 10));
    int32_t code = SLIPWAY_INTERNAL;
    if (function == "describe") code = api->describe(engine, &call);
    if (function == "validate") code = api->validate(engine, &call, slipway::bytes(document));
    if (function == "plan") code = api->plan(engine, &call, slipway::bytes(document));
    if (function == "step") code = api->step(engine, &call, slipway::bytes(document));
    Answer(code, sink);
  }
  api->close(engine);
  return 0;
}
