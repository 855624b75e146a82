"""Times a matrix product and exp in PyTorch: BenchmarkProduct and BenchmarkExp of
model/layer at the size of ViT-B/16. Least of ten, two threads."""

import time

import torch

torch.set_num_threads(2)


def least(f):
    f()
    times = []
    for _ in range(10):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


a, b, x = torch.randn(1024, 768), torch.randn(768, 3072), torch.randn(12, 1024, 1024)
seconds = least(lambda: a @ b)
print(f"product 1024x768x3072: {1e3 * seconds:.1f} ms, {2 * 1024 * 768 * 3072 / seconds / 1e9:.0f} GFLOPS")
print(f"exp of {x.numel()}: {1e3 * least(lambda: x.exp()):.1f} ms")
