#!/usr/bin/env python3
"""Cuts the power under real runs: ext4 on a loop device, shut down at a random moment as if the machine had lost power.

power_loss.py [--cuts N] [--seed S]

After each cut the file system is mounted again, which replays its journal; the same command must continue the run to
the digest of an undisturbed one, and no record that was acknowledged may be missing. Needs root and loop devices.
"""
import argparse
import fcntl
import os
import pathlib
import random
import struct
import subprocess
import sys
import time

import runs

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32), linux/fs/ext4/ext4.h
# How much reaches the disk before it goes: all; the file system's journal; nothing more. The last is a cut cable.
FLUSH_ALL, FLUSH_LOG, FLUSH_NOTHING = 0, 1, 2
CUTS = [FLUSH_NOTHING, FLUSH_NOTHING, FLUSH_LOG, FLUSH_ALL]
IMAGE_BYTES = 64 << 20
CUTS_A_RUN = 3
RECIPES = ["rft", "star", "rest_em", "dpo", "grpo"]


def tool(*words):
    done = subprocess.run(words, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


class Disk:
    """An ext4 file system in an image file."""

    def __init__(self, directory):
        self.image = directory / "image"
        self.mounted = directory / "disk"
        self.mounted.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        tool("mkfs.ext4", "-q", "-F", str(self.image))
        self.mount()

    def mount(self):
        tool("mount", "-o", "loop", str(self.image), str(self.mounted))

    def unmount(self):
        subprocess.run(["umount", str(self.mounted)], check=False, capture_output=True)

    def cut_power(self, flush):
        handle = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", flush))
        finally:
            os.close(handle)

    def come_back(self):
        tool("umount", str(self.mounted))
        tool("e2fsck", "-p", str(self.image))  # replays the journal; anything that it cannot mend is an error
        self.mount()


def acknowledged(out):
    """Records that must survive: a record is written only once the one before is durable."""
    return runs.journal_lines(out)[:-1]


def cut(disk, recipe, out, moment, flush):
    """Lets the run go on for a moment, then cuts the power; returns (records acknowledged, how the run ended)."""
    process = runs.start(recipe, out)
    time.sleep(moment)
    before = acknowledged(out)
    disk.cut_power(flush)
    # With its disk gone the run stops by itself: a failed read or write, or it had been done.
    try:
        _, errors = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        runs.fail(f"{recipe.name} does not notice that its disk is gone")
    if process.returncode not in (0, 11):
        runs.fail(f"{recipe.name}, its disk gone: exit {process.returncode}, wanted 11: {errors.strip()[-400:]}")
    return before, process.returncode


def cut_runs(disk, count, rng, undisturbed):
    cuts = unfinished = trial = records = 0
    while unfinished < count:
        recipe, (digest, seconds) = list(undisturbed.items())[trial % len(undisturbed)]
        out = disk.mounted / f"runs-{trial}" / "deep"
        trial += 1
        for _ in range(CUTS_A_RUN):
            flush = rng.choice(CUTS)
            before, code = cut(disk, recipe, out, rng.uniform(0, seconds), flush)
            cuts += 1
            unfinished += code != 0
            records += len(before)
            disk.come_back()
            runs.check_kept(before, out, f"{recipe.name}, power cut (flush {flush})")
            if runs.journal_lines(out):
                runs.check_record(out)
            if code == 0 or unfinished == count:
                break
        again = runs.finish(recipe, out)
        runs.check_record(out)
        if again != digest:
            runs.fail(f"{recipe.name}, continued after a power cut: digest {again}, undisturbed {digest}")
        subprocess.run(["rm", "-rf", str(out.parent)], check=True)
    print(f"power loss: {cuts} cuts in {trial} runs ({unfinished} of them under way), {records} acknowledged records "
          "kept, every digest as undisturbed", flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cuts", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=20240229)
    options = arguments.parse_args()
    if os.geteuid() != 0:
        runs.skip("power loss needs root")
    with runs.temporary_directory() as name:
        directory = pathlib.Path(name)
        try:
            disk = Disk(directory)
        except (RuntimeError, FileNotFoundError) as error:
            runs.skip(f"power loss needs ext4 on a loop device: {error}")
        try:
            undisturbed = {}
            for recipe in (runs.ROOT / "configs" / f"{name}.yaml" for name in RECIPES):
                begun = time.monotonic()
                undisturbed[recipe] = (runs.finish(recipe, disk.mounted / "undisturbed" / recipe.stem),
                                       time.monotonic() - begun)
            cut_runs(disk, options.cuts, random.Random(options.seed), undisturbed)
        finally:
            disk.unmount()
    return 0


if __name__ == "__main__":
    sys.exit(main())
