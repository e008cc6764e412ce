#include "app/master_keys.h"

#include <sys/stat.h>

#include "base/crypto.h"
#include "base/yaml.h"

namespace slipway::app {

Result<secrets::MasterKeys> LoadMasterKeys(const std::string& file, const Environment& environment,
                                           MissingKey missing) {
  std::string text, origin = "SLIPWAY_MASTER_KEY";
  if (const auto it = environment.find(origin); it != environment.end()) {
    text = it->second;
  } else {
    origin = file;
    if (file.empty())
      return Error{
          Code::kInvalid, "MasterKeyMissing",
          "set master_key_file or SLIPWAY_MASTER_KEY: credentials cannot be stored without a key"};

    struct stat info {};

    if (::stat(file.c_str(), &info) != 0) {
      if (missing == MissingKey::kRefuse)
        return Error{Code::kInvalid, "MasterKeyMissing",
                     file +
                         ": no such file; make one with: echo \"k1:$(head -c32 /dev/urandom | "
                         "base64)\" > FILE; chmod 600 FILE"};
      text = "k1:" + Base64Encode(RandomBytes(32)) + "\n";
      TRY_VOID(WriteFileAtomically(file, text, 0600));
    } else {
      if ((info.st_mode & 077) != 0)
        return Error{Code::kInvalid, "MasterKeyExposed",
                     file + ": other users can access the master key; run chmod 600 on it"};
      TRY(text, ReadFile(file));
    }
  }
  secrets::MasterKeys out;
  size_t at = 0;
  for (int line = 1; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string entry = text.substr(at, end - at);
    at = end + 1;
    if (entry.empty() || entry[0] == '#') continue;
    const size_t colon = entry.find(':');
    auto key =
        Base64Decode(colon == std::string::npos ? "" : std::string_view(entry).substr(colon + 1));
    if (colon == std::string::npos || colon == 0 || !key || key->size() != 32) {
      return Error{Code::kInvalid, "BadMasterKey",
                   origin + " line " + std::to_string(line) + ": must be id:BASE64 of 32 bytes"};
    }
    if (out.active.empty()) out.active = entry.substr(0, colon);
    out.keys[entry.substr(0, colon)] = *std::move(key);
  }
  if (out.active.empty()) return Error{Code::kInvalid, "BadMasterKey", origin + ": holds no key"};
  return out;
}

}  // namespace slipway::app
