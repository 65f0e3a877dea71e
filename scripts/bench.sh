#!/usr/bin/env bash
# Prints how fast the program is here. bench.sh [spine]; SIL_BENCH_PROBLEMS changes the size (8 rollouts a problem).
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-spine}
[ "$what" = spine ] || { echo "bench: unknown benchmark '$what'; there is: spine" >&2; exit 2; }
scripts/build.sh release sil
problems=${SIL_BENCH_PROBLEMS:-125000}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 - "$directory/run" "$problems" <<'PY'
import os, resource, subprocess, sys, time
out, problems = sys.argv[1], int(sys.argv[2])
sil = "build/release/bin/sil"
begin = time.time()
subprocess.run([sil, "run", "tests/bench/spine.yaml", f"generate.problems={problems}", "--out", out, "--quiet"], check=True)
seconds = time.time() - begin
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
rollouts = 8 * problems
print(f"spine: {rollouts} rollouts in {seconds:.1f} s on {os.cpu_count()} cores")
print(f"spine: {rollouts / seconds:.0f} rollouts/s (goal 150000)")
print(f"spine: peak memory {peak:.0f} MiB (limit 512)")
begin = time.time()
subprocess.run([sil, "fsck", out], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(f"spine: fsck ok in {time.time() - begin:.1f} s")
begin = time.time()
subprocess.run([sil, "replay", out, "--random", "1000"], check=True, stdout=subprocess.DEVNULL)
print(f"spine: 1000 random rollouts replayed bit-equal in {time.time() - begin:.1f} s")
PY
