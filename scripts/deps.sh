# The other scripts source this file. It knows what is needed from Debian 12, and how to get it.
#   deps_ensure [--no-install] GROUP…     groups: build run vitess test quality node
# Installs missing packages through apt (and asks once when sudo is needed); with --no-install it prints them and ends.

deps_build="build-essential cmake ninja-build pkg-config ca-certificates libpistache-dev libboost1.81-dev
  rapidjson-dev libssl-dev libcurl4-openssl-dev libexpat1-dev prometheus-cpp-dev libsqlite3-dev libpq-dev libmariadb-dev libmongoc-dev libyaml-cpp-dev libcli11-dev ccache mold
  libgtest-dev libgmock-dev libbenchmark-dev"
deps_run="postgresql-15 postgresql-client-15 mariadb-server-core mariadb-client-core python3-pymongo curl openssl procps python3"
deps_vitess="etcd-server libaio1 libnuma1 maven"
deps_test="python3-venv python3-boto3 python3-pytest python3-jsonschema python3-yaml sqlite3 wrk"
deps_quality="clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev gcovr"
deps_node="containerd runc containernetworking-plugins debootstrap iproute2 nftables conntrack util-linux python3-yaml python3-venv"

deps_missing() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
  done
}

deps_ensure() {
  local install=yes wanted="" group missing sudo=""
  for group in "$@"; do
    case $group in
      --no-install) install=no ;;
      *) local name=deps_$group; wanted="$wanted ${!name}" ;;
    esac
  done
  missing=$(deps_missing $wanted)
  # kubectl may come from another place; Debian's is in kubernetes-client.
  case " $* " in *" test "*) command -v kubectl >/dev/null 2>&1 || missing="$missing kubernetes-client" ;; esac
  [ -n "${missing// /}" ] || return 0
  if [ "$install" = no ]; then
    printf 'missing packages, install them with:\n  apt-get install --no-install-recommends %s\n' "$missing"
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { printf 'missing: %s\nrun this as root once, or install them\n' "$missing" >&2; return 1; }
    if [ -t 0 ]; then
      printf 'These Debian packages are missing:\n  %s\nInstall them with sudo apt-get? [Y/n] ' "$missing"
      read -r answer
      case $answer in [nN]*) return 1 ;; esac
    fi
    sudo=sudo
  fi
  # Debian's postgresql package starts a default cluster, unless it is told not to before it is installed.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    $sudo mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold $missing >/dev/null
}
