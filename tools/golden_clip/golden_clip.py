#!/usr/bin/env python3
"""Writes model/clip/testdata: what OpenAI's CLIP computes, to check the Go graphs against.

    python3 tools/golden_clip/golden_clip.py model/clip/testdata

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6; any recent versions do. The model is a
compact restatement of OpenAI's clip/model.py (VisionTransformer, CLIP.encode_text) on
torch's own nn.MultiheadAttention, nn.LayerNorm, F.interpolate and F.cross_entropy, run
in float64. MaskCLIP's value path of the last block is written as in the SemiVL repository
(return_qkv of its vision transformer). No weights are stored: parameters, images and
tokens are a hash of their name and index that the Go test computes too (uniform below).

A tensor is stored as its shape, its largest magnitude, its sum and some elements at
hashed positions.
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

VITB16 = dict(image=224, patch=16, vw=768, vl=12, vh=12, tw=512, tl=12, th=8, context=77, vocab=49408, embed=512)
SMALL = dict(image=32, patch=8, vw=24, vl=4, vh=3, tw=16, tl=2, th=2, context=77, vocab=50, embed=20)
OTHER = dict(image=20, patch=4, vw=16, vl=3, vh=2, tw=24, tl=3, th=4, context=77, vocab=3000, embed=12)

MASK = (1 << 64) - 1


def fnv(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 & MASK
    return h


def hashed(name, n):
    """splitmix64 of fnv1a(name) + i."""
    with np.errstate(over="ignore"):
        z = (np.uint64(fnv(name)) + np.arange(n, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, *dims):
    """float32 in [-1, 1), exact."""
    n = math.prod(dims)
    return ((hashed(name, n) >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1).astype(np.float32).reshape(dims)


def parameter(name, *dims):
    u = uniform(name, *dims)
    last = name.split("/")[-1]
    if name == "logit_scale":
        return np.full(dims, math.log(1 / 0.07), np.float32)
    if last == "weight" and len(dims) == 2:
        return u * np.float32(math.sqrt(3 / dims[0]))
    if last == "weight":
        return np.float32(1) + u * np.float32(0.2)
    return u * np.float32(0.1 if last == "bias" else 0.5)


def image(name, batch, height, width):
    return (hashed(name, batch * height * width * 3) >> np.uint64(56)).astype(np.uint8).reshape(batch, height, width, 3)


def tokens(name, batch, c):
    ids = (hashed(name, batch * c["context"]) % np.uint64(c["vocab"] - 2)).astype(np.int64).reshape(batch, c["context"])
    for b in range(batch):
        end = 3 + 11 * b % (c["context"] - 3)
        ids[b, 0], ids[b, end], ids[b, end + 1:] = c["vocab"] - 2, c["vocab"] - 1, 0
    return ids


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads, mask=None):
        super().__init__()
        self.attn, self.mask = nn.MultiheadAttention(width, heads), mask
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down, self.gelu = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), QuickGELU()

    def forward(self, x):  # [N,B,W]
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=self.mask)[0]
        return x + self.mlp(x)

    def mlp(self, x):
        return self.down(self.gelu(self.up(self.ln_2(x))))

    def value(self, x):
        w = x.shape[-1]
        v = F.linear(self.ln_1(x), self.attn.in_proj_weight[2 * w:], self.attn.in_proj_bias[2 * w:])
        v = self.attn.out_proj(v) + x
        return v + self.mlp(v)


class CLIP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, g = c, c["image"] // c["patch"]
        self.conv1 = nn.Conv2d(3, c["vw"], c["patch"], c["patch"], bias=False)
        self.v_class = nn.Parameter(torch.empty(c["vw"]))
        self.v_positions = nn.Parameter(torch.empty(1 + g * g, c["vw"]))
        self.ln_pre, self.ln_post = nn.LayerNorm(c["vw"]), nn.LayerNorm(c["vw"])
        self.v_blocks = nn.ModuleList(Block(c["vw"], c["vh"]) for _ in range(c["vl"]))
        self.v_proj = nn.Parameter(torch.empty(c["vw"], c["embed"]))
        mask = torch.full((c["context"], c["context"]), float("-inf"), dtype=torch.float64).triu_(1)
        self.t_tokens = nn.Parameter(torch.empty(c["vocab"], c["tw"]))
        self.t_positions = nn.Parameter(torch.empty(c["context"], c["tw"]))
        self.t_blocks = nn.ModuleList(Block(c["tw"], c["th"], mask) for _ in range(c["tl"]))
        self.ln_final = nn.LayerNorm(c["tw"])
        self.t_proj = nn.Parameter(torch.empty(c["tw"], c["embed"]))
        self.logit_scale = nn.Parameter(torch.empty(()))
        self.double()
        with torch.no_grad():
            for name, p, back in self.canonical():
                p.copy_(back(torch.from_numpy(parameter(name, *self.canonical_shape(p, back)))))

    def canonical(self):
        """(canonical name, torch parameter, function from the canonical layout to torch's)"""
        same, t = (lambda x: x), (lambda x: x.T)
        p, w = self.c["patch"], self.c["vw"]
        yield "vision/patch/weight", self.conv1.weight, lambda x: x.reshape(p, p, 3, w).permute(3, 2, 0, 1)
        yield "vision/class", self.v_class, same
        yield "vision/positions", self.v_positions, same
        yield "vision/proj/weight", self.v_proj, same
        yield "text/tokens", self.t_tokens, same
        yield "text/positions", self.t_positions, same
        yield "text/proj/weight", self.t_proj, same
        yield "logit_scale", self.logit_scale, same
        norms = [("vision/ln_pre", self.ln_pre), ("vision/ln_post", self.ln_post), ("text/ln_final", self.ln_final)]
        for tower, blocks in (("vision", self.v_blocks), ("text", self.t_blocks)):
            for i, b in enumerate(blocks):
                at = f"{tower}/blocks/{i}"
                norms += [(f"{at}/ln_1", b.ln_1), (f"{at}/ln_2", b.ln_2)]
                yield f"{at}/attn/qkv/weight", b.attn.in_proj_weight, t
                yield f"{at}/attn/qkv/bias", b.attn.in_proj_bias, same
                for name, m in ((f"{at}/attn/out", b.attn.out_proj), (f"{at}/mlp/up", b.up), (f"{at}/mlp/down", b.down)):
                    yield f"{name}/weight", m.weight, t
                    yield f"{name}/bias", m.bias, same
        for name, m in norms:
            yield f"{name}/weight", m.weight, same
            yield f"{name}/bias", m.bias, same

    def canonical_shape(self, p, back):
        if p.ndim == 4:
            return self.c["patch"] ** 2 * 3, self.c["vw"]
        if p.ndim == 2 and p is not self.v_positions and back(torch.empty(1, 2)).shape == (2, 1):
            return tuple(reversed(p.shape))
        return tuple(p.shape)

    def gradients(self):
        """of all parameters that have one, in the canonical layout"""
        for name, p, back in self.canonical():
            if p.grad is None:
                continue
            g = p.grad
            if g.ndim == 4:
                g = g.permute(2, 3, 1, 0).reshape(-1, g.shape[0])
            elif tuple(self.canonical_shape(p, back)) != tuple(g.shape) or (g.ndim == 2 and back(torch.empty(1, 2)).shape == (2, 1)):
                g = g.T
            yield name, g

    def embed(self, u8):
        mean = torch.tensor([0.48145466, 0.4578275, 0.40821073], dtype=torch.float64)
        std = torch.tensor([0.26862954, 0.26130258, 0.27577711], dtype=torch.float64)
        x = ((torch.from_numpy(u8).double() / 255 - mean) / std).permute(0, 3, 1, 2)
        x = self.conv1(x)
        h, w = x.shape[2:]
        x = x.flatten(2).permute(0, 2, 1)
        x = torch.cat([self.v_class.expand(x.shape[0], 1, -1), x], dim=1)
        g = self.c["image"] // self.c["patch"]
        pos = self.v_positions
        if (h, w) != (g, g):
            rest = pos[1:].reshape(1, g, g, -1).permute(0, 3, 1, 2)
            rest = F.interpolate(rest, (h, w), mode="bicubic", align_corners=False)
            pos = torch.cat([pos[:1], rest.flatten(2)[0].T])
        return self.ln_pre(x + pos).permute(1, 0, 2), h, w

    def vision(self, u8, keep):
        x, h, w = self.embed(u8)
        keep("ln_pre", x.permute(1, 0, 2))
        f = {}
        grid = lambda x: x[1:].permute(1, 0, 2).reshape(x.shape[1], h, w, -1)
        for i, b in enumerate(self.v_blocks):
            if i == self.c["vl"] // 3:
                f["skip"] = grid(b.value(x))
            if i == self.c["vl"] - 1:
                f["dense"] = grid(self.ln_post(b.value(x)) @ self.v_proj)
            x = b(x)
            keep(f"vision/blocks/{i}", x.permute(1, 0, 2))
        f["pooled"] = self.ln_post(x[0]) @ self.v_proj
        return f

    def text(self, ids, keep):
        ids = torch.from_numpy(ids)
        x = (self.t_tokens[ids] + self.t_positions).permute(1, 0, 2)
        for i, b in enumerate(self.t_blocks):
            x = b(x)
            keep(f"text/blocks/{i}", x.permute(1, 0, 2))
        all_ = self.ln_final(x.permute(1, 0, 2)) @ self.t_proj
        return all_, all_[torch.arange(len(ids)), ids.argmax(dim=-1)]

    def contrastive(self, image_, text_, symmetric):
        image_ = image_ / image_.norm(dim=1, keepdim=True)
        text_ = text_ / text_.norm(dim=1, keepdim=True)
        logits = self.logit_scale.exp().clamp(max=100) * image_ @ text_.T
        labels = torch.arange(len(logits))
        loss = F.cross_entropy(logits, labels)
        return (loss + F.cross_entropy(logits.T, labels)) / 2 if symmetric else loss


def sample(name, t, n):
    v = t.detach().numpy().reshape(-1)
    at = (hashed("sample/" + name, n) % np.uint64(v.size)).astype(np.int64) if v.size > n else np.arange(v.size)
    return dict(shape=list(t.shape), max=float(f"{np.abs(v).max():.9g}"), sum=float(f"{v.sum():.9g}"),
                values=[float(f"{x:.8g}") for x in v[at]])


def small(c, out, sizes, batch):
    m = CLIP(c)
    res = dict(config=c, batch=batch, sizes=sizes, tensors={})
    keep_into = lambda at, n: (lambda name, t: res["tensors"].__setitem__(at + name, sample(at + name, t, n)))
    last = {}
    for h, w in sizes:
        at = f"{w}x{h}/"
        keep = keep_into(at, 40)
        f = m.vision(image("image", batch, h, w), keep)
        for name, t in f.items():
            keep(name, t)
        last = f
        m.zero_grad()
        loss = sum((f[k] * torch.from_numpy(uniform("weight/" + k, *f[k].shape)).double()).sum() for k in ("dense", "skip"))
        loss.backward(retain_graph=True)
        keep("loss", loss)
        for name, g in m.gradients():
            keep_into(at + "gradient/", 12)(name, g)
    keep = keep_into("", 40)
    all_, pooled = m.text(tokens("tokens", batch, c), keep)
    keep("text/all", all_)
    keep("text/pooled", pooled)
    keep("contrastive/one", m.contrastive(last["pooled"], pooled, False))
    loss = m.contrastive(last["pooled"], pooled, True)
    keep("contrastive/both", loss)
    m.zero_grad()
    loss.backward()
    for name, g in m.gradients():
        keep_into("contrastive/gradient/", 12)(name, g)
    write(out, res)


def vitb16(folder):
    c = VITB16
    m = CLIP(c)
    count = sum(p.numel() for p in m.parameters())
    assert count == 149_620_737, count
    for side in (224, 512):
        res = dict(config=c, batch=1, sizes=[[side, side]], tensors={})
        at = f"{side}x{side}/"
        keep = lambda name, t: res["tensors"].__setitem__(at + name, sample(at + name, t, 200))
        with torch.no_grad():
            for name, t in m.vision(image("image", 1, side, side), keep).items():
                keep(name, t)
            if side == 224:
                at = ""
                all_, pooled = m.text(tokens("tokens", 2, c), keep)
                keep("text/all", all_)
                keep("text/pooled", pooled)
        write(folder / f"vitb16_{side}.json", res)


def write(path, res):
    lines = [f'"{k}": {json.dumps(v, separators=(",", ":"))}' for k, v in res["tensors"].items()]
    head = json.dumps({k: v for k, v in res.items() if k != "tensors"})[:-1]
    path.write_text(head + ',\n"tensors": {\n' + ",\n".join(lines) + "\n}}\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_num_threads(2)
    small(SMALL, folder / "small.json", [[32, 32], [24, 56]], 3)
    small(OTHER, folder / "other.json", [[20, 20], [28, 12]], 2)
    vitb16(folder)
