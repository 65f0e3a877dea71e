#!/usr/bin/env bash
# Installs what building and testing need, from the Debian/Ubuntu packages. Idempotent and quick when all is there.
#
#   setup.sh --check   and what only scripts/check.sh needs
#   setup.sh --torch   and libtorch for the back end in nn/torch: the torch wheel of PyPI (530 MB, 1.2 GB unpacked) in
#                      build/wheels; its next build makes libsil_torch.so
set -euo pipefail
cd "$(dirname "$0")/.."
# strace: tests compare the system calls of a real run with those of the simulated file system.
packages=(g++ cmake ninja-build ccache mold git ca-certificates python3
          libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libyaml-cpp-dev libre2-dev
          libpcre2-dev libutf8proc-dev libzstd-dev zlib1g-dev libssl-dev liblua5.4-dev libhwy-dev catch2 jq strace)
boost=libboost1.81-dev
grep -qs '^ID=ubuntu' /etc/os-release && boost=libboost-dev   # which has no 1.81
packages+=("$boost")
# libtorch_cpu.so asks for the two libraries of NVIDIA even where there is no GPU.
torch=2.11.0
wheels=("torch==$torch" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
say() { echo "setup: $*" >&2; }

install_packages() {
  local missing=() package sudo=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || { say "no apt-get here; install: ${missing[*]}"; exit 1; }
  say "installing ${missing[*]}"
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

fetch_torch() {
  grep -qs "'$torch[+']" build/wheels/torch/version.py && return
  say "fetching torch $torch"
  rm -rf build/wheels build/wheels.part
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --target build/wheels.part "${wheels[@]}" >&2
  mv build/wheels.part build/wheels
}

case "$*" in
  "") install_packages ;;
  --check) packages+=(clang-format e2fsprogs mount debootstrap); install_packages ;;
  --torch)
    python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
    install_packages
    fetch_torch ;;
  *) echo "usage: scripts/setup.sh [--check | --torch]" >&2; exit 2 ;;
esac
