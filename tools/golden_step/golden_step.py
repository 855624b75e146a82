#!/usr/bin/env python3
"""Writes step.json of model/train: five training steps on images in PyTorch.

    python3 tools/golden_step/golden_step.py model/train/testdata/step.json

Made with Python 3.11, torch 2.5.1 (CPU), numpy 2.4.6, in float64. The network is segment.py of the
export command; the step is that of docs/METHOD.md#training-step and of UniMatch: the teacher, with
running statistics, labels the weak view; the student learns labelled images and the strong view
with one encoder pass and statistics of their own in the heads; then the moving average. Images,
labels, captions and parameters are a hash of their name, as in tools/golden_dlg, so only losses and
weights are stored.
"""
import copy
import importlib.util
import json
import sys
from pathlib import Path

import torch
from torch.nn import functional as F

TOOLS = Path(__file__).parent.parent
sys.path += [str(TOOLS / "golden_dlg"), str(TOOLS / "golden_loss")]
from golden_dlg import sampled, uniform, value  # noqa: E402
from golden_loss import dyce  # noqa: E402

spec = importlib.util.spec_from_file_location("segment", TOOLS.parent / "pipelines/internal/export/segment.py")
segment = importlib.util.module_from_spec(spec)
spec.loader.exec_module(segment)

torch.set_default_dtype(torch.float64)
CLASSES, SIDE, PATCH, WIDTH, LABELLED, UNLABELLED, STEPS = 4, 32, 8, 16, 2, 3, 5
LR, VISION_LR, ALPHA, THRESHOLD, LAMBDA, OMEGA, SHARPER = 0.05, 0.02, 0.7, 0.55, 0.8, 0.5, 3
CLIP = dict(projection_dim=WIDTH, text_config=dict(hidden_size=WIDTH, num_hidden_layers=0, vocab_size=1, max_position_embeddings=1),
            vision_config=dict(hidden_size=WIDTH, patch_size=PATCH, image_size=16, num_attention_heads=2, num_hidden_layers=2))

BLOCK = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp/up", "mlp.fc2": "mlp/down", "self_attn.out_proj": "attn/out"}


def name(key):
    """Our name of a tensor, and which of the three parts of that it is, where it is one."""
    for long, short in (("guidance.", "dlg/"), ("decoder.", "decode/")):
        if key.startswith(long):
            return short + key[len(long):].replace(".", "/"), None
    key = key.removeprefix("clip.").removeprefix("vision_model.")
    fixed = {"embeddings.class_embedding": "class", "embeddings.patch_embedding.weight": "patch/weight", "embeddings.position_embedding.weight": "positions",
             "visual_projection.weight": "proj/weight"}
    if key in fixed:
        return "vision/" + fixed[key], None
    layer, kind = key.rsplit(".", 1)
    if not layer.startswith("encoder"):
        return f"vision/{dict(pre_layrnorm='ln_pre', post_layernorm='ln_post')[layer]}/{kind}", None
    _, _, i, part = layer.split(".", 3)
    if part[-6:] in ("q_proj", "k_proj", "v_proj"):
        return f"vision/blocks/{i}/attn/qkv/{kind}", "qkv".index(part[-6])
    return f"vision/blocks/{i}/{BLOCK[part]}/{kind}", None


def here(t):
    """A tensor of PyTorch as ours lie: matrices [in, out], kernels [P*P*in, out]."""
    if t.dim() == 4:
        return t.permute(2, 3, 1, 0).reshape(-1, len(t))
    return t.T if t.dim() == 2 else t


def there(t, like):
    if like.dim() == 4:
        out, n, p, q = like.shape
        return t.reshape(p, q, n, out).permute(3, 2, 0, 1)
    return t.T if like.dim() == 2 else t


def entries(net):
    """Ours by name: the tensors of PyTorch that it consists of, side by side."""
    out = {}
    for key, t in net.state_dict().items():
        if key.startswith("clip.text") or key == "clip.logit_scale" or key.endswith("num_batches_tracked"):
            continue
        mine, part = name(key)
        out.setdefault(mine, []).append((part or 0, key, t))
    return {k: sorted(v) for k, v in out.items()}


def ours(path, parts):
    if path == "vision/positions":  # a table, not a matrix
        return parts[0][2]
    return torch.cat([here(t) for _, _, t in parts], -1)


def fill(net, root):
    state = net.state_dict()
    for path, parts in entries(net).items():
        v = torch.tensor(value(path, *ours(path, parts).shape).astype("float64"))
        if path == "decode/classifier/weight":
            v = v * SHARPER
        if root == "teacher":
            v = v * 0.9
        for piece, (_, key, t) in zip(v.chunk(len(parts), -1), parts):
            state[key] = piece if path == "vision/positions" else there(piece, t)
    net.load_state_dict(state)
    return net


def numbers(what, low, high, *dims):
    """Whole numbers from low to before high."""
    return torch.tensor(((uniform(what, *dims).astype("float64") + 1) / 2 * (high - low)).astype("int64") + low)


class Batch:
    def __init__(self, step):
        image = lambda what, n: numbers(f"{what}/{step}", 0, 256, n, SIDE, SIDE, 3).permute(0, 3, 1, 2)
        text = lambda what, n: torch.tensor(uniform(f"{what}/{step}", n, 6, WIDTH).astype("float64"))
        plane = lambda what, low, high, n: numbers(f"{what}/{step}", low, high, n, SIDE, SIDE)
        self.images, self.weak, self.strong = image("images", LABELLED), image("weak", UNLABELLED), image("strong", UNLABELLED)
        self.text, self.utext = text("text", LABELLED), text("utext", UNLABELLED)
        self.count, self.ucount = numbers(f"count/{step}", 1, 7, LABELLED), numbers(f"ucount/{step}", 1, 7, UNLABELLED)
        self.labels, self.paste = (plane(what, 0, CLASSES + 1, n) for what, n in (("labels", LABELLED), ("paste", UNLABELLED)))
        self.labels[self.labels == CLASSES] = 255
        self.paste[self.paste == CLASSES] = 255
        self.mix, self.valid = plane("mix", 0, 3, UNLABELLED), plane("valid", 0, 4, UNLABELLED) > 0


def pseudo_labels(teacher, b):
    """Probabilities for the strong view: those of the weak one, mixed as the images are."""
    with torch.no_grad():
        q = teacher(b.weak, b.utext, b.ucount).softmax(1)
    known = b.paste != 255
    pasted = F.one_hot(b.paste * known, CLASSES).movedim(-1, 1) * known[:, None]
    mix = b.mix[:, None]
    return torch.where(mix == 2, pasted, torch.where(mix == 1, q.roll(-1, 0), q))


def consistency(z, q, valid, rule, norm, balance, soft):
    """Eq. (4) and its variants; UniMatch divides by all valid pixels, FixMatch's kin by the confident."""
    confidence, label = q.max(1)
    known = valid & (confidence > 0)
    threshold = torch.full_like(confidence, THRESHOLD)
    if rule == "class":
        for c in range(CLASSES):
            of = known & (label == c)
            if of.any():
                threshold[label == c] = confidence[of].mean().clamp(max=THRESHOLD)
    sure = known & (confidence >= threshold)
    learnt = known if norm == "share" else sure
    share = sure.sum() / valid.sum()
    losses = F.kl_div(z.log_softmax(1), q, reduction="none").sum(1) if soft else F.cross_entropy(z, label, reduction="none")
    if balance:
        sizes = torch.bincount(label[learnt], minlength=CLASSES).double()
        weights = (learnt.sum() ** -OMEGA * sizes ** -(1 - OMEGA))[label]
        total = torch.where(learnt, losses * weights, 0).sum()
        return total * (share if norm in ("share", "valid") else 1), share
    total = (losses * learnt).sum()
    if norm == "valid":
        return total / valid.sum(), share
    return total / learnt.sum() * (share if norm == "share" else 1), share


def run(guidance, norm_kind, loss, hard, rule="fixed", norm="valid", balance=False, soft=False):
    config = dict(guidance=dict(kind=guidance, context=77, scale=1), decoder=dict(kind="simple", norm=norm_kind, classes=CLASSES, absent=[]))
    student = fill(segment.Segmenter(config, CLIP), "student").train()
    teacher = fill(copy.deepcopy(student), "teacher").eval()
    vision = [p for k, p in student.named_parameters() if k.startswith(("clip.vision_model", "clip.visual"))]
    heads = [p for k, p in student.named_parameters() if not k.startswith("clip")]
    sgd = torch.optim.SGD([dict(params=vision, lr=VISION_LR), dict(params=heads)], lr=LR, momentum=0.9)
    losses = []
    for step in range(STEPS):
        b = Batch(step)
        q = pseudo_labels(teacher, b)
        flat = lambda z: z.movedim(1, -1).reshape(-1, CLASSES)
        z = student(b.images, b.text, b.count)
        supervised = dyce(flat(z), b.labels.flatten(), OMEGA, hard) if loss == "dyce" else F.cross_entropy(z, b.labels, ignore_index=255)
        consistent, share = consistency(student(b.strong, b.utext, b.ucount), q, b.valid, rule, norm, balance, soft)
        total = supervised + LAMBDA * consistent
        sgd.zero_grad()
        total.backward()
        sgd.step()
        alpha = min(1 - 1 / (step + 1), ALPHA)
        with torch.no_grad():
            for t, s in zip(teacher.parameters(), student.parameters()):
                t.mul_(alpha).add_(s, alpha=1 - alpha)
            for t, s in zip(teacher.buffers(), student.buffers()):
                t.copy_(s)
        losses.append([float(x) for x in (total, supervised, consistent, share)])
    return dict(losses=losses, weights={path: sampled(ours(path, parts).contiguous()) for path, parts in entries(student).items()})


CASES = {
    "sum_res bn dyce": dict(hard=0.3),
    "outer_res bn dyce class balanced": dict(hard=0.3, rule="class", balance=True),
    "none bn ce soft": dict(hard=1, soft=True),
    "none gn ce share": dict(hard=1, norm="share"),
    "cross gn dyce confident": dict(hard=1, norm="confident"),
}

if __name__ == "__main__":
    out = {}
    for case, options in CASES.items():
        guidance, norm_kind, loss = case.split()[:3]
        out[case] = run(guidance, norm_kind, loss, **options)
        print(case, *([f"{x:.4f}" for x in step] for step in out[case]["losses"]))
    Path(sys.argv[1]).write_text(json.dumps(out, separators=(",", ":")))
