#!/usr/bin/env python3
"""Writes golden.json of model/vnet: what PyTorch computes.

    python3 tools/golden_vnet/golden_vnet.py model

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6, in float64. The network is that of
SSL4MIS (code/networks/vnet.py, also DHC's), written anew for any number of levels, with the
names of its state_dict. Dropout multiplies by given factors. As in tools/golden_dlg, whose
functions it uses, inputs and parameters are a hash of their name.
"""
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "golden_dlg"))
from golden_dlg import sampled, uniform, value, write  # noqa: E402

NUMBERS = "one two three four five six seven eight nine".split()


class Block(nn.Module):
    def __init__(self, *convolutions, norm):
        super().__init__()
        ops = []
        for c in convolutions:
            ops += [c, norm(c.out_channels), nn.ReLU()]
        self.conv = nn.Sequential(*ops)

    def forward(self, x):
        return self.conv(x)


class VNet(nn.Module):
    def __init__(self, classes, filters, levels, norm):
        super().__init__()
        self.levels = levels
        self.blocks = [f"block_{n}" for n in NUMBERS[:2 * levels - 1]]
        width = lambda level: filters << (level - 1)
        for i, name in enumerate(self.blocks, 1):
            level = min(i, 2 * levels - i)
            c = width(level)
            first = 1 if i == 1 else c
            setattr(self, name, Block(*(nn.Conv3d(first if j == 0 else c, c, 3, padding=1) for j in range(min(level, 3))), norm=norm))
            if i < levels:
                setattr(self, name + "_dw", Block(nn.Conv3d(c, 2 * c, 2, stride=2), norm=norm))
            elif i < 2 * levels - 1:
                setattr(self, name + "_up", Block(nn.ConvTranspose3d(c, c // 2, 2, stride=2), norm=norm))
        self.out_conv = nn.Conv3d(filters, classes, 1)

    def forward(self, x, bottom=None, top=None):
        skips = []
        for i, name in enumerate(self.blocks, 1):
            x = getattr(self, name)(x)
            if i < self.levels:
                skips.append(x)
                x = getattr(self, name + "_dw")(x)
                continue
            if i == self.levels and bottom is not None:
                x = x * bottom[:, :, None, None, None]
            if i < len(self.blocks):
                x = getattr(self, name + "_up")(x) + skips.pop()
        if top is not None:
            x = x * top[:, :, None, None, None]
        return self.out_conv(x)


def names(net):
    """The names of model/vnet by those of the state_dict."""
    out = {"out_conv.weight": "out/weight", "out_conv.bias": "out/bias"}
    levels = net.levels
    for key in net.state_dict():
        part = key.split(".")
        if part[0] == "out_conv" or part[-1] == "num_batches_tracked":
            continue
        number, _, scale = part[0].removeprefix("block_").partition("_")
        i = NUMBERS.index(number) + 1
        level = min(i, 2 * levels - i)
        if scale == "up":
            level -= 1
        side = "decoder" if i > levels or scale == "up" else "encoder"
        layer = {"dw": "down", "up": "up"}.get(scale) or f"conv_{int(part[2]) // 3 + 1}"
        if int(part[2]) % 3 == 1:
            layer += "_norm"
        out[key] = f"{side}/{level}/{layer}/{part[-1]}"
    return out


def here(t, name):
    """The layout of model/vnet of a tensor of PyTorch."""
    if t.dim() != 5:
        return t
    if name.endswith("up/weight"):  # [C,D,2,2,2] -> [C,8·D]
        return t.permute(0, 2, 3, 4, 1).reshape(t.shape[0], -1)
    return t.permute(2, 3, 4, 1, 0).reshape(-1, t.shape[0])  # [D,C,k,k,k] -> [k³·C,D]


def there(t, name, shape):
    """Its inverse."""
    if len(shape) != 5:
        return t.reshape(shape)
    if name.endswith("up/weight"):
        c, d, k = shape[:3]
        return t.reshape(c, k, k, k, d).permute(0, 4, 1, 2, 3)
    d, c, k = shape[:3]
    return t.reshape(k, k, k, c, d).permute(4, 3, 0, 1, 2)


def run(size, levels, norm, train, dropout, classes=3, filters=4, batch=2):
    net = VNet(classes, filters, levels, {"bn": nn.BatchNorm3d, "gn": lambda c: nn.GroupNorm(min(16, c), c)}[norm])
    net.train(train)
    mapping, state, params = names(net), net.state_dict(), {}
    for key, name in mapping.items():
        shape = tuple(state[key].shape)
        params[name] = list(here(state[key], name).shape)
        state[key] = there(torch.tensor(value(name, *params[name]).astype("float64")), name, shape)
    net.load_state_dict(state)
    inputs = {"x": [batch, *size, 1]}
    if dropout:
        inputs |= {"bottom": [batch, filters << (levels - 1)], "top": [batch, filters]}
    x = {k: torch.tensor(uniform("in/" + k, *d).astype("float64"), requires_grad=True) for k, d in inputs.items()}
    y = net(x["x"].movedim(-1, 1), x.get("bottom"), x.get("top")).transpose(0, 1)
    dy = torch.tensor(uniform("dy", *y.shape).astype("float64"))
    (y * dy).sum().backward()
    gradients = {f"in/{k}": sampled(v.grad) for k, v in x.items()}
    for key, p in net.named_parameters():
        gradients[mapping[key]] = sampled(here(p.grad, mapping[key]).contiguous())
    out = dict(inputs=inputs, params=params, result=sampled(y.contiguous()), gradients=gradients)
    if norm == "bn":
        out["buffers"] = {mapping[k]: sampled(b) for k, b in net.named_buffers() if k in mapping}
    return out


def main(root):
    torch.set_default_dtype(torch.float64)
    write(root / "vnet/testdata", {
        "bn_5_train": run((16, 32, 48), 5, "bn", True, True),
        "bn_5_eval": run((16, 16, 16), 5, "bn", False, False),
        "bn_3_train": run((8, 4, 12), 3, "bn", True, False),
        "bn_3_eval": run((16, 16, 16), 3, "bn", False, True),
        "gn_2_train": run((4, 6, 8), 2, "gn", True, True, filters=32),
    })


if __name__ == "__main__":
    main(Path(sys.argv[1]))
