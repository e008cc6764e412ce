#include "devcluster/cnpg/archive_scripts.h"

namespace slipway::sim::operators::cnpg {

namespace {

// $1 is the path of the file, $2 its name in the archive. After a crash PostgreSQL may archive a
// file a second time. The same contents are a success; other contents would destroy the first ones,
// so they are an error.
constexpr char kArchive[] = R"sh(umask 077
fail() {
  echo "archive: $2" >&2
  printf '%s' "$1" >../archive-result.new && mv -f ../archive-result.new ../archive-result
  exit 1
}
lost="rpc error: code = Unknown desc = unexpected failure invoking barman-cloud-wal-archive: exit status"
[ -z "$refusal" ] || fail "$refusal" "$refusal"
[ -d "$store" ] || fail "$lost 2" "there is no directory $store"
if [ -e ../check-empty-archive ]; then
  there=$(ls -A "$store/$server/base" 2>/dev/null; ls -A "$store/$server/wals" 2>/dev/null)
  if [ -z "$skip" ] && [ -n "$there" ]; then
    why="rpc error: code = Unknown desc = WAL archive check failed for server $server: Expected empty archive"
    fail "$why" "$why"
  fi
  mkdir -p "$store/$server/wals" && rm -f ../check-empty-archive || fail "$lost 1" "cannot write to $store"
fi
case $2 in
  *.history) to=$store/$server/wals ;;
  *) tail=${2#????????????????}; to=$store/$server/wals/${2%"$tail"} ;;
esac
[ -d "$to" ] || mkdir -p "$to" || fail "$lost 1" "cannot make $to"
if [ -e "$to/$2" ]; then
  cmp -s "$1" "$to/$2" || fail "$lost 1" "$to/$2 exists already, with other contents"
else
  dd if="$1" of="$to/.$2.new" bs=1M conv=fsync status=none && mv -f "$to/.$2.new" "$to/$2" && sync "$to" ||
    fail "$lost 1" "cannot write $to/$2"
fi
: >../archive-result
)sh";

// $1 is the file's name in the archive, $2 the path where PostgreSQL wants it. A failure with a
// status up to 125 tells PostgreSQL that the archive ends here. A higher status makes the server
// stop.
constexpr char kRestore[] = R"sh(umask 077
[ -d "$store/$server" ] || exit 255
case $1 in
  *.history) from=$store/$server/wals/$1 ;;
  *) tail=${1#????????????????}; from=$store/$server/wals/${1%"$tail"}/$1 ;;
esac
[ -e "$from" ] || exit 1
cp "$from" "$2" || exit 255
)sh";

std::string Head(const std::string& store, const std::string& server) {
  return "store=" + ShellQuoted(store) + "\nserver=" + ShellQuoted(server) + "\n";
}

}  // namespace

std::string ShellQuoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += R"('\'')";
    else if (c != '\0')
      out += c;
  }
  return out + "'";
}

std::string PluginError(const std::string& what) {
  return "rpc error: code = Unknown desc = " + what;
}

std::string ArchiveText(const ArchiveScript& script) {
  return Head(script.store, script.server) + "refusal=" + ShellQuoted(script.refusal) +
         "\nskip=" + (script.skip_check ? "yes" : "") + "\n" + kArchive;
}

std::string RestoreText(const std::string& store, const std::string& server) {
  return Head(store, server) + kRestore;
}

}  // namespace slipway::sim::operators::cnpg
