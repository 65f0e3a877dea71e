#!/usr/bin/env python3
"""Fills the disk under real runs: a tmpfs that is too small, at sizes that end in every part of a run.

full_disk.py [--sizes N]

Each run must stop with exit 10 and leave an undamaged record; with more space the same command must continue it to
the digest of an undisturbed run. Needs root.
"""
import argparse
import os
import pathlib
import subprocess
import sys

import runs

RECIPES = ["rft", "star", "dpo", "rest_em"]
PAGE = os.sysconf("SC_PAGE_SIZE")
PLENTY = 64 << 20


def mount(directory, size, remount=False):
    options = f"size={size}" + (",remount" if remount else "")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], text=True,
                          capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())


def used(directory):
    about = os.statvfs(directory)
    return (about.f_blocks - about.f_bfree) * about.f_frsize


def fill(directory, recipe, digest, size):
    """One run on a disk of `size` bytes, then with plenty; returns whether the first was stopped by the disk."""
    mount(directory, size)
    try:
        out = directory / "run"
        process = runs.start(recipe, out)
        _, errors = process.communicate(timeout=300)
        if process.returncode not in (0, 10):
            runs.fail(f"{recipe.name} on {size} bytes: exit {process.returncode}, wanted 10: {errors.strip()[-400:]}")
        before = runs.journal_lines(out)
        if out.exists():
            runs.check_record(out)
        mount(directory, PLENTY, remount=True)
        again = runs.finish(recipe, out)
        runs.check_kept(before, out, f"{recipe.name} on {size} bytes")
        runs.check_record(out)
        if again != digest:
            runs.fail(f"{recipe.name}, continued after {size} bytes were full: digest {again}, undisturbed {digest}")
        return process.returncode == 10
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def fill_all(directory, recipe, sizes):
    """Sizes in even steps from one page to nearly all that the whole run needs."""
    mount(directory, PLENTY)
    digest = runs.finish(recipe, directory / "run")
    need = used(directory) // PAGE
    subprocess.run(["umount", str(directory)], check=True)
    return sum(fill(directory, recipe, digest, PAGE * max(1, step * need // sizes)) for step in range(sizes))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--sizes", type=int, default=40, help="over all recipes")
    options = arguments.parse_args()
    if os.geteuid() != 0:
        runs.skip("a disk that fills up needs root")
    with runs.temporary_directory() as name:
        directory = pathlib.Path(name)
        try:
            mount(directory, PLENTY)
        except (RuntimeError, FileNotFoundError) as error:
            runs.skip(f"a disk that fills up needs a tmpfs: {error}")
        subprocess.run(["umount", str(directory)], check=True)
        recipes = RECIPES[:max(1, options.sizes // 10)]
        each = options.sizes // len(recipes)
        stopped = sum(fill_all(directory, runs.ROOT / "configs" / f"{name}.yaml", each) for name in recipes)
    if stopped == 0:
        runs.fail("no disk was full: nothing was tried")
    print(f"full disk: {each * len(recipes)} sizes, {stopped} runs stopped with exit 10, every record sound and every "
          "digest as undisturbed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
