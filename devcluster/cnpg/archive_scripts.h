#pragma once

#include <string>

namespace slipway::sim::operators::cnpg {

// Small shell programs that PostgreSQL calls. They lie beside the data directory, which is where
// PostgreSQL calls them from; whatever comes from a user is quoted. Pure.

struct ArchiveScript {
  std::string store;    // the directory that the ObjectStore's destination stands for
  std::string server;   // name of the server's directory in it
  std::string refusal;  // why nothing can be archived at all, "" when it can
  bool skip_check = false;
};

// What a volume that was just filled has beside its data: its first archive must be empty.
inline constexpr char kCheckEmpty[] = "check-empty-archive";
// What the last call of the archiver has to say: "" when it went well.
inline constexpr char kArchiveResult[] = "archive-result";

inline constexpr char kArchiveCommand[] = "/bin/sh ../archive %p %f";
// As with the real operator without a plugin: it succeeds at once, and nobody looks later.
inline constexpr char kNoArchiveCommand[] = "/bin/rm -f ../check-empty-archive";
inline constexpr char kRestoreCommand[] = "/bin/sh ../restore %f %p";

// The message of a plugin's failure as the operator shows it.
std::string PluginError(const std::string& what);
std::string ArchiveText(const ArchiveScript& script);
std::string RestoreText(const std::string& store, const std::string& server);
std::string ShellQuoted(const std::string& text);

}  // namespace slipway::sim::operators::cnpg
