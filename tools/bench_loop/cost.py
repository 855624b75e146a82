"""Runs a command and prints its wall and CPU seconds and its peak memory.

    python3 cost.py NAME COMMAND...

What the command prints goes to standard error where it fails, and nowhere else.
"""
import resource
import subprocess
import sys
import time

start = time.perf_counter()
done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
wall = time.perf_counter() - start
if done.returncode:
    sys.stderr.write(done.stdout)
    sys.exit(done.returncode)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{sys.argv[1]}: {wall:.2f} s wall, {used.ru_utime + used.ru_stime:.2f} s CPU, {used.ru_maxrss / 1024:.0f} MiB at most", flush=True)
for line in done.stdout.splitlines():
    if line.startswith(("speed", "mean IoU", "torch", "reused")):
        print("  " + line, flush=True)
