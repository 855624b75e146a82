"""Golden data of model/optim and model/teacher from PyTorch.

Run with torch 2.5.1 and numpy from the root of the repository:

    python tools/golden_optim/golden_optim.py

It trains a regression of two layers for 20 steps with torch.optim, groups, a
schedule and clip_grad_norm_, and writes the gradients, which are the input of the Go
test, with norms, parameters and state after some steps. Numbers are float32, written
so that they are read back exactly.
"""

import json

import torch

STEPS = 20
KEPT = (1, 2, 10, 20)


def lists(t):
    # Nine digits are enough for float32.
    return [float(f"{x:.9g}") for x in t.detach().double().flatten().tolist()]


def problem():
    torch.manual_seed(7)
    # [in, out], as the Go side stores them.
    p = {
        "vision/ln/weight": torch.rand(6) + 0.5,
        "vision/up/weight": torch.randn(6, 8) * 0.4,
        "vision/up/bias": torch.randn(8) * 0.1,
        "decode/out/weight": torch.randn(8, 3) * 0.4,
        "decode/out/bias": torch.randn(3) * 0.1,
    }
    return {k: v.requires_grad_() for k, v in p.items()}


def loss_of(p, x, y):
    h = torch.relu((x * p["vision/ln/weight"]) @ p["vision/up/weight"] + p["vision/up/bias"])
    return ((h @ p["decode/out/weight"] + p["decode/out/bias"] - y) ** 2).mean()


def no_decay(name):
    return name.endswith("bias") or "/ln/" in name


def run(c):
    p = problem()
    names = list(p)
    torch.manual_seed(8)
    groups = []
    for name in names:
        groups.append({
            "params": [p[name]],
            "lr": c["vision_lr"] if name.startswith("vision") else c["lr"],
            "weight_decay": 0.0 if no_decay(name) else c["weight_decay"],
        })
    if c["kind"] == "adamw":
        opt = torch.optim.AdamW(groups, betas=(c["beta1"], c["beta2"]), eps=c["epsilon"], foreach=False)
    else:
        opt = torch.optim.SGD(groups, lr=c["lr"], momentum=c["momentum"], nesterov=c.get("nesterov", False), foreach=False)
    if c["schedule"] == "exp":
        factor = lambda t: 0.9 ** (5 * t // STEPS)
    elif c["schedule"] == "poly":
        factor = lambda t: (1 - t / STEPS) ** 0.9
    else:
        factor = lambda t: 1.0
    warmup = c["warmup"]
    warm = lambda t: factor(t) * (min(1.0, (t + 1) / warmup) if warmup else 1.0)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, warm)
    out = dict(c, steps=STEPS, factors=[warm(t) for t in range(STEPS)],
               shapes={n: list(p[n].shape) for n in names}, start={n: lists(p[n]) for n in names},
               gradients=[], norms=[], kept={})
    for t in range(STEPS):
        x, y = torch.randn(5, 6), torch.randn(5, 3) * 2
        opt.zero_grad()
        loss_of(p, x, y).backward()
        out["gradients"].append({n: lists(p[n].grad) for n in names})
        clip = c["clip_norm"] if c["clip_norm"] else float("inf")
        out["norms"].append(float(torch.nn.utils.clip_grad_norm_(list(p.values()), clip)))
        opt.step()
        sched.step()
        if t + 1 in KEPT:
            state = {}
            for n in names:
                s = opt.state[p[n]]
                if c["kind"] == "adamw":
                    state["m/" + n], state["v/" + n] = lists(s["exp_avg"]), lists(s["exp_avg_sq"])
                elif c["momentum"]:
                    state["m/" + n] = lists(s["momentum_buffer"])
            out["kept"][str(t + 1)] = {"parameters": {n: lists(p[n]) for n in names}, "state": state}
    return out


def optimisers():
    base = {"lr": 1e-4, "vision_lr": 5e-6, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 2e-4,
            "momentum": 0.9, "clip_norm": 0.0, "schedule": "exp", "warmup": 0}
    return [
        # The method's values.
        dict(base, name="adamw", kind="adamw"),
        # Values at which a misplaced epsilon, decay or correction shows.
        dict(base, name="adamw_large", kind="adamw", lr=0.03, vision_lr=0.01, beta1=0.8, beta2=0.95, epsilon=1e-2,
             weight_decay=0.3, clip_norm=2.0, schedule="poly", warmup=4),
        dict(base, name="sgd", kind="sgd", lr=0.03, vision_lr=0.01, weight_decay=0.3, clip_norm=2.0, schedule="poly"),
        dict(base, name="sgd_plain", kind="sgd", lr=0.03, vision_lr=0.01, weight_decay=0.3, momentum=0.0,
             schedule="constant"),
        dict(base, name="sgd_nesterov", kind="sgd", lr=0.03, vision_lr=0.01, weight_decay=0.3, nesterov=True,
             schedule="poly"),
    ]


def ema():
    """A student of a linear layer and BatchNorm2d that moves by SGD, and its teacher."""
    torch.manual_seed(9)
    student = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    teacher = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    names = {"0.weight": "conv/weight", "0.bias": "conv/bias", "1.weight": "bn/weight", "1.bias": "bn/bias",
             "1.running_mean": "bn/running_mean", "1.running_var": "bn/running_var"}

    def values(net):
        return {new: lists(net.state_dict()[old].reshape(3, 2).t() if old == "0.weight" else net.state_dict()[old])
                for old, new in names.items()}

    opt = torch.optim.SGD(student.parameters(), lr=0.3)
    out = {"alpha": 0.7, "steps": STEPS, "alphas": [], "start": values(teacher), "students": [], "teachers": []}
    for t in range(STEPS):
        opt.zero_grad()
        ((student(torch.randn(2, 2, 4, 4)) - 1) ** 2).mean().backward()
        opt.step()
        a = min(1 - 1 / (t + 1), out["alpha"])
        with torch.no_grad():
            for w_t, w_s in zip(teacher.parameters(), student.parameters()):
                w_t.mul_(a).add_(w_s, alpha=1 - a)
            for b_t, b_s in zip(teacher.buffers(), student.buffers()):
                b_t.copy_(b_s)
        out["alphas"].append(a)
        out["students"].append(values(student))
        out["teachers"].append(values(teacher))
    return out


def write(path, value):
    with open(path, "w") as f:
        json.dump(value, f, separators=(",", ":"), allow_nan=False)
        f.write("\n")


assert torch.__version__.startswith("2.5.1"), torch.__version__
for c in optimisers():
    write(f"model/optim/testdata/{c['name']}.json", run(c))
write("model/teacher/testdata/ema.json", ema())
