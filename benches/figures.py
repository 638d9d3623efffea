"""What runs of programs take, for the comparisons beside this file."""

import os
import subprocess
import time


class Failed(Exception):
    """A tool did not do its work."""


class Figures:
    """What one run took: CPU s, wall s, peak MiB of its largest process, bytes of what it made."""

    def __init__(self, cpu=0.0, wall=0.0, peak=0.0, size=0):
        self.cpu, self.wall, self.peak, self.size = cpu, wall, peak, size

    def __add__(self, other):
        peak = max(self.peak, other.peak)
        return Figures(self.cpu + other.cpu, self.wall + other.wall, peak, self.size + other.size)


def run(command, made=None, **options):
    """Runs a command, which must succeed; `made` lists the files whose sizes count."""
    begin = time.monotonic()
    child = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options
    )
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {child.returncode}\n{errors.decode(errors='replace')}")
    size = sum(path.stat().st_size for path in (made() if made else []))
    wall = time.monotonic() - begin
    return Figures(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, size)
