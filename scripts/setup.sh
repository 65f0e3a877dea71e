#!/usr/bin/env bash
# Installs what building and testing need, from the Debian/Ubuntu packages. Idempotent and quick when all is there.
# setup.sh --check adds what only scripts/check.sh needs.
set -euo pipefail
# strace: tests compare the system calls of a real run with those of the simulated file system.
packages=(g++ cmake ninja-build ccache mold git ca-certificates python3
          libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libyaml-cpp-dev libre2-dev
          libzstd-dev zlib1g-dev libssl-dev liblua5.4-dev libhwy-dev catch2 jq strace)
case "$*" in
  "") ;;
  --check) packages+=(clang-format e2fsprogs mount debootstrap) ;;
  *) echo "usage: scripts/setup.sh [--check]" >&2; exit 2 ;;
esac
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
command -v apt-get >/dev/null || { echo "setup: no apt-get here; install: ${missing[*]}" >&2; exit 1; }
echo "setup: installing ${missing[*]}" >&2
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
"${sudo[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
