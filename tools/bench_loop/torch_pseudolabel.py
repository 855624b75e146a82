"""Labels the unlabelled images of a prepared MiniCity in PyTorch, as pseudolabel does.

    python torch_pseudolabel.py CHECKPOINT CLIP DATA OUTPUT [--threshold=0.95] [--compare=LABELS]

CHECKPOINT is best.safetensors of train with the tiny preset and guidance outer_res, CLIP
the folder with its model.safetensors, DATA the output of prepare. Images and tokens come
from the shards; PNGs are decoded and written by Pillow in threads beside the network:
batches of 4 whole images, softmax, the best two classes, the threshold, then train ids,
label ids and colours of each. With --compare the labels are compared with those of
pseudolabel at the same threshold. Needs torch, numpy and Pillow.
"""
import argparse
import concurrent.futures
import glob
import io
import json
import os
import struct
import sys
import tarfile
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench_train"))
from torch_step import PRESETS, Vision  # noqa: E402

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)


def safetensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    out = {}
    for name, t in header.items():
        if name != "__metadata__":
            assert t["dtype"] == "F32", name
            begin, end = t["data_offsets"]
            out[name] = torch.from_numpy(np.frombuffer(data[begin:end], np.float32).reshape(t["shape"]).copy())
    return out, header["__metadata__"]


def set_linear(to, values, name):
    to.weight.copy_(values[name + "/weight"].T)  # matrices are stored [in, out]
    to.bias.copy_(values[name + "/bias"])


def set_norm(to, values, name):
    to.weight.copy_(values[name + "/weight"])
    to.bias.copy_(values[name + "/bias"])


def kernel(w, size):
    return w.view(size, size, -1, w.shape[1]).permute(3, 2, 0, 1)  # rows are dy, dx, channel


def vision_of(values):
    v = Vision(PRESETS["tiny"])
    v.conv.weight.copy_(kernel(values["vision/patch/weight"], v.patch))
    v.cls.copy_(values["vision/class"])
    v.positions.copy_(values["vision/positions"])
    v.proj.copy_(values["vision/proj/weight"])
    set_norm(v.ln_pre, values, "vision/ln_pre")
    set_norm(v.ln_post, values, "vision/ln_post")
    for i, block in enumerate(v.blocks):
        name = f"vision/blocks/{i}/"
        set_norm(block.ln_1, values, name + "ln_1")
        set_norm(block.ln_2, values, name + "ln_2")
        set_linear(block.qkv, values, name + "attn/qkv")
        set_linear(block.out, values, name + "attn/out")
        set_linear(block.up, values, name + "mlp/up")
        set_linear(block.down, values, name + "mlp/down")
    return v


class Text:
    """The text tower, from the names of Hugging Face's CLIP."""

    def __init__(self, values, heads=4):
        self.v, self.heads, self.layers = values, heads, 1 + max(int(n.split(".")[3]) for n in values if n.startswith("text_model.encoder.layers."))

    def linear(self, x, name):
        return F.linear(x, self.v[name + ".weight"], self.v[name + ".bias"])

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.v[name + ".weight"], self.v[name + ".bias"])

    def __call__(self, tokens):
        x = self.v["text_model.embeddings.token_embedding.weight"][tokens] + self.v["text_model.embeddings.position_embedding.weight"]
        b, n, w = x.shape
        for i in range(self.layers):
            name = f"text_model.encoder.layers.{i}."
            h = self.norm(x, name + "layer_norm1")
            q, k, v = (self.linear(h, f"{name}self_attn.{p}_proj").view(b, n, self.heads, -1).transpose(1, 2) for p in "qkv")
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, n, w)
            x = x + self.linear(y, name + "self_attn.out_proj")
            h = self.linear(self.norm(x, name + "layer_norm2"), name + "mlp.fc1")
            x = x + self.linear(h * torch.sigmoid(1.702 * h), name + "mlp.fc2")
        return self.norm(x, "text_model.final_layer_norm") @ self.v["text_projection.weight"].T


class Guided(nn.Module):
    """Guidance outer_res and the simple decoder."""

    def __init__(self, values, c=64, classes=19):
        super().__init__()
        self.norm_v, self.norm_l = nn.LayerNorm(c), nn.LayerNorm(c)
        self.vk, self.vv, self.lk, self.lv = (nn.Linear(c, c) for _ in range(4))
        set_norm(self.norm_v, values, "dlg/norm_vision")
        set_norm(self.norm_l, values, "dlg/norm_text")
        for to, name in ((self.vk, "key_vision"), (self.vv, "value_vision"), (self.lk, "key_text"), (self.lv, "value_text")):
            set_linear(to, values, "dlg/" + name)
        self.phi, self.phi_bias = values["dlg/out/weight"], values["dlg/out/bias"]
        conv, norm, classifier = nn.Conv2d(c, 256, 3, padding=1), nn.BatchNorm2d(256), nn.Conv2d(256, classes, 1)
        conv.weight.copy_(kernel(values["decode/conv/weight"], 3))
        conv.bias.copy_(values["decode/conv/bias"])
        set_norm(norm, values, "decode/norm")
        norm.running_mean.copy_(values["decode/norm/running_mean"])
        norm.running_var.copy_(values["decode/norm/running_var"])
        classifier.weight.copy_(kernel(values["decode/classifier/weight"], 1))
        classifier.bias.copy_(values["decode/classifier/bias"])
        self.decode = nn.Sequential(conv, norm, nn.ReLU(), classifier)

    def forward(self, f, text, count, size):
        b, h, w, c = f.shape
        n = text.shape[1]
        valid = torch.arange(n) < count[:, None]
        v, l = self.norm_v(f.reshape(b, h * w, c)), self.norm_l(text * valid[..., None])
        a = self.lk(l) @ self.vk(v).transpose(1, 2) / c ** 0.5
        seen = (a.softmax(-1) @ self.vv(v)) * valid[..., None]
        over = a.masked_fill(~valid[..., None], -1e30).transpose(1, 2).softmax(-1)
        g = v + over @ (self.lv(l) @ seen.transpose(1, 2) / c ** 0.5 @ self.phi[:n]) + self.phi_bias
        logits = self.decode(g.view(b, h, w, c).permute(0, 3, 1, 2))
        return F.interpolate(logits, size, mode="bilinear", align_corners=False)


def samples(data, repeat):
    """Files of the unlabelled images: key, image, tokens, number of tokens."""
    for _ in range(repeat):
        for shard in sorted(glob.glob(f"{data}/shards/unlabelled-*.tar")):
            with tarfile.open(shard) as tar:
                parts = {}
                for member in tar:
                    key, kind = member.name.split(".", 1)
                    parts.setdefault(key, {})[kind] = tar.extractfile(member).read()
            for key, part in parts.items():
                yield key, part["image.png"], np.load(io.BytesIO(part["tokens.npy"])), json.loads(part["json"])["tokens"]


def main():
    a = argparse.ArgumentParser()
    for name in ("checkpoint", "clip", "data", "output"):
        a.add_argument(name)
    a.add_argument("--threshold", type=float, default=0.95)
    a.add_argument("--batch", type=int, default=4)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--repeat", type=int, default=1)
    a.add_argument("--compare")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_grad_enabled(False)
    values, meta = safetensors(o.checkpoint)
    facts = json.loads(meta["facts"])
    ids = np.zeros(256, np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    for k, c in enumerate(facts["class_set"]["Classes"]):
        ids[k], colours[k] = c["ID"], c["Color"]
    vision, head = vision_of(values).eval(), Guided(values).eval()
    tower, known = Text(safetensors(f"{o.clip}/model.safetensors")[0]), {}
    os.makedirs(o.output, exist_ok=True)
    decode = lambda s: (s[0], np.array(Image.open(io.BytesIO(s[1])).convert("RGB")), s[2], s[3])

    def write(key, label):
        for name, pixels in (("labelTrainIds", label), ("labelIds", ids[label]), ("color", colours[label])):
            Image.fromarray(pixels).save(f"{o.output}/{key}_pseudo_{name}.png", compress_level=1)

    def segment(batch):
        fresh = {s[2].tobytes(): s for s in batch if s[2].tobytes() not in known}
        if fresh:
            for token, features in zip(fresh, tower(torch.from_numpy(np.stack([s[2] for s in fresh.values()])).long())):
                known[token] = features.half().float()
        image = torch.from_numpy(np.stack([s[1] for s in batch])).permute(0, 3, 1, 2).float()
        image = (image / 255 - MEAN) / STD
        text, count = torch.stack([known[s[2].tobytes()] for s in batch]), torch.tensor([s[3] for s in batch])
        p = head(vision(image), text, count, image.shape[2:]).softmax(1)
        top, order = p.topk(2, 1)
        label = order[:, 0].to(torch.uint8)
        return label.masked_fill(top[:, 0] < o.threshold, 255).numpy()

    done, network, start = 0, 0.0, time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(o.threads) as pool:
        ahead, batch, writes = [], [], []
        source = samples(o.data, o.repeat)
        while True:
            while len(ahead) < 3 * o.batch and (s := next(source, None)):
                ahead.append(pool.submit(decode, s))
            if not ahead:
                break
            batch = [f.result() for f in ahead[:o.batch]]
            ahead = ahead[o.batch:]
            begin = time.perf_counter()
            labels = segment(batch)
            network += time.perf_counter() - begin
            writes = [w for w in writes if not w.done() or w.result()] + [pool.submit(write, s[0], l) for s, l in zip(batch, labels)]
            done += len(batch)
        for w in writes:
            w.result()
    wall = time.perf_counter() - start
    print(f"torch {torch.__version__}, {o.threads} threads: {done / wall:.1f} images/s without imports; the network computed for {network:.1f} of {wall:.1f} s")
    if o.compare:
        equal = both = kept = pixels = 0
        for mine in sorted(glob.glob(f"{o.output}/*_pseudo_labelTrainIds.png")):
            x = np.array(Image.open(mine))
            y = np.array(Image.open(f"{o.compare}/{os.path.basename(mine)}"))
            equal, pixels = equal + (x == y).sum(), pixels + x.size
            kept, both = kept + ((x != 255) & (y != 255)).sum(), both + ((x == y) & (x != 255)).sum()
        print(f"torch labels: {equal} of {pixels} pixels are equal ({100 * equal / pixels:.4f} %), {both} of {kept} that both keep")


if __name__ == "__main__":
    main()
