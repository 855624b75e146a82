#!/usr/bin/env python3
"""Writes golden.json of model/unet3d and urpc.json of model/methods: what PyTorch computes.

    python3 tools/golden_unet3d/golden_unet3d.py model

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6, in float64. The network is that of DHC
(code/models/unet_ds.py), written anew for any number of levels, with the names of its
state_dict; its convolutions have their biases here, which model/unet3d leaves out. Dropout
multiplies by given factors. The loss is that of code/train_urpc.py, of the valid voxels. As in
tools/golden_dlg, whose functions it uses, inputs and parameters are a hash of their name.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "golden_dlg"))
from golden_dlg import sampled, uniform, value, write  # noqa: E402


class Block(nn.Module):
    def __init__(self, inside, out):
        super().__init__()
        for i, c in enumerate((inside, out), 1):
            setattr(self, f"conv{i}", nn.Sequential(nn.Conv3d(c, out, 3, padding=1), nn.InstanceNorm3d(out), nn.ReLU()))

    def forward(self, x):
        return self.conv2(self.conv1(x))


class Up(nn.Module):
    def __init__(self, inside, out):
        super().__init__()
        self.conv = Block(inside + out, out)

    def forward(self, skip, x):
        return self.conv(torch.cat([skip, F.interpolate(x, scale_factor=2, mode="trilinear")], 1))


class Deep(nn.Module):
    def __init__(self, inside, classes, scale):
        super().__init__()
        self.dsv = nn.Sequential(nn.Conv3d(inside, classes, 1), nn.Upsample(scale_factor=scale, mode="trilinear"))

    def forward(self, x):
        return self.dsv(x)


class UNet(nn.Module):
    def __init__(self, classes, filters, levels):
        super().__init__()
        self.levels = levels
        width = [0] + [filters << i for i in range(levels)]  # of levels from 1
        for i in range(1, levels):
            setattr(self, f"conv{i}", Block(width[i - 1] or 1, width[i]))
            setattr(self, f"up_concat{i}", Up(width[i + 1], width[i]))
            setattr(self, f"dsv{i}", nn.Conv3d(filters, classes, 1) if i == 1 else Deep(width[i], classes, 1 << (i - 1)))
        self.center = Block(width[levels - 1], width[levels])

    def forward(self, x, drop):
        skips = [None]
        for i in range(1, self.levels):
            skips.append(getattr(self, f"conv{i}")(x))
            x = F.max_pool3d(skips[i], 2)
        x, outputs = self.center(x), []
        for i in range(self.levels - 1, 0, -1):
            x = getattr(self, f"up_concat{i}")(skips[i], x)
            if i in drop:
                x = x * drop[i][:, :, None, None, None]
            outputs.insert(0, getattr(self, f"dsv{i}")(x))
        return outputs


def names(net):
    """The names of model/unet3d by those of the state_dict, None of what it leaves out."""
    out = {}
    for key in net.state_dict():
        part = key.split(".")
        if part[0].startswith("dsv"):
            out[key] = f"out/{part[0][3:]}/{part[-1]}"
        elif part[-1] == "bias":
            out[key] = None
        else:
            side = "decoder" if part[0].startswith("up") else "encoder"
            level = net.levels if part[0] == "center" else part[0][-1]
            out[key] = f"{side}/{level}/conv_{part[-3][-1]}/weight"
    return out


def here(t):
    """The layout of model/unet3d of a tensor of PyTorch: [D,C,k,k,k] -> [k³·C,D]."""
    return t.permute(2, 3, 4, 1, 0).reshape(-1, t.shape[0]) if t.dim() == 5 else t


def there(t, shape):
    """Its inverse."""
    if len(shape) != 5:
        return t.reshape(shape)
    d, c, k = shape[:3]
    return t.reshape(k, k, k, c, d).permute(4, 3, 0, 1, 2)


def run(size, levels, dropout, classes=3, filters=4, batch=2):
    net = UNet(classes, filters, levels)
    mapping, state, params = names(net), net.state_dict(), {}
    for key, name in mapping.items():
        shape = tuple(state[key].shape)
        if name is None:  # any bias: it has no effect
            state[key] = torch.tensor(uniform(key, *shape).astype("float64"))
            continue
        params[name] = list(here(state[key]).shape)
        state[key] = there(torch.tensor(value(name, *params[name]).astype("float64")), shape)
    net.load_state_dict(state)
    inputs = {"x": [batch, *size, 1]}
    if dropout:
        inputs |= {f"drop_{i}": [batch, filters << (i - 1)] for i in range(1, levels)}
    x = {k: torch.tensor(uniform("in/" + k, *d).astype("float64"), requires_grad=True) for k, d in inputs.items()}
    drop = {int(k[5:]): v for k, v in x.items() if k != "x"}
    y = torch.stack(net(x["x"].movedim(-1, 1), drop)).transpose(1, 2)  # [outputs,K,B,D,H,W]
    dy = torch.tensor(uniform("dy", *y.shape).astype("float64"))
    (y * dy).sum().backward()
    gradients = {f"in/{k}": sampled(v.grad) for k, v in x.items()}
    for key, p in net.named_parameters():
        if mapping[key] is None:
            assert p.grad.abs().max() < 1e-9, key
        else:
            gradients[mapping[key]] = sampled(here(p.grad).contiguous())
    return dict(inputs=inputs, params=params, result=sampled(y.contiguous()), gradients=gradients)


def agreement(outputs, valid):
    """The loss on unlabelled volumes of train_urpc.py, of logits [U,K,...]; valid [U,1,...]."""
    mean = lambda x: (x * valid).sum() / (valid.sum() * x.shape[1])
    soft = [torch.softmax(z, 1) for z in outputs]
    middle = sum(soft) / len(soft)
    total = 0
    for z, p in zip(outputs, soft):
        d = F.kl_div(torch.log_softmax(z, 1), middle, reduction="none").sum(1, keepdim=True)
        w = torch.exp(-d)
        total = total + mean((middle - p) ** 2 * w) / (mean(w) + 1e-8) + mean(d)
    return total / len(outputs)


def loss(outputs, size, scale, classes=4, batch=2):
    z = [torch.tensor(uniform(f"z{i}", classes, batch, *size).astype("float64") * scale, requires_grad=True) for i in range(outputs)]
    valid = torch.tensor((uniform("valid", batch, *size) > -0.5).astype("float64"))
    y = agreement([x.transpose(0, 1) for x in z], valid[:, None])
    y.backward()
    return dict(outputs=outputs, dims=[classes, batch, *size], scale=scale, loss=y.item(), gradients=[x.grad.flatten().tolist() for x in z])


def main(root):
    torch.set_default_dtype(torch.float64)
    write(root / "unet3d/testdata", {
        "5": run((16, 32, 48), 5, True),
        "5_plain": run((32, 32, 16), 5, False),
        "3": run((8, 4, 12), 3, True, filters=3),
        "2": run((2, 6, 4), 2, False, batch=1),
    })
    cases = [loss(4, (3, 5, 2), 2), loss(4, (2, 3, 4), 0.3), loss(2, (1, 2, 6), 6)]
    (root / "methods/testdata").mkdir(exist_ok=True)
    (root / "methods/testdata/urpc.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
