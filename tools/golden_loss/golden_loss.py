"""Writes model/loss/testdata/golden.json: losses and their gradients by PyTorch.

The losses are written here as plain PyTorch formulas and differentiated by autograd,
independently of the Go code. Made with Python 3, torch 2.5.1 and numpy; the file is
the same on every run.

    python tools/golden_loss/golden_loss.py model/loss/testdata/golden.json
"""

import json
import math
import sys

import torch
import torch.nn.functional as F

IGNORED = 255


def ce(z, y):
    return F.cross_entropy(z, y, ignore_index=IGNORED)


def wce(z, y, weight):
    return F.cross_entropy(z, y, weight=torch.tensor(weight, dtype=z.dtype), ignore_index=IGNORED)


def valid_pixels(z, y):
    keep = y != IGNORED
    z, y = z[keep], y[keep]
    return z, y, F.one_hot(y, z.shape[1]).to(z.dtype)


def focal(z, y, gamma, alpha):
    z, y, _ = valid_pixels(z, y)
    log_p = F.log_softmax(z, 1).gather(1, y[:, None])[:, 0]
    return (-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()


def dual_ce(z, y, alpha, beta):
    z, y, t = valid_pixels(z, y)
    return (-(t * F.log_softmax(z, 1)) + beta * (1 - t) * torch.log(alpha + F.softmax(z, 1))).sum(1).mean()


def floor_straight(x, tau):
    """max(x, tau) whose gradient passes as if it were x."""
    return x + (x.clamp(min=tau) - x).detach()


def dual_focal(z, y, alpha, beta, gamma, rho, tau):
    z, y, t = valid_pixels(z, y)
    p = F.softmax(z, 1)
    # The logarithm's slope is 1/max(., tau) as in the authors' backward pass.
    inner = (
        t * torch.log(floor_straight(p, tau))
        + beta * (1 - t) * torch.log(floor_straight(rho - p, tau))
        - alpha * (t - p).abs() ** gamma
    )
    return -inner.sum(1).mean()


def dyce(z, y, omega, hard_fraction):
    """Eq. (9) class by class."""
    z, y, _ = valid_pixels(z, y)
    losses = F.cross_entropy(z, y, reduction="none")
    k = max(1, math.floor(hard_fraction * len(losses) + 1e-9))
    hard = torch.sort(losses.detach(), descending=True, stable=True).indices[:k]
    losses, y = losses[hard], y[hard]
    total = z.new_zeros(())
    for c in y.unique():
        members = losses[y == c]
        total = total + len(members) ** -(1 - omega) * members.sum()
    return k**-omega * total


def ohem(z, y, omega, threshold, kept):
    """DyCE over the pixels that PyTorch OHEM implementations keep."""
    z, y, _ = valid_pixels(z, y)
    p = F.softmax(z, 1).gather(1, y[:, None])[:, 0].detach()
    if kept > 0:
        threshold = max(threshold, p.sort().values[min(kept, len(p)) - 1].item())
    hard = p <= threshold
    losses, y = F.cross_entropy(z[hard], y[hard], reduction="none"), y[hard]
    total = z.new_zeros(())
    for c in y.unique():
        members = losses[y == c]
        total = total + len(members) ** -(1 - omega) * members.sum()
    return len(y) ** -omega * total


def consistency(z, q, valid, threshold, norm, target):
    confidence, label = q.max(1)
    keep = (confidence >= threshold) & (valid > 0)
    divisor = keep.sum() if norm == "confident" else (valid > 0).sum()
    if target == "hard":
        losses = F.cross_entropy(z, label, reduction="none")
    else:
        losses = F.kl_div(F.log_softmax(z, 1), q, reduction="none").sum(1)
    return (losses * keep).sum() / divisor, (keep.sum() / (valid > 0).sum()).item()


def dice(z, y, smooth, squares, background):
    """SoftDiceLoss of DHC and GenericSSL (utils/loss.py), with 1 added; squares as in SSL4MIS."""
    p = F.softmax(z, 1)[y != IGNORED]
    one_hot = F.one_hot(y[y != IGNORED], z.shape[1])
    true, false, missed = (p * one_hot).sum(0), (p * (1 - one_hot)).sum(0), ((1 - p) * one_hot).sum(0)
    denominator = (p * p).sum(0) + (one_hot * one_hot).sum(0) if squares else 2 * true + false + missed
    dc = (2 * true + smooth) / (denominator + smooth)
    return 1 - dc[0 if background else 1:].mean()


def main(path):
    torch.manual_seed(20250611)
    torch.set_num_threads(1)
    dims, k = [2, 5, 9], 7
    n = math.prod(dims)
    logits = (torch.randn(n, k) * 2).round(decimals=4)
    labels = (torch.rand(n) ** 2 * k).long().clamp(max=k - 1)
    labels[torch.rand(n) < 0.15] = IGNORED
    weights = [0.5, 2.0, 0.25, 1.0, 1.5, 0.75, 1.0]
    teacher = F.softmax((torch.randn(n, k) * 5).double(), 1).float()
    valid = (torch.rand(n) < 0.8).long()

    cases = []

    def add(config, fn):
        z = logits.double().requires_grad_()
        value = fn(z, labels)
        value.backward()
        cases.append({"config": config, "loss": value.item(), "gradient": [float(f"{v:.7g}") for v in z.grad.flatten().tolist()]})

    add({"Kind": "ce"}, ce)
    add({"Kind": "wce", "ClassWeights": weights}, lambda z, y: wce(z, y, weights))
    for gamma, alpha in [(2, 1), (0.5, 0.25)]:
        add({"Kind": "focal", "FocalGamma": gamma, "FocalAlpha": alpha}, lambda z, y: focal(z, y, gamma, alpha))
    for alpha, beta in [(1, 1), (0.2, 1.5)]:
        add({"Kind": "dual_ce", "DualAlpha": alpha, "DualBeta": beta}, lambda z, y: dual_ce(z, y, alpha, beta))
    for alpha, beta, gamma, rho, tau in [(1, 1, 1, 1, 1e-3), (0.5, 2, 2, 1.1, 0.05)]:
        add(
            {"Kind": "dual_focal", "DualFocalAlpha": alpha, "DualFocalBeta": beta, "DualFocalGamma": gamma, "DualFocalRho": rho, "DualFocalTau": tau},
            lambda z, y: dual_focal(z, y, alpha, beta, gamma, rho, tau),
        )
    for omega in [0, 0.25, 0.5, 1]:
        for h in [0.05, 0.2, 1]:
            add({"Kind": "dyce", "Hard": "top", "Omega": omega, "HardFraction": h}, lambda z, y: dyce(z, y, omega, h))
    for threshold, kept in [(0.7, 0), (0.1, 40), (0.1, 10_000)]:
        add(
            {"Kind": "dyce", "Hard": "ohem", "Omega": 0.25, "OHEMThreshold": threshold, "OHEMMinKept": kept},
            lambda z, y: ohem(z, y, 0.25, threshold, kept),
        )

    supervised, cases = cases, []
    for smooth, squares, background in [(1, False, False), (1e-5, True, True)]:
        add({"Smooth": smooth, "Squares": squares, "Background": background}, lambda z, y: dice(z, y, smooth, squares, background))

    pairs = []
    for threshold in [0.5, 0.95]:
        for norm in ["valid", "confident"]:
            for target in ["hard", "soft"]:
                z = logits.double().requires_grad_()
                value, kept = consistency(z, teacher.double(), valid, threshold, norm, target)
                value.backward()
                pairs.append(
                    {
                        "config": {"Threshold": threshold, "Norm": norm, "Target": target},
                        "loss": value.item(),
                        "kept": kept,
                        "gradient": [float(f"{v:.7g}") for v in z.grad.flatten().tolist()],
                    }
                )
    golden = {
        "torch": torch.__version__.split("+")[0],
        "dims": dims,
        "classes": k,
        "logits": [float(f"{v:.5g}") for v in logits.flatten().tolist()],
        "labels": labels.tolist(),
        "teacher": [float(f"{v:.9g}") for v in teacher.flatten().tolist()],
        "valid": valid.tolist(),
        "supervised": supervised,
        "consistency": pairs,
        "dice": cases,
    }
    with open(path, "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
