"""Times one training step of the method in PyTorch, on random images and weights.

    python torch_step.py --preset=tiny --vision=all --crop=128x64 --batch=4,4,4
    python torch_step.py --preset=vit-b-16 --vision=frozen --crop=512x512 --batch=1,1,1 --steps=3

The step is that of BenchmarkStep in model/train: teacher on the weak view, student on
labelled images and the strong view, DyCE or cross-entropy, consistency, AdamW, moving
average. Needs torch 1.13 or newer and numpy; prints JSON.
"""

import argparse
import copy
import json
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

PRESETS = {
    "tiny": dict(image=64, patch=8, width=64, layers=4, heads=4, embed=64),
    "vit-b-16": dict(image=224, patch=16, width=768, layers=12, heads=12, embed=512),
}


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.heads = heads

    def mlp(self, x):
        h = self.up(self.ln_2(x))
        return x + self.down(h * torch.sigmoid(1.702 * h))

    def forward(self, x):
        b, n, w = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(b, n, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(b, n, w))
        return self.mlp(x)

    def value(self, x):
        w = x.shape[-1]
        v = F.linear(self.ln_1(x), self.qkv.weight[2 * w:], self.qkv.bias[2 * w:])
        return self.mlp(x + self.out(v))


class Vision(nn.Module):
    def __init__(self, p):
        super().__init__()
        w = p["width"]
        self.patch, self.grid = p["patch"], p["image"] // p["patch"]
        self.conv = nn.Conv2d(3, w, p["patch"], p["patch"], bias=False)
        self.cls = nn.Parameter(torch.randn(w) * w ** -0.5)
        self.positions = nn.Parameter(torch.randn(1 + self.grid ** 2, w) * w ** -0.5)
        self.ln_pre, self.ln_post = nn.LayerNorm(w), nn.LayerNorm(w)
        self.blocks = nn.ModuleList(Block(w, p["heads"]) for _ in range(p["layers"]))
        self.proj = nn.Parameter(torch.randn(w, p["embed"]) * w ** -0.5)

    def forward(self, x):
        x = self.conv(x)
        b, w, gh, gw = x.shape
        pos = self.positions[1:].view(1, self.grid, self.grid, w).permute(0, 3, 1, 2)
        pos = F.interpolate(pos, (gh, gw), mode="bicubic", align_corners=False).permute(0, 2, 3, 1).reshape(1, gh * gw, w)
        x = torch.cat([self.cls.expand(b, 1, w) + self.positions[0], x.flatten(2).transpose(1, 2) + pos], 1)
        x = self.ln_pre(x)
        for block in self.blocks[:-1]:
            x = block(x)
        x = self.ln_post(self.blocks[-1].value(x))[:, 1:] @ self.proj
        return x.view(b, gh, gw, -1)


class Head(nn.Module):
    def __init__(self, c, classes):
        super().__init__()
        self.ln_v, self.ln_l = nn.LayerNorm(c), nn.LayerNorm(c)
        self.vk, self.vv, self.lk, self.lv = (nn.Linear(c, c) for _ in range(4))
        self.phi = nn.Linear(77, c)
        nn.init.zeros_(self.phi.weight)
        nn.init.zeros_(self.phi.bias)
        self.decode = nn.Sequential(nn.Conv2d(c, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.Conv2d(256, classes, 1))

    def forward(self, f, text, size):
        b, gh, gw, c = f.shape
        v, l = self.ln_v(f.reshape(b, gh * gw, c)), self.ln_l(text)
        a = self.lk(l) @ self.vk(v).transpose(1, 2) / c ** 0.5
        fv, fl = a.softmax(-1) @ self.vv(v), a.transpose(1, 2).softmax(-1) @ self.lv(l)
        m = fl @ fv.transpose(1, 2) / c ** 0.5
        g = v + F.linear(m, self.phi.weight[:, : m.shape[-1]], self.phi.bias)
        logits = self.decode(g.view(b, gh, gw, c).permute(0, 3, 1, 2))
        return F.interpolate(logits, size, mode="bilinear", align_corners=False)


def dyce(logits, labels, omega=0.5, hard=0.2):
    loss = F.cross_entropy(logits, labels, ignore_index=255, reduction="none").flatten()
    labels = labels.flatten()
    valid = labels != 255
    k = max(1, int(hard * int(valid.sum()) + 1e-9))
    top, at = loss.masked_fill(~valid, -1).topk(k)
    classes = labels[at]
    counts = torch.zeros(logits.shape[1], device=logits.device).scatter_add_(0, classes, torch.ones_like(top))
    sums = torch.zeros(logits.shape[1], device=logits.device).scatter_add_(0, classes, top)
    seen = counts > 0
    return ((counts[seen] / k) ** omega * sums[seen] / counts[seen]).sum()


class Segmenter(nn.Module):
    def __init__(self, p, classes):
        super().__init__()
        self.vision, self.head = Vision(p), Head(p["embed"], classes)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--preset", default="tiny", choices=PRESETS)
    a.add_argument("--vision", default="all", choices=["frozen", "attn", "all"])
    a.add_argument("--crop", default="128x64")
    a.add_argument("--batch", default="4,4,4")
    a.add_argument("--tokens", type=int, default=32)
    a.add_argument("--loss", default="dyce", choices=["dyce", "ce"])
    a.add_argument("--steps", type=int, default=10)
    a.add_argument("--warmup", type=int, default=2)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--device", default="cpu")
    a.add_argument("--bf16", action="store_true")
    a.add_argument("--compile", action="store_true")
    a.add_argument("--tf32", action="store_true", help="TF32 in products of float32 on CUDA")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    if o.tf32:
        torch.set_float32_matmul_precision("high")
    p, classes, dev = PRESETS[o.preset], 19, o.device
    width, height = map(int, o.crop.split("x"))
    source, labelled, unlabelled = map(int, o.batch.split(","))
    n = source + labelled
    student = Segmenter(p, classes).to(dev)
    teacher = copy.deepcopy(student).eval().requires_grad_(False)
    for name, q in student.vision.named_parameters():
        q.requires_grad_(o.vision == "all" or o.vision == "attn" and ("qkv" in name or "out" in name or "positions" in name))
    opt = torch.optim.AdamW([q for q in student.parameters() if q.requires_grad], lr=1e-4, weight_decay=2e-4)
    r = lambda *s: torch.randn(*s, device=dev)
    images, weak, strong = r(n, 3, height, width), r(unlabelled, 3, height, width), r(unlabelled, 3, height, width)
    labels = torch.randint(0, classes, (n, height, width), device=dev)
    text, utext = r(n, o.tokens, p["embed"]), r(unlabelled, o.tokens, p["embed"])
    size = (height, width)

    def losses():
        with torch.no_grad():
            q = teacher.head(teacher.vision(weak), utext, size).float().softmax(1)
            conf, hard = q.max(1)
        f = student.vision(torch.cat([images, strong]))
        logits, ulogits = student.head(f[:n], text, size).float(), student.head(f[n:], utext, size).float()
        sup = dyce(logits, labels) if o.loss == "dyce" else F.cross_entropy(logits, labels, ignore_index=255)
        return sup + (F.cross_entropy(ulogits, hard, reduction="none") * (conf >= 0.95)).mean()

    if o.compile:
        losses = torch.compile(losses)

    def step(t):
        with torch.autocast(dev.split(":")[0], torch.bfloat16, enabled=o.bf16):
            loss = losses()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        alpha = min(1 - 1 / (t + 1), 0.999)
        with torch.no_grad():
            for q, s in zip(teacher.parameters(), student.parameters()):
                if s.requires_grad:
                    q.mul_(alpha).add_(s, alpha=1 - alpha)
            for q, s in zip(teacher.buffers(), student.buffers()):
                q.copy_(s)
        return loss

    times = []
    for t in range(o.steps + o.warmup):
        start = time.perf_counter()
        float(step(t))
        times.append(time.perf_counter() - start)
    out = dict(vars(o), torch=torch.__version__, median_s=round(statistics.median(times[o.warmup:]), 4), min_s=round(min(times[o.warmup:]), 4))
    if dev.startswith("cuda"):
        out["memory_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
