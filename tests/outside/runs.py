"""Runs the built program from outside, for proofs that need real kills, signals, disks and power failures."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIL = str(pathlib.Path(os.environ.get("SIL_PROGRAM", ROOT / "build/release/bin/sil")).resolve())
SKIPPED = 77  # what CTest takes for a skip


def skip(reason):
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(SKIPPED)


def fail(what):
    print(f"FAILED: {what}", flush=True)
    sys.exit(1)


def temporary_directory():
    return tempfile.TemporaryDirectory(prefix="sil-outside-")


def command(recipe, out, *more):
    return [SIL, "run", str(recipe), "--out", str(out), "--quiet", "--json", *more]


def start(recipe, out, *more):
    """The run as a child that nothing waits for; from the root, where recipes find their graders."""
    return subprocess.Popen(command(recipe, out, *more), cwd=ROOT, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def finish(recipe, out, *more):
    """The digest of the run, continued to its end."""
    done = subprocess.run(command(recipe, out, *more), cwd=ROOT, text=True, capture_output=True)
    if done.returncode != 0:
        fail(f"{recipe} in {out}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout)["digest"]


def check_record(out):
    """`sil fsck` finds nothing wrong. A directory that holds no journal yet is no run and exits 3."""
    checked = subprocess.run([SIL, "fsck", str(out), "--json"], text=True, capture_output=True)
    begun = journal_lines(out)
    if checked.returncode != 0 and (begun or checked.returncode != 3):
        fail(f"fsck of {out}: exit {checked.returncode}: {checked.stderr.strip()[-400:]}")


def journal_lines(out):
    """Whole lines of the journal, as anybody can read them."""
    try:
        text = (pathlib.Path(out) / "journal").read_bytes()
    except FileNotFoundError:
        return []
    return text.split(b"\n")[:-1]


def check_kept(before, out, trouble):
    """What the journal said before is still what it begins with."""
    after = journal_lines(out)
    if after[:len(before)] != before:
        fail(f"{trouble}: of {len(before)} journaled records "
             f"{sum(a == b for a, b in zip(before, after))} are left in {out}")


def graders_of(process):
    """Living processes that this run's process started."""
    mark = f"SIL_PROCESS={process.pid}.".encode()  # what each finds in its environment
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass  # gone, or not ours to read
    return found
