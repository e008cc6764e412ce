#pragma once

#include <string>

namespace slipway::sim::operators::cnpg {

// Small shell programs that PostgreSQL calls. They lie beside the data directory, and PostgreSQL
// runs them with the data directory as the current one. They quote all texts of a user. Pure.

struct ArchiveScript {
  std::string store;        // the directory that the ObjectStore's destination stands for
  std::string server;       // the name of the server's directory in `store`
  std::string refusal;      // why the plugin can archive nothing at all; "" when it can
  bool skip_check = false;  // the archive need not be empty at first
};

// The file beside the data of a new or restored primary: the archive must be empty at the first
// call of the archiver, which then deletes the file. A copy of another server has no such file.
inline constexpr char kCheckEmpty[] = "check-empty-archive";
// The file with the outcome of the archiver's last call: the plugin's error message; empty when the
// call succeeded.
inline constexpr char kArchiveResult[] = "archive-result";

inline constexpr char kArchiveCommand[] = "/bin/sh ../archive %p %f";
// Without a plugin, archiving succeeds at once and drops the check: a plugin that is added later
// does not check the archive either. The real operator does the same.
inline constexpr char kNoArchiveCommand[] = "/bin/rm -f ../check-empty-archive";
inline constexpr char kRestoreCommand[] = "/bin/sh ../restore %f %p";

// The message of a plugin's failure as the operator shows it.
std::string PluginError(const std::string& what);
// The text of the script that archives a file, and of the one that fetches a file from an archive.
std::string ArchiveText(const ArchiveScript& script);
std::string RestoreText(const std::string& store, const std::string& server);
// One word for the shell: the text in single quotes, without its zero bytes.
std::string ShellQuoted(const std::string& text);

}  // namespace slipway::sim::operators::cnpg
