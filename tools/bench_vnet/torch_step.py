"""Times a training step of the V-Net in PyTorch, the twin of BenchmarkStep in model/vnet.

    python tools/bench_vnet/torch_step.py --size=F8_L4_2x32x64x64 --steps=5

Prints the median and the least time in seconds and the peak memory. Needs torch and numpy.
"""
import argparse
import re
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "golden_vnet"))
from golden_vnet import VNet  # noqa: E402

torch.set_default_dtype(torch.float32)


def dice(logits, labels, smooth=1.0):
    p = logits.softmax(1)
    y = torch.zeros_like(p).scatter_(1, labels[:, None], 1)
    axes = (0, 2, 3, 4)
    both = (p * y).sum(axes)
    return 1 - ((2 * both + smooth) / (p.sum(axes) + y.sum(axes) + smooth))[1:].mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="F8_L4_2x32x64x64")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    filters, levels, b, d, h, w = map(int, re.fullmatch(r"F(\d+)_L(\d+)_(\d+)x(\d+)x(\d+)x(\d+)", a.size).groups())
    net = VNet(14, filters, levels, nn.BatchNorm3d)
    x, y = torch.rand(b, 1, d, h, w), torch.randint(14, (b, d, h, w))
    if a.channels_last:
        net, x = net.to(memory_format=torch.channels_last_3d), x.to(memory_format=torch.channels_last_3d)
    opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=3e-5)
    times = []
    used = 0.0
    for i in range(a.steps + 1):
        if i == 1:
            used = time.process_time()
        start = time.perf_counter()
        bottom, top = (2.0 * (torch.rand(b, c) < 0.5) for c in (filters << (levels - 1), filters))
        logits = net(x, bottom, top)
        loss = F.cross_entropy(logits, y) + dice(logits, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        loss.item()
        times.append(time.perf_counter() - start)
    used, times = time.process_time() - used, times[1:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"torch {a.size}: {statistics.median(times):.3f} median-s {min(times):.3f} least-s {used / a.steps:.3f} cpu-s {peak:.0f} peak-MiB", flush=True)


main()
