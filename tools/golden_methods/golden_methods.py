#!/usr/bin/env python3
"""Writes methods.json of model/train: five training steps of each method in PyTorch.

    python3 tools/golden_methods/golden_methods.py model

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6, in float64. The formulas are those of
docs/METHOD.md#methods-on-volumes, written anew; where they leave something open, the code of DHC
and GenericSSL decides. Volumes, labels, parameters and random numbers are a hash of their
name, as in tools/golden_dlg, so only losses and weights are stored.
"""
import json
import math
import sys
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "golden_dlg"))
sys.path.insert(0, str(Path(__file__).parent.parent / "golden_diffvnet"))
sys.path.insert(0, str(Path(__file__).parent.parent / "golden_unet3d"))
sys.path.insert(0, str(Path(__file__).parent.parent / "golden_vnet"))
import golden_unet3d as unet3d  # noqa: E402
from golden_diffvnet import DiffVNet, ddim, here, load, q_sample, there  # noqa: E402
from golden_dlg import sampled, uniform, value  # noqa: E402
from golden_vnet import VNet, names  # noqa: E402

torch.set_default_dtype(torch.float64)
CLASSES, FILTERS, LEVELS, SIZE, LABELLED, UNLABELLED = 4, 4, 2, (4, 8, 8), 2, 2
STEPS, LR, WEIGHT, ALPHA, THRESHOLD, SHARPER = 5, 0.05, 0.5, 0.99, 0.5, 4
OMEGA, HARD = 0.5, 0.3
COUNTS = [9000.0, 700.0, 200.0, 30.0]


def tensor(name, *dims):
    return torch.tensor(uniform(name, *dims).astype("float64"))


class Batch:
    """What a step learns from."""

    def __init__(self, step, unlabelled):
        self.step, self.draws = step, 0
        n = LABELLED + unlabelled
        self.x = (tensor(f"volumes/{step}", n, *SIZE, 1) / 2 + 0.5).movedim(-1, 1)
        self.labels = ((tensor(f"labels/{step}", LABELLED, *SIZE) + 1) / 2 * CLASSES).long()
        self.labels[tensor(f"ignored/{step}", LABELLED, *SIZE) > 0.8] = 255
        self.valid = tensor(f"valid/{step}", UNLABELLED, *SIZE) < 0.7 if unlabelled else None
        self.ramp = math.exp(-5 * (1 - step / STEPS) ** 2)
        self.alpha = min(1 - 1 / (step + 1), ALPHA)

    def uniform(self, *dims):
        self.draws += 1
        return (tensor(f"draw/{self.step}/{self.draws}", *dims) + 1) / 2

    def normal(self, *dims):
        """Not normal, but of variance 1, which is all the same to the formulas."""
        self.draws += 1
        return tensor(f"draw/{self.step}/{self.draws}", *dims) * math.sqrt(3)

    def everywhere(self):
        return torch.cat([self.labels != 255, self.valid])


def vnet(prefix=""):
    net = VNet(CLASSES, FILTERS, LEVELS, torch.nn.BatchNorm3d)
    mapping, state = {k: prefix + v for k, v in names(net).items()}, net.state_dict()
    for key, name in mapping.items():
        v = torch.tensor(value(name, *here(state[key], name).shape).astype("float64"))
        if name.endswith("out/weight"):
            v = v * SHARPER
        state[key] = there(v, name, tuple(state[key].shape))
    net.load_state_dict(state)
    return net, mapping


def cross_entropy(logits, labels, weights=None):
    return F.cross_entropy(logits, labels, weight=weights, ignore_index=255)


PLUGGED = dict(labels=False, pseudo=False)  # where DyCE is


def on_labels(logits, labels, weights=None):
    return dyce(logits, labels, OMEGA, HARD) if PLUGGED["labels"] else cross_entropy(logits, labels, weights)


def on_pseudo(logits, labels, weights=None):
    return dyce(logits, labels, OMEGA, HARD) if PLUGGED["pseudo"] else cross_entropy(logits, labels, weights)


def dyce(logits, labels, omega, hard):
    """Eq. (9), class by class, of the hardest voxels."""
    z, y = logits.movedim(1, -1).reshape(-1, CLASSES), labels.reshape(-1)
    z, y = z[y != 255], y[y != 255]
    losses = F.cross_entropy(z, y, reduction="none")
    if len(y) == 0:
        return logits.sum() * 0
    k = max(1, math.floor(hard * len(y) + 1e-9))
    at = torch.sort(losses.detach(), descending=True, stable=True).indices[:k]
    losses, y = losses[at], y[at]
    return k**-omega * sum((y == c).sum() ** -(1 - omega) * losses[y == c].sum() for c in y.unique())


def dice_loss(logits, labels, weights=None, smooth=1.0):
    p, inside = logits.softmax(1), (labels != 255)
    y = F.one_hot(labels * inside, CLASSES).movedim(-1, 1) * inside.unsqueeze(1)
    p = p * inside.unsqueeze(1)
    axes = [0, 2, 3, 4]
    dice = (2 * (p * y).sum(axes) + smooth) / (p.sum(axes) + y.sum(axes) + smooth)
    missed = 1 - dice[1:]
    return (missed if weights is None else missed * weights[1:]).mean()


def hard(logits, valid):
    return torch.where(valid, logits.detach().argmax(1), 255)


class Method:
    """A method: its networks by prefix, the losses of a step, and what comes after it."""
    unlabelled, prefixes = UNLABELLED, [""]

    def __init__(self):
        self.nets, self.mapping = [], []
        for prefix in self.prefixes:
            net, mapping = vnet(prefix)
            self.nets.append(net)
            self.mapping.append(mapping)

    def after(self, batch):
        pass


class Supervised(Method):
    unlabelled = 0

    def losses(self, b):
        z = self.nets[0](b.x)
        ce, dice = on_labels(z, b.labels), dice_loss(z, b.labels)
        return ce + dice, ce, dice, torch.tensor(0.0), 0


class UAMT(Method):
    def __init__(self):
        super().__init__()
        self.teacher, _ = vnet()

    def losses(self, b):
        z, u = self.nets[0](b.x), b.x[LABELLED:]
        noisy = lambda x: x + (b.normal(*x.movedim(1, -1).shape).movedim(-1, 1) * 0.1).clamp(-0.2, 0.2)
        with torch.no_grad():
            target = self.teacher(noisy(u)).softmax(1)
            p = [self.teacher(noisy(torch.cat([u, u]))).softmax(1) for _ in range(4)]
            p = torch.cat(p).reshape(8, UNLABELLED, CLASSES, *SIZE).mean(0)
            entropy = -(p * torch.log(p + 1e-6)).sum(1)
            sure = (entropy < (0.75 + 0.25 * b.ramp) * math.log(2)) & b.valid
        distance = ((z[LABELLED:].softmax(1) - target) ** 2).sum(1)
        learnt = (distance * sure).sum() / (2 * sure.sum() + 1e-16)
        ce, dice = on_labels(z[:LABELLED], b.labels), dice_loss(z[:LABELLED], b.labels)
        return 0.5 * (ce + dice) + WEIGHT * b.ramp * learnt, ce, dice, learnt, sure.sum() / b.valid.sum()

    def after(self, b):
        with torch.no_grad():
            for t, s in zip(self.teacher.parameters(), self.nets[0].parameters()):
                t.mul_(b.alpha).add_(s, alpha=1 - b.alpha)


class URPC(Method):
    def __init__(self):
        net = unet3d.UNet(CLASSES, FILTERS, 3)  # two outputs
        mapping, state = unet3d.names(net), net.state_dict()
        for key, name in mapping.items():
            shape = tuple(state[key].shape)
            if name is None:  # a bias without effect
                state[key] = torch.zeros(shape)
            else:
                v = value(name, *unet3d.here(state[key]).shape).astype("float64")
                state[key] = unet3d.there(torch.tensor(v), shape)
        net.load_state_dict(state)
        self.nets, self.mapping = [net], [{k: v for k, v in mapping.items() if v}]

    def losses(self, b):
        z = self.nets[0](b.x, {})
        ce = sum(on_labels(x[:LABELLED], b.labels) for x in z) / len(z)
        dice = sum(dice_loss(x[:LABELLED], b.labels) for x in z) / len(z)
        learnt = unet3d.agreement([x[LABELLED:] for x in z], b.valid[:, None].double())
        return 0.5 * (ce + dice) + WEIGHT * b.ramp * learnt, ce, dice, learnt, 0


class CPS(Method):
    prefixes = ["a/", "b/"]

    def both(self, b):
        return [net(b.x) for net in self.nets]

    def total(self, b, z, crossed, kept=0, weights=(None, None)):
        ce = [on_labels(x[:LABELLED], b.labels, w) for x, w in zip(z, weights)]
        dice = [dice_loss(x[:LABELLED], b.labels, w) for x, w in zip(z, weights)]
        return sum(ce) + sum(dice) + WEIGHT * b.ramp * crossed, sum(ce) / 2, sum(dice) / 2, crossed, kept

    def losses(self, b):
        z = self.both(b)
        labels = [hard(x, b.everywhere()) for x in z]
        return self.total(b, z, on_pseudo(z[0], labels[1]) + on_pseudo(z[1], labels[0]))


class DePL(CPS):
    def __init__(self):
        super().__init__()
        self.q = [torch.full((CLASSES,), 1 / CLASSES) for _ in range(2)]

    def losses(self, b):
        z, valid = self.both(b), b.everywhere()
        crossed, kept = 0, 0
        targets = []
        for i, x in enumerate(z):
            p = (x.detach() - torch.log(self.q[i]).view(1, -1, 1, 1, 1)).softmax(1)
            targets.append(p.max(1))
            u = x[LABELLED:].detach().softmax(1).movedim(1, -1)[b.valid]
            self.q[i] = 0.99 * self.q[i] + 0.01 * u.mean(0)
        for x, (confidence, label) in zip(z, reversed(targets)):
            sure = (confidence >= THRESHOLD) & valid
            if PLUGGED["pseudo"]:
                crossed = crossed + on_pseudo(x, torch.where(sure, label, 255))
            else:
                crossed = crossed + (F.cross_entropy(x, label, reduction="none") * sure).sum() / valid.sum()
            kept = kept + sure.sum() / valid.sum() / 2
        return self.total(b, z, crossed, kept)


def rareness(counts):
    w = torch.log((counts.max() + 1e-8) / (counts + 1e-8))
    return w / w.max() * CLASSES


class Difficulty:
    def __init__(self, normalised):
        self.normalised = normalised
        self.before, self.missed = torch.full((CLASSES,), 1e-8), torch.ones(CLASSES)
        self.learnt, self.unlearnt = torch.zeros(CLASSES), torch.zeros(CLASSES)

    def weights(self, z, labels):
        one = lambda x: F.one_hot(torch.where(labels != 255, x, CLASSES), CLASSES + 1)[..., :CLASSES].reshape(-1, CLASSES).double()
        p, y = one(z.detach().argmax(1)), one(labels)
        dice = (2 * (p * y).sum(0) + 1e-8) / (p.sum(0) + y.sum(0) + 1e-8 + 1e-8)
        change = dice - self.before
        amount = change * torch.log(dice / self.before)
        average = lambda past, now: 49 / 50 * past + 1 / 50 * now
        self.learnt = average(self.learnt, torch.where(change > 0, amount, 0))
        self.unlearnt = average(self.unlearnt, torch.where(change <= 0, amount, 0))
        self.missed, self.before = average(self.missed, 1 - dice), dice
        w = ((self.unlearnt + 1e-8) / (self.learnt + 1e-8)) ** 0.2 * self.missed
        return (w / w.max() if self.normalised else w) * CLASSES


class DHC(CPS):
    def __init__(self):
        super().__init__()
        self.difficulty, self.distribution = Difficulty(True), rareness(torch.tensor(COUNTS))

    def losses(self, b):
        z = self.both(b)
        labels = [hard(x, b.everywhere()) for x in z]
        wa = self.difficulty.weights(z[0][:LABELLED], b.labels)
        counts = torch.bincount(z[1][LABELLED:].argmax(1)[b.valid], minlength=CLASSES).double()
        self.distribution = 0.99 * self.distribution + 0.01 * rareness(counts)
        wb = self.distribution
        return self.total(b, z, on_pseudo(z[0], labels[1], wa) + on_pseudo(z[1], labels[0], wb), weights=(wa, wb))


def smoothed(x):
    """By a Gaussian of 3x3x3 voxels."""
    at = torch.arange(-1.0, 2.0) ** 2
    kernel = torch.exp(-(at[:, None, None] + at[None, :, None] + at[None, None]) / 2)
    kernel = (kernel / kernel.sum()).repeat(CLASSES, 1, 1, 1, 1)
    return F.conv3d(x, kernel, groups=CLASSES, padding="same")


class AD(Method):
    def __init__(self):
        net = DiffVNet(LEVELS, torch.nn.BatchNorm3d, filters=FILTERS, classes=CLASSES)
        self.nets, self.mapping, self.difficulty = [net], [load(net)], Difficulty(False)

    def losses(self, b):
        net, x, u = self.nets[0], b.x[:LABELLED], b.x[LABELLED:]
        planes = lambda draw, n: draw(CLASSES, n, *SIZE).transpose(0, 1)
        t = (b.uniform(LABELLED) * 1000).long()
        clean = F.one_hot(b.labels * (b.labels != 255), CLASSES).movedim(-1, 1) * 2.0 - 1
        xi = net("xi", x, q_sample(clean, t, planes(b.normal, LABELLED)), t)
        psi = net("psi", x)
        with torch.no_grad():
            sample = ddim(lambda noised, t: net("xi", u, noised, t), planes(b.normal, UNLABELLED))
            seen = net("psi", u).softmax(1)
            gumbel = -torch.log(-torch.log(planes(b.uniform, UNLABELLED)))
            labels = hard(smoothed((sample + gumbel).softmax(1)) + seen, b.valid)
        theta = net("theta", u)
        w = self.difficulty.weights(xi, b.labels)
        ce = on_labels(xi, b.labels) + on_labels(psi, b.labels, w)
        dice = dice_loss(xi, b.labels) + dice_loss(psi, b.labels, w)
        learnt = on_pseudo(theta, labels) + dice_loss(theta, labels)
        return ce + dice + WEIGHT * b.ramp * learnt, ce / 2, dice / 2, learnt, 0

    def after(self, b):
        p = dict(self.nets[0].named_parameters())
        with torch.no_grad():
            for name, v in p.items():
                if "/theta/" in name:
                    xi, psi = p[name.replace("/theta/", "/xi/")], p[name.replace("/theta/", "/psi/")]
                    v.mul_(0.99).add_((xi + psi) / 2, alpha=0.01)


METHODS = {"vnet": Supervised, "uamt": UAMT, "urpc": URPC, "cps": CPS, "depl": DePL, "dhc": DHC, "ad": AD}


def run(method, labels=False, pseudo=False, steps=STEPS):
    PLUGGED.update(labels=labels, pseudo=pseudo)
    m = method()
    parameters = [p for net in m.nets for p in net.parameters()]
    sgd = torch.optim.SGD(parameters, lr=LR, momentum=0.9, nesterov=True)
    losses = []
    for step in range(steps):
        b = Batch(step, m.unlabelled)
        parts = m.losses(b)
        sgd.zero_grad()
        parts[0].backward()
        sgd.step()
        m.after(b)
        losses.append([float(x) for x in parts])
    weights = {}
    for net, mapping in zip(m.nets, m.mapping):
        for key, v in net.state_dict().items():
            if key in mapping:
                weights[mapping[key]] = sampled(here(v, mapping[key]).contiguous())
    return dict(losses=losses, weights=weights)


if __name__ == "__main__":
    out = {name: run(method) for name, method in METHODS.items()}
    out |= {f"{name} + DyCE": run(METHODS[name], labels=True) for name in ("uamt", "urpc", "dhc")}
    out |= {f"{name} + DyCE + pseudo": run(METHODS[name], labels=True, pseudo=True) for name in ("cps", "depl", "dhc")}
    # Volumes that are 3e-7 brighter change the fifth step of these by 1e-4 and 0.2 in float64 too.
    out["ad + DyCE"] = run(AD, labels=True, steps=3)
    out["ad + DyCE + pseudo"] = run(AD, labels=True, pseudo=True, steps=3)
    Path(sys.argv[1], "train/testdata/methods.json").write_text(json.dumps(out, separators=(",", ":")))
    for name, case in out.items():
        print(name, *([f"{x:.4f}" for x in step] for step in case["losses"]))
