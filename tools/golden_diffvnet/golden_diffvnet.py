#!/usr/bin/env python3
"""Writes golden.json of model/diffvnet: what PyTorch computes.

    python3 tools/golden_diffvnet/golden_diffvnet.py model

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6, in float64. The network is that of
GenericSSL (code/DiffVNet/diff_vnet.py), written anew for any number of levels, with the names of
model/diffvnet, which say what the cited ones are. Noise and sampling are those of its
guided_diffusion. As in tools/golden_dlg, whose functions it uses, inputs, parameters and what is
dropped are a hash of their name.
"""
import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "golden_dlg"))
sys.path.insert(0, str(Path(__file__).parent.parent / "golden_vnet"))
from golden_dlg import sampled, uniform, value, write  # noqa: E402
import golden_vnet  # noqa: E402

CLASSES, FILTERS, BATCH = 3, 4, 2
TIMES = [37, 911]


def here(t, name):
    """The layout of model/diffvnet of a tensor of PyTorch."""
    return t.T if t.dim() == 2 else golden_vnet.here(t, name)


def there(t, name, shape):
    """Its inverse."""
    return t.T if len(shape) == 2 else golden_vnet.there(t, name, shape)


class Dropped:
    """Factors of channels, one tensor after the other, or none at all."""

    def __init__(self, some):
        self.some, self.count = some, 0

    def __call__(self, x, p):
        if not self.some:
            return x
        u = torch.tensor(uniform(f"drop/{self.count}", *x.shape[:2]).astype("float64"))
        self.count += 1
        return x * ((u >= 2 * p - 1).double() / (1 - p))[:, :, None, None, None]


class DiffVNet(nn.Module):
    def __init__(self, levels, norm, dropout=False, filters=FILTERS, classes=CLASSES):
        super().__init__()
        self.levels, self.drop = levels, Dropped(dropout)
        self.layers = nn.ModuleDict()
        width = lambda level: filters << (level - 1)

        def unit(name, conv, timed=False):
            self.layers[name] = conv
            self.layers[name + "_norm"] = norm(conv.out_channels)
            if timed:
                self.layers[name + "_time"] = nn.Linear(512, conv.out_channels)

        def block(place, level, timed):
            n, c = min(level, 3), width(level)
            for i in range(1, n + 1):
                unit(f"{place}/conv_{i}", nn.Conv3d(c, c, 3, padding=1), timed and i < n)

        unit("embedding/volume/conv", nn.Conv3d(1, filters, 3, padding=1))
        unit("embedding/noised/conv", nn.Conv3d(1 + classes, filters, 3, padding=1))
        self.layers["embedding/noised/time_1"] = nn.Linear(128, 512)
        self.layers["embedding/noised/time_2"] = nn.Linear(512, 512)
        for level in range(1, levels):
            unit(f"encoder/{level}/down", nn.Conv3d(width(level), width(level + 1), 2, stride=2), True)
            block(f"encoder/{level + 1}", level + 1, True)
        for decoder in "xi", "psi", "theta":
            for level in range(1, levels):
                place = f"decoder/{decoder}/{level}"
                unit(f"{place}/up", nn.ConvTranspose3d(width(level + 1), width(level), 2, stride=2), decoder == "xi")
                block(place, level, decoder == "xi")
            self.layers[f"decoder/{decoder}/out"] = nn.Conv3d(filters, classes, 1)

    def unit(self, name, x, temb, p=0.0):
        x = self.layers[name + "_norm"](torch.relu(self.layers[name](x)))
        if p:
            x = self.drop(x, p)
        if temb is not None and name + "_time" in self.layers:
            x = x + self.layers[name + "_time"](temb * torch.sigmoid(temb))[:, :, None, None, None]
        return x

    def block(self, place, x, level, temb):
        for i in range(1, min(level, 3) + 1):
            x = self.unit(f"{place}/conv_{i}", x, temb, 0.1)
        return x

    def forward(self, decoder, volume, noised=None, t=None):
        temb, kind = None, "volume"
        if noised is not None:
            volume, kind = torch.cat([volume, noised], 1), "noised"
            # The phases are float32 in the cited code too, which is 3e-5 off at time 999.
            frequencies = torch.exp(torch.arange(64) * -(math.log(10000) / 63)).float()
            phase = (t.float()[:, None] * frequencies[None]).double()
            temb = self.layers["embedding/noised/time_1"](torch.cat([phase.sin(), phase.cos()], 1))
            temb = self.layers["embedding/noised/time_2"](temb * torch.sigmoid(temb))
        x = self.unit(f"embedding/{kind}/conv", volume, None, 0.1)
        skips = []
        for level in range(1, self.levels):
            skips.append(x)
            x = self.unit(f"encoder/{level}/down", x, temb)
            x = self.block(f"encoder/{level + 1}", x, level + 1, temb)
        x = self.drop(x, 0.5)
        for level in range(self.levels - 1, 0, -1):
            place = f"decoder/{decoder}/{level}"
            x = self.unit(f"{place}/up", x, temb) + skips.pop()
            x = self.block(place, x, level, temb)
        return self.layers[f"decoder/{decoder}/out"](self.drop(x, 0.5))


def betas():
    return torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)


def q_sample(x, t, noise):
    a = torch.cumprod(1 - betas(), 0)[t].view(-1, 1, 1, 1, 1)
    return a.sqrt() * x + (1 - a).sqrt() * noise


def ddim(model, x):
    """10 steps, the kept ones of 1000, with the betas that they have together."""
    times, at = [], 0.0
    for _ in range(10):
        times.append(round(at))
        at += 999 / 9
    all_kept, kept, last = torch.cumprod(1 - betas(), 0), [], 1.0
    new = []
    for t in times:
        new.append(1 - all_kept[t] / last)
        last = all_kept[t]
    kept = torch.cumprod(1 - torch.stack(new), 0)
    for i in reversed(range(10)):
        start = model(x, torch.full((len(x),), times[i])).clamp(-1, 1)
        a, before = kept[i], kept[i - 1] if i else torch.tensor(1.0)
        eps = (torch.sqrt(1 / a) * x - start) / torch.sqrt(1 / a - 1)
        x = start * before.sqrt() + (1 - before).sqrt() * eps
    return start


def load(net):
    """Fills a network, and gives the names here by those of its state_dict."""
    state, names = net.state_dict(), {}
    for key, old in state.items():
        name = key.removeprefix("layers.").replace(".", "/")
        if not name.endswith("num_batches_tracked"):
            names[key] = name
            v = torch.tensor(value(name, *here(old, name).shape).astype("float64"))
            state[key] = there(v, name, tuple(old.shape))
    net.load_state_dict(state)
    return names


def run(f, net, train, inputs, gradients=True):
    """f(net, **inputs) of [B,K,...], with what it uses of the network."""
    names = load(net)
    net.train(train)
    net.requires_grad_(gradients)
    x = {k: torch.tensor(uniform("in/" + k, *d).astype("float64"), requires_grad=gradients) for k, d in inputs.items()}
    first = dict(x)
    if "x" in first:
        first["x"] = first["x"].movedim(-1, 1)
    for k in set(first) - {"x"}:
        first[k] = first[k].transpose(0, 1)
    used = set()
    for name, layer in net.layers.items():
        layer.register_forward_hook(lambda *_, name=name: used.add(name))
    y = f(net, **first).transpose(0, 1)
    out = dict(inputs=inputs, params={}, result=sampled(y.contiguous()), gradients={}, buffers={})
    if y.requires_grad:
        (y * torch.tensor(uniform("dy", *y.shape).astype("float64"))).sum().backward()
    for k, v in x.items():
        out["gradients"]["in/" + k] = sampled(torch.zeros_like(v) if v.grad is None else v.grad)
    trained = dict(net.named_parameters())
    for key, t in net.state_dict().items():
        if key not in names or key.split(".")[1] not in used:
            continue
        name = names[key]
        out["params"][name] = list(here(t, name).shape)
        if key not in trained:
            out["buffers"][name] = sampled(t)
        elif gradients:
            out["gradients"][name] = sampled(here(trained[key].grad, name).contiguous())
    return out


def main(root):
    torch.set_default_dtype(torch.float64)
    bn, gn = nn.BatchNorm3d, lambda c: nn.GroupNorm(min(16, c), c)
    xi = lambda net, x, noised: net("xi", x, noised, torch.tensor(TIMES))
    x = lambda *d: dict(x=[BATCH, *d, 1])
    both = lambda *d: dict(x=[BATCH, *d, 1], noised=[CLASSES, BATCH, *d])
    # Through five levels of batch statistics a sign before ReLU that float32 gets wrong changes
    # gradients by 1 %, PyTorch's as well: they are those of fewer levels.
    write(root / "diffvnet/testdata", {
        "xi_bn_5_forward": run(xi, DiffVNet(5, bn, True), True, both(32, 16, 48), gradients=False),
        "psi_bn_5_forward": run(lambda net, x: net("psi", x), DiffVNet(5, bn), True, x(16, 32, 48), gradients=False),
        "xi_bn_3_train": run(xi, DiffVNet(3, bn, True), True, both(8, 4, 12)),
        "psi_bn_3_train": run(lambda net, x: net("psi", x), DiffVNet(3, bn), True, x(8, 4, 12)),
        "theta_bn_3_train": run(lambda net, x: net("theta", x), DiffVNet(3, bn, True), True, x(8, 4, 12)),
        "theta_bn_3_eval": run(lambda net, x: net("theta", x), DiffVNet(3, bn), False, x(8, 4, 12)),
        "xi_gn_2_train": run(xi, DiffVNet(2, gn, True, filters=32), True, both(4, 6, 8)),
        # Several passes of a network, each of which changes the running statistics.
        "sample_bn_2_forward": run(lambda net, x, normal: ddim(lambda noised, t: net("xi", x, noised, t), normal),
                                   DiffVNet(2, bn, True), True,
                                   dict(x=[BATCH, 4, 8, 12, 1], normal=[CLASSES, BATCH, 4, 8, 12]), gradients=False),
    })


if __name__ == "__main__":
    main(Path(sys.argv[1]))
