#!/usr/bin/env python3
"""Writes golden.json of model/layer, model/dlg and model/decode: what PyTorch computes.

    python3 tools/golden_dlg/golden_dlg.py model

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6; any recent versions do. Everything
is run in float64. The guidance restates the published formulas one by one, with the n×N
product F_M written out; the VLGA decoder and DeepLabv3+ follow SemiVL's vlg_head.py and
dlv3p_head.py, with the differences that the Go code names. Inputs and parameters are a
hash of their name and index that the Go test computes too, so only results are stored: a
tensor as its shape, largest magnitude, sum and some evenly spaced elements.
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
MASK = (1 << 64) - 1
SAMPLES = 24


def fnv(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 & MASK
    return h


def uniform(name, *dims):
    """float32 in [-1, 1), exact: splitmix64 of fnv1a(name) + i."""
    n = math.prod(dims)
    with np.errstate(over="ignore"):
        z = (np.uint64(fnv(name)) + np.arange(n, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1).astype(np.float32).reshape(dims)


def value(name, *dims):
    """A parameter, by its name and rank."""
    u, last = uniform(name, *dims), name.split("/")[-1]
    if last == "weight" and len(dims) == 2:
        scale, shift = math.sqrt(3 / dims[0]), 0
    elif last in ("weight", "running_var"):
        scale, shift = 0.3, 1
    else:
        scale, shift = 0.2, 0
    return np.float32(shift) + u * np.float32(scale)


class Net:
    """Makes parameters by name, as params.Scope does."""

    def __init__(self, values=None, path="", train=True, buffers=None):
        self.values, self.path, self.train = values if values is not None else {}, path, train
        self.buffers = buffers if buffers is not None else {}

    def at(self, name):
        return Net(self.values, self.path + name + "/", self.train, self.buffers)

    def get(self, name, *dims):
        path = self.path + name
        if path not in self.values:
            self.values[path] = torch.tensor(value(path, *dims).astype(np.float64), requires_grad=True)
        return self.values[path]

    def buffer(self, name, *dims):
        path = self.path + name
        return self.buffers.setdefault(path, torch.tensor(value(path, *dims).astype(np.float64)))


def linear(s, x, out):
    return x @ s.get("weight", x.shape[-1], out) + s.get("bias", out)


def layer_norm(s, x):
    c = x.shape[-1]
    return F.layer_norm(x, (c,), s.get("weight", c), s.get("bias", c), 1e-5)


def first(x):  # channels first
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def conv(s, x, out, k, dilation=1, bias=True):
    c = x.shape[-1]
    w = s.get("weight", k * k * c, out).reshape(k, k, c, out).permute(3, 2, 0, 1).contiguous()
    b = s.get("bias", out) if bias else None
    return last(F.conv2d(first(x).contiguous(), w, b, padding=k // 2 * dilation, dilation=dilation))


def batch_norm(s, x):
    c = x.shape[-1]
    return last(F.batch_norm(first(x), s.buffer("running_mean", c), s.buffer("running_var", c),
                             s.get("weight", c), s.get("bias", c), s.train, 0.1, 1e-5))


def group_norm(groups):
    def norm(s, x):
        c = x.shape[-1]
        return last(F.group_norm(first(x), groups(c), s.get("weight", c), s.get("bias", c), 1e-5))
    return norm


def resize(x, h, w, mode="bilinear"):
    return last(F.interpolate(first(x), (h, w), mode=mode, align_corners=False))


def aspp(s, x, width, norm):
    def branch(name, x, k, rate):
        return F.relu(norm(s.at(name + "/norm"), conv(s.at(name + "/conv"), x, width, k, rate, False)))
    y = [branch("point", x, 1, 1)] + [branch(f"rate_{r}", x, 3, r) for r in (6, 12, 18)]
    mean = last(F.adaptive_avg_pool2d(first(x), 1))
    y.append(branch("mean", mean, 1, 1).expand(-1, x.shape[1], x.shape[2], -1))
    return branch("project", torch.cat(y, -1), 1, 1)


# ---- guidance ----------------------------------------------------------------------

def guide(s, kind, context, vision, text, count, skip, classes):
    b, h, w, c = vision.shape
    v = vision.reshape(b, h * w, c)
    n = text.shape[1]
    valid = torch.arange(n)[None] < count[:, None]
    text = torch.where(valid[..., None], text, 0.0)
    if kind == "none":
        return layer_norm(s.at("norm_vision"), vision)
    if kind in ("wpct", "wpct_classes"):
        words = text if kind == "wpct" else classes[None].expand(b, -1, -1)
        t = F.normalize(v, dim=-1) @ F.normalize(words, dim=-1).transpose(1, 2) / 0.07
        if kind == "wpct_classes":
            return t.reshape(b, h, w, -1)
        phi = s.at("out").get("weight", context, c)
        t = torch.cat([t * valid[:, None], torch.zeros(b, h * w, context - n)], -1)
        return (t @ phi + s.at("out").get("bias", c)).reshape(b, h, w, c)
    if kind == "vlga":
        return vlga(s, vision, skip, classes)
    if kind not in ("sum_raw", "add_lang"):
        v, text = layer_norm(s.at("norm_vision"), v), layer_norm(s.at("norm_text"), text)
    kv = linear(s.at("query_vision" if kind == "cross" else "key_vision"), v, c)
    kl = linear(s.at("query_text" if kind == "cross_lang" else "key_text"), text, c)
    a = kl @ kv.transpose(1, 2) / math.sqrt(c)  # n×N
    sv = torch.softmax(a, -1)
    sl = torch.softmax(a.transpose(1, 2).masked_fill(~valid[:, None], -math.inf), -1)  # N×n
    if kind == "cross_lang":
        g = v + sl @ (sv @ linear(s.at("value_vision"), v, c))
        return g.reshape(b, h, w, c)
    vl = linear(s.at("value_text"), text, c)
    if kind in ("cross", "add_lang"):
        g = v + sl @ vl
    elif kind == "sum_raw":
        g = sl @ vl + sl @ (sl.transpose(1, 2) @ linear(s.at("value_vision"), v, c))
    elif kind == "sum_res":
        fva = sv @ linear(s.at("value_vision"), v, c)
        g = v + linear(s.at("out"), sl @ (vl + fva), c)
    else:
        fva = sv @ linear(s.at("value_vision"), v, c)
        fm = fva @ (sl @ vl).transpose(1, 2) * valid[..., None]
        fm = torch.cat([fm / math.sqrt(c), torch.zeros(b, context - n, h * w)], 1)
        g = linear(s.at("out"), fm.transpose(1, 2), c)
        if kind == "outer_res":
            g = v + g
    return g.reshape(b, h, w, c)


def vlga(s, vision, skip, classes):
    b, h, w, c = vision.shape
    k, d = classes.shape[0], max(c // 4, 8)
    gn = group_norm(lambda c: max(c // 16, 1))
    x = torch.einsum("bhwc,kc->bkhw", F.normalize(vision, dim=-1), F.normalize(classes, dim=-1))
    x = conv(s.at("conv"), x.reshape(b * k, h, w, 1), d, 7)
    x = x + aspp(s.at("aspp"), x, d, gn)
    text = F.relu(linear(s.at("text"), F.normalize(classes, dim=-1), d))
    for i in range(2):
        t = s.at(f"layers/{i}")
        p = last(F.avg_pool2d(first(x), min(4, h, w)))
        hp, wp = p.shape[1:3]
        y = p.reshape(b, k, hp, wp, d).permute(0, 2, 3, 1, 4).reshape(b * hp * wp, k, d)
        y = torch.cat([y, text[None].expand(b * hp * wp, -1, -1)], -1)
        q, kk, v = linear(t.at("attn/qkv"), layer_norm(t.at("ln_1"), y), 6 * d).chunk(3, -1)
        q, kk, v = (z.reshape(z.shape[0], k, 4, d // 2).transpose(1, 2) for z in (q, kk, v))
        z = F.scaled_dot_product_attention(q, kk, v).transpose(1, 2).reshape(y.shape)
        y = y + linear(t.at("attn/out"), z, 2 * d)
        z = F.gelu(linear(t.at("mlp/up"), layer_norm(t.at("ln_2"), y), 4 * d))
        y = (y + linear(t.at("mlp/down"), z, 2 * d))[..., :d]
        y = y.reshape(b, hp, wp, k, d).permute(0, 3, 1, 2, 4).reshape(b * k, hp, wp, d)
        x = x + resize(y, h, w)
    for i, (sc, out) in enumerate([(max(d // 4, 1), d // 2), (max(d // 8, 1), d // 4)], 1):
        sk = F.relu(conv(s.at(f"skip_{i}"), skip, sc, 3))
        u = s.at(f"up_{i}")
        cin, cout = x.shape[-1], x.shape[-1] - sc
        wt = u.get("up/weight", cin, 4 * cout).reshape(cin, 2, 2, cout).permute(0, 3, 1, 2)
        x = last(F.conv_transpose2d(first(x), wt, u.get("up/bias", cout), stride=2))
        sk = resize(sk, *x.shape[1:3]).repeat_interleave(k, 0)
        x = torch.cat([x, sk], -1)
        for j in (1, 2):
            x = F.relu(gn(u.at(f"norm_{j}"), conv(u.at(f"conv_{j}"), x, out, 3, bias=False)))
    x = conv(s.at("classifier"), x, 1, 3)
    return x.reshape(b, k, 4 * h, 4 * w).permute(0, 2, 3, 1)


# ---- decoders ----------------------------------------------------------------------

def decode(s, kind, norm, classes, absent, x, skip, height, width):
    n = batch_norm if norm == "bn" else group_norm(lambda c: math.gcd(c, 32))
    if kind == "simple":
        x = F.relu(n(s.at("norm"), conv(s.at("conv"), x, 256, 3)))
    elif kind == "dlv3p":
        x = aspp(s.at("aspp"), x, 64, n)
        x = resize(x, *skip.shape[1:3])
        low = F.relu(n(s.at("skip/norm"), conv(s.at("skip/conv"), skip, 48, 1, bias=False)))
        x = torch.cat([low, x], -1)
        for h in ("head_1", "head_2"):
            x = F.relu(n(s.at(h + "/norm"), conv(s.at(h + "/conv"), x, 256, 3, bias=False)))
    if kind != "resize":
        x = conv(s.at("classifier"), x, classes, 1)
    x = resize(x, height, width)
    x = x.clone()
    x[..., absent] = -1e9
    return x


# ---- writing -----------------------------------------------------------------------

def sampled(t):
    a = t.detach().numpy().ravel()
    step = max(1, a.size // SAMPLES)
    return dict(shape=list(t.shape), max=float(np.abs(a).max()), sum=float(a.sum()),
                values=[float(f"{v:.9g}") for v in a[::step]])


def run(f, inputs, train=True, drop=()):
    """f(s, **inputs) with the gradients of the sum of its result times "dy"."""
    s = Net(train=train)
    x = {k: torch.tensor(uniform("in/" + k, *d).astype(np.float64), requires_grad=True) for k, d in inputs.items()}
    y = f(s, **x)
    dy = torch.tensor(uniform("dy", *y.shape).astype(np.float64))
    dy[..., list(drop)] = 0
    names = sorted(s.values)
    every = [x[k] for k in x] + [s.values[k] for k in names]
    grads = torch.autograd.grad((y * dy).sum(), every, allow_unused=True)
    grads = [torch.zeros_like(e) if g is None else g for e, g in zip(every, grads)]
    shown = y.detach().clone()
    shown[..., list(drop)] = 0
    out = dict(inputs={k: list(d) for k, d in inputs.items()},
               params={k: list(s.values[k].shape) for k in names} | {k: list(b.shape) for k, b in s.buffers.items()},
               result=sampled(shown),
               gradients=dict(zip([f"in/{k}" for k in x] + names, map(sampled, grads))))
    if s.buffers:
        out["buffers"] = {k: sampled(b) for k, b in sorted(s.buffers.items())}
    return out


def write(folder, cases):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "golden.json").write_text(json.dumps(cases, separators=(",", ":")).replace('"},"', '"},\n"') + "\n")


def main(root):
    x = dict(x=(3, 5, 7, 4))
    layers = {
        "conv3": run(lambda s, x: conv(s, x, 6, 3), x),
        "conv3_dilation2": run(lambda s, x: conv(s, x, 6, 3, 2, False), x),
        "conv3_dilation4": run(lambda s, x: conv(s, x, 3, 3, 4), x),
        "conv3_dilation6": run(lambda s, x: conv(s, x, 3, 3, 6), x),
        "conv3_dilation12": run(lambda s, x: conv(s, x, 3, 3, 12), x),
        "conv7": run(lambda s, x: conv(s, x, 2, 7), x),
        "conv1": run(lambda s, x: conv(s, x, 5, 1), x),
        "layernorm": run(layer_norm, x),
        "batchnorm_train": run(batch_norm, x),
        "batchnorm_eval": run(batch_norm, x, train=False),
        "groupnorm": run(group_norm(lambda c: 2), x),
    }
    for mode in ("bilinear", "bicubic"):
        for h, w in ((12, 9), (3, 4), (5, 16), (4, 7), (2, 15)):
            layers[f"{mode}_{h}x{w}"] = run(lambda s, x: resize(x, h, w, mode), x)
    write(root / "layer/testdata", layers)

    count = torch.tensor([5, 2])
    guidance = {}
    for kind in ("outer_res", "sum_res", "outer", "sum_raw", "add_lang", "cross", "cross_lang", "wpct",
                 "wpct_classes", "vlga", "none"):
        for c in (16, 128) if kind == "vlga" else (16,):
            f = lambda s, vision, text, skip, classes: guide(s, kind, 7, vision, text, count, skip, classes)
            guidance[kind if c == 16 else f"{kind}_{c}"] = run(
                f, dict(vision=(2, 6, 9, c), text=(2, 5, c), skip=(2, 6, 9, 10), classes=(3, c)))
    write(root / "dlg/testdata", guidance)

    decoders = {}
    for kind in ("simple", "dlv3p", "resize"):
        for norm, train in (("bn", True), ("bn", False), ("gn", True)):
            absent, channels = ([], 32) if kind == "simple" else ([1, 3], 32)
            if kind == "resize":
                if norm == "gn" or not train:
                    continue
                channels = 5
            f = lambda s, x, skip: decode(s, kind, norm, 5, absent, x, skip, 24, 28)
            decoders[f"{kind}_{norm}_{'train' if train else 'eval'}"] = run(
                f, dict(x=(3, 8, 14, channels), skip=(3, 8, 14, 10)), train, absent)
    write(root / "decode/testdata", decoders)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
