// Only this file uses Boost.DLL.
#define BOOST_DLL_USE_STD_FS
#include "engine/library.h"

#include <dlfcn.h>
#include <exception>

#include <boost/dll/shared_library.hpp>

namespace slipway::engine {
namespace {

Error Refuse(const char* reason, std::string message) {
  return {Code::kInvalid, reason, std::move(message)};
}

}  // namespace

Result<const slipway_engine_api*> LoadLibrary(const std::string& path) {
  // NODELETE: an abandoned thread or a thread_local's destructor may still run the library's code
  // later. LOCAL: engines must not see each other's symbols.
  constexpr auto kMode =
      static_cast<boost::dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  const slipway_engine_api* api = nullptr;
  try {
    boost::dll::shared_library library(boost::dll::fs::path(path), kMode);
    if (!library.has(SLIPWAY_ENTRY_SYMBOL)) {
      return Refuse("MissingSymbol", path + " has no " SLIPWAY_ENTRY_SYMBOL);
    }
    auto& entry = library.get<const slipway_engine_api*(uint16_t)>(SLIPWAY_ENTRY_SYMBOL);
    api = entry(SLIPWAY_ABI_MINOR);
  } catch (const std::exception& e) {
    return Refuse("LoadFailed", e.what());
  } catch (...) {
    return Refuse("LoadFailed", "the library threw while it was loaded");
  }
  if (api == nullptr) return Refuse("AbiMajor", "the engine refuses this host");
  if (api->abi_major != SLIPWAY_ABI_MAJOR) {
    return Refuse("AbiMajor", "the engine's table has ABI " + std::to_string(api->abi_major));
  }
  if (!SLIPWAY_HAS(api, step) || api->open == nullptr || api->close == nullptr ||
      api->describe == nullptr || api->validate == nullptr || api->plan == nullptr ||
      api->step == nullptr) {
    return Refuse("MissingSymbol", "the engine's table is incomplete");
  }
  return api;
}

}  // namespace slipway::engine
