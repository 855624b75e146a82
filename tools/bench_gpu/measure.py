"""Parts of run.sh: runs one row and notes its time and peak memory, prints the table.

    measure.py where            # plug-in, library folders and libdevice's root, a line each
    measure.py row ... --out=OUT -- COMMAND   # adds a line to OUT/results.jsonl
    measure.py table OUT        # Markdown of OUT/results.jsonl

Needs nothing but Python 3.9.
"""

import argparse
import glob
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time

ENGINES = {"xla": "XLA", "eager": "PyTorch", "compile": "PyTorch compiled"}
FAULT = re.compile(r"error|panic|fatal|exhausted|out of memory|bench_test\.go|signal", re.I)


def package(name):
    """Folders of a package, which need not be importable."""
    spec = importlib.util.find_spec(name)
    return list(spec.submodule_search_locations or []) if spec else []


def where():
    plugins = [p for d in package("jax_plugins") for p in glob.glob(d + "/xla_cuda1*/xla_cuda_plugin.so")]
    libraries = [p for d in package("nvidia") for p in sorted(glob.glob(d + "/*/lib"))]
    roots = [p for d in package("nvidia") for p in sorted(glob.glob(d + "/cu*"))]
    roots += [os.environ.get("CUDA_HOME", ""), "/usr/local/cuda"]
    device = [p for p in roots if p and os.path.exists(p + "/nvvm/libdevice")]
    print(max(plugins, default=""), ":".join(libraries), device[0] if device else "", sep="\n")


def card():
    """GiB in use on the first card; None without nvidia-smi."""
    try:
        text = subprocess.run(["nvidia-smi", "--id=0", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
                              capture_output=True, text=True, timeout=10).stdout
        return float(text) / 1024
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def planned(folder):
    """GiB of the largest program that XLA reported on: arguments, results, temporaries."""
    sizes = []
    for path in glob.glob(folder + "/*memory-usage-report.txt"):
        with open(path) as f:
            sizes += [int(n) for n in re.findall(r"Total bytes(?: used)?: (\d+)", f.read())]
    return round(max(sizes) / 2**30, 2) if sizes else None


def why(log):
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    faults = [line for line in lines if FAULT.search(line)] or lines or ["no output"]
    return faults[-1][:300]


def run(command, log, seconds, on_card):
    """Runs the command: status or None after its time, seconds, peak GiB on the card or of
    the process."""
    before, peak, start = card() if on_card else None, None, time.monotonic()
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    late = False
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if not late and time.monotonic() - start > seconds:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
        # Both allocators keep what they have taken, so few samples are enough.
        if before is not None:
            now = card()
            peak = max(peak or 0, now - before) if now is not None else peak
        time.sleep(0.5 if on_card else 0.1)
    if not on_card:
        peak = usage.ru_maxrss / 2**20
    return None if late else status, time.monotonic() - start, peak


def row(o, command):
    result = dict(engine=o.engine, step=o.step, precision=o.precision)
    seconds = min(o.seconds, o.left)
    if seconds < 10:
        result["error"] = "no time left"
    else:
        path = os.path.join(o.out, "log.txt")
        with open(path, "a") as log:
            log.write(f"\n== {o.engine} {o.step} {o.precision}\n")
            log.flush()
            start = log.tell()
            status, wall, peak = run(command, log, seconds, o.device == "cuda")
        with open(path, errors="replace") as log:
            log.seek(start)
            text = log.read()
        result.update(wall_s=round(wall, 1))
        if peak is not None:
            result["seen_gib"] = round(peak, 2)
        median = re.search(r'([\d.e+-]+) median-s|"median_s": ([\d.e+-]+)', text)
        least = re.search(r'([\d.e+-]+) least-s|"min_s": ([\d.e+-]+)', text)
        memory = re.search(r'"memory_gib": ([\d.]+)', text)
        gib = planned(o.dump) if o.engine == "xla" else float(memory[1]) if memory else None
        if gib is not None:
            result["memory_gib"] = gib
        if status is None:
            result["error"] = f"not done in {seconds:.0f} s"
        elif status or not median:
            result["error"] = why(text)
        else:
            result.update(median_s=float(median[1] or median[2]), least_s=float(least[1] or least[2]))
    with open(os.path.join(o.out, "results.jsonl"), "a") as f:
        f.write(json.dumps(result) + "\n")
    name = f"{o.engine} {o.step} {o.precision}"
    memory = f"memory {number(result, 'memory_gib')} GiB, seen {number(result, 'seen_gib')} GiB, {result.get('wall_s', 0)} s in all"
    if "error" in result:
        print(f"{name}: failed: {result['error']} ({memory})", flush=True)
    else:
        print(f"{name}: {result['median_s']:.4g} s, least {result['least_s']:.4g} s, {memory}", flush=True)


def number(result, key, digits=3):
    return f"{result[key]:.{digits}g}" if result.get(key) is not None else "-"


def table(folder):
    with open(os.path.join(folder, "results.jsonl")) as f:
        results = [json.loads(line) for line in f]
    rows = {}
    for r in results:
        rows.setdefault((r["step"], r["precision"]), {})[r["engine"]] = r
    head = ["step", "precision"] + [f"{name}, s" for name in ENGINES.values()] + ["XLA / PyTorch", "XLA / compiled"]
    head += [f"{name}, GiB" for name in ENGINES.values()] + [f"{name}, GiB seen" for name in ENGINES.values()]
    print("\n| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for (step, precision), r in sorted(rows.items()):
        at = [r.get(engine, {}) for engine in ENGINES]
        seconds = [e.get("median_s") for e in at]
        cells = [step, precision]
        cells += [number(e, "median_s") if "median_s" in e else short(e) for e in at]
        cells += [f"{seconds[0] / s:.2f}" if seconds[0] and s else "-" for s in seconds[1:]]
        cells += [number(e, "memory_gib") for e in at] + [number(e, "seen_gib") for e in at]
        print("| " + " | ".join(cells) + " |")
    print("\nGiB: what XLA plans for the step's program, and what PyTorch's allocator gave out at most. "
          "GiB seen: the card's memory beyond what was in use before (XLA's allocator takes it in "
          "powers of two), on CPU the process's.")


def short(result):
    error = result.get("error", "-")
    return error if error == "-" or error.startswith("no") else "failed"


def main():
    a = argparse.ArgumentParser()
    sub = a.add_subparsers(dest="what", required=True)
    sub.add_parser("where")
    sub.add_parser("table").add_argument("folder")
    r = sub.add_parser("row")
    for name in ("engine", "step", "precision", "device", "dump", "out"):
        r.add_argument("--" + name, required=True)
    for name in ("seconds", "left"):
        r.add_argument("--" + name, type=float, required=True)
    args = sys.argv[1:]
    at = args.index("--") if "--" in args else len(args)
    o = a.parse_args(args[:at])
    if o.what == "where":
        where()
    elif o.what == "table":
        table(o.folder)
    else:
        row(o, args[at + 1:])


if __name__ == "__main__":
    main()
