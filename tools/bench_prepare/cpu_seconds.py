"""CPU seconds of prepare, of the plain loop and of Pillow, after run.sh has made its folder.

    python3 tools/bench_prepare/cpu_seconds.py [WORKDIR]

On a noisy machine they tell more than wall time.
"""
import os
import resource
import shutil
import subprocess
import sys


def cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


work = sys.argv[1] if len(sys.argv) > 1 else "/tmp/bench_prepare"
pillow_script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pillow_prepare.py")
for _ in range(3):
    shutil.rmtree(f"{work}/out", ignore_errors=True)
    prepare = cpu([f"{work}/prepare", "-q", f"--source=cityscapes:{work}/s200", "--source_size=1024x512",
                   "--captions=classnames", f"--output={work}/out"])
    loop = cpu([f"{work}/bench", "loop", f"{work}/s200", f"{work}/loop.tar", "2"])
    pillow = cpu(["python3", pillow_script, f"{work}/s200", f"{work}/pillow", "2"])
    print(f"CPU seconds for 200 images: prepare {prepare:.1f}, loop {loop:.1f}, pillow {pillow:.1f}; "
          f"pillow/prepare {pillow / prepare:.2f}, prepare/loop {prepare / loop:.3f}", flush=True)
