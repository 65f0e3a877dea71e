#!/usr/bin/env bash
# Do the README's two commands work for a newcomer? Makes a bare Debian 12 in a directory (debootstrap, minbase), puts a
# clean clone of HEAD into it, and runs both there as root. Prints times and sizes; fails when a command fails or the
# build takes more than 2.5 GB. Needs root and debootstrap (setup.sh --check): exit 77 without.
#
#   scripts/fresh_machine.sh [DIRECTORY]   # where the machine is made; default: a temporary one, removed at the end
set -euo pipefail
cd "$(dirname "$0")/.."
most_build_mb=2500
mirror=${SIL_DEBIAN_MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] || { echo "SKIPPED: a bare machine needs root" >&2; exit 77; }
command -v debootstrap >/dev/null || { echo "SKIPPED: a bare machine needs debootstrap" >&2; exit 77; }

machine=${1:-$(mktemp -d /var/tmp/sil-fresh-XXXXXX)}
mkdir -p "$machine"
clean_up() {
  for mounted in proc dev; do umount -l "$machine/$mounted" 2>/dev/null || true; done
  rm -rf --one-file-system "$machine"
}
trap clean_up EXIT
say() { echo "fresh machine: $*"; }
timed() {
  local begun=$SECONDS name=$1
  shift
  "$@"
  say "$name: $((SECONDS - begun)) s"
}
# HOME and PATH of a new login, nothing else of ours but the way to the network.
inside() {
  chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} sh -c "cd /root/sil && $1"
}

bootstrap() { debootstrap --variant=minbase bookworm "$machine" "$mirror" >/dev/null; }
timed "debootstrap" bootstrap
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
mount -t proc proc "$machine/proc"
mount --rbind /dev "$machine/dev"
mount --make-rslave "$machine/dev"
git clone -q --no-hardlinks . "$machine/root/sil"
say "$(git rev-parse --short HEAD), bare system $(du -sxm "$machine" | cut -f1) MB"

timed "scripts/run.sh configs/quickstart.yaml" inside "scripts/run.sh configs/quickstart.yaml"
timed "scripts/test.sh" inside "scripts/test.sh"
timed "scripts/test.sh once more" inside "scripts/test.sh"
build_mb=$(du -sm "$machine/root/sil/build" | cut -f1)
say "build $build_mb MB (limit $most_build_mb), whole system $(du -sxm "$machine" | cut -f1) MB"
[ "$build_mb" -le "$most_build_mb" ]
