"""Segments images with a network that semidavil exported, in PyTorch alone.

    python segment.py image.png "a street with cars and a bus"    # writes two PNGs
    python segment.py --check              # the same logits as the program that exported it?
    python segment.py --onnx network.onnx  # the whole network for one size of images

The file stands for itself: it needs torch, safetensors, numpy and Pillow, and the folder that it
lies in. In a program of your own:

    import segment
    net, config = segment.load("out/export")
    tokens, count = segment.Tokenizer("out/export/clip")("a street with cars and a bus")
    text = net.clip.text(tokens[None])                     # f32[1,77,E], one feature a token
    logits = net(image, text, count[None])                 # u8[1,3,H,W] -> f32[1,K,H,W]

README.md beside it lists every tensor. Shapes below: B images, K classes, H W pixels, h w patches,
N = h*w, n tokens, C the width that CLIP projects both towers to.
"""

import argparse
import html
import json
import os
import sys
import unicodedata

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file

# ---- CLIP, with the names of transformers' CLIPModel ---------------------------------------


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = nn.ModuleDict({f"{p}_proj": nn.Linear(width, width) for p in ("q", "k", "v", "out")})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, x, causal=False):
        b, n, width = x.shape
        y = self.layer_norm1(x)
        q, k, v = (self.self_attn[p](y).view(b, n, self.heads, -1).transpose(1, 2) for p in ("q_proj", "k_proj", "v_proj"))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.finish(x, y.transpose(1, 2).reshape(b, n, width))

    def value(self, x):
        """The block in which each token keeps its own value instead of attending (MaskCLIP)."""
        return self.finish(x, self.self_attn["v_proj"](self.layer_norm1(x)))

    def finish(self, x, y):
        x = x + self.self_attn["out_proj"](y)
        y = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](y * torch.sigmoid(1.702 * y))  # QuickGELU


class Vision(nn.Module):
    def __init__(self, c):
        super().__init__()
        width, patch = c["hidden_size"], c["patch_size"]
        self.grid = c["image_size"] // patch
        self.embeddings = nn.Module()
        self.embeddings.class_embedding = nn.Parameter(torch.zeros(width))
        self.embeddings.patch_embedding = nn.Conv2d(3, width, patch, patch, bias=False)
        self.embeddings.position_embedding = nn.Embedding(1 + self.grid ** 2, width)
        self.pre_layrnorm, self.post_layernorm = nn.LayerNorm(width), nn.LayerNorm(width)  # sic
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(Block(width, c["num_attention_heads"]) for _ in range(c["num_hidden_layers"]))})

    def positions(self, h, w):
        """The table of positions, interpolated where the grid is another than the table's."""
        table = self.embeddings.position_embedding.weight
        grid = table[1:].T.reshape(1, -1, self.grid, self.grid)
        if (h, w) != (self.grid, self.grid):
            grid = F.interpolate(grid, (h, w), mode="bicubic", align_corners=False)
        return torch.cat([table[:1], grid.flatten(2)[0].T])

    def forward(self, image):
        """Normalised images to features of the patches, f32[B,width,h,w]: those of the last block,
        and low-level ones of a third of the way."""
        x = self.embeddings.patch_embedding(image)
        b, width, h, w = x.shape
        x = torch.cat([self.embeddings.class_embedding.expand(b, 1, width), x.flatten(2).transpose(1, 2)], 1)
        x = self.pre_layrnorm(x + self.positions(h, w))
        layers, skip = self.encoder["layers"], None
        for i, layer in enumerate(layers[:-1]):
            if i == len(layers) // 3:
                skip = layer.value(x[:, 1:])
            x = layer(x)
        x = layers[-1].value(x[:, 1:])
        grid = lambda y: y.transpose(1, 2).reshape(b, -1, h, w)
        return self.post_layernorm(x).view(b, h, w, width), grid(x if skip is None else skip)


class Text(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["hidden_size"]
        self.embeddings = nn.Module()
        self.embeddings.token_embedding = nn.Embedding(c["vocab_size"], width)
        self.embeddings.position_embedding = nn.Embedding(c["max_position_embeddings"], width)
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(Block(width, c["num_attention_heads"]) for _ in range(c["num_hidden_layers"]))})
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, tokens):
        x = self.embeddings.token_embedding(tokens) + self.embeddings.position_embedding.weight[:tokens.shape[1]]
        for layer in self.encoder["layers"]:
            x = layer(x, causal=True)
        return self.final_layer_norm(x)


class CLIP(nn.Module):
    def __init__(self, c):
        super().__init__()
        v, t, width = c["vision_config"], c["text_config"], c["projection_dim"]
        self.vision_model, self.text_model = Vision(v), Text(t)
        self.visual_projection = nn.Linear(v["hidden_size"], width, bias=False)
        self.text_projection = nn.Linear(t["hidden_size"], width, bias=False)
        self.logit_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("mean", torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1), persistent=False)

    def vision(self, image):
        """u8[B,3,H,W] RGB to features f32[B,h,w,C] and low-level ones f32[B,width,h,w]."""
        dense, skip = self.vision_model((image.float() / 255 - self.mean) / self.std)
        return self.visual_projection(dense), skip

    def text(self, tokens):
        """i64[B,n] to the features of all tokens, f32[B,n,C], which are kept in half precision."""
        return self.text_projection(self.text_model(tokens)).half().float()


# ---- language guidance ---------------------------------------------------------------------


def unit(x):
    return x / (x.square().sum(-1, keepdim=True) + 1e-12).sqrt()


class Guidance(nn.Module):
    """Guides the pixels' features by the tokens'. Each kind is a method of its name, and PARTS says
    which layers it has: norms, linear maps of features, and "out", of tokens or features."""

    ATTENTION = ("key_vision", "key_text", "value_vision", "value_text")
    NORMS = ("norm_vision", "norm_text")
    PARTS = {
        "outer_res": (*NORMS, *ATTENTION, "out"),
        "outer": (*NORMS, *ATTENTION, "out"),
        "sum_res": (*NORMS, *ATTENTION, "out"),
        "sum_raw": ATTENTION,
        "add_lang": ("key_vision", "key_text", "value_text"),
        "cross": (*NORMS, "query_vision", "key_text", "value_text"),
        "cross_lang": (*NORMS, "key_vision", "query_text", "value_vision"),
        "wpct": ("out",),
        "wpct_classes": (),
        "none": ("norm_vision",),
    }
    POSITIONAL = ("outer_res", "outer", "wpct")  # "out" has weights for the k-th token

    def __init__(self, c, width, skip_width):
        super().__init__()
        self.kind, self.scale = c["kind"], c["scale"]
        for part in self.PARTS[self.kind]:
            if part in self.NORMS:
                layer = nn.LayerNorm(width)
            elif part == "out" and self.kind in self.POSITIONAL:
                layer = nn.Linear(c["context"], width)
            else:
                layer = nn.Linear(width, width)
            setattr(self, part, layer)

    def forward(self, vision, skip, text, count, classes):
        """vision f32[B,h,w,C], text f32[B,n,C] of which count i64[B] tokens are valid, classes
        f32[K,C] for some kinds; returns f32[B,h,w,C], or f32[B,h,w,K] of kinds that give logits."""
        b, h, w, c = vision.shape
        valid = (torch.arange(text.shape[1], device=text.device) < count[:, None])[..., None]  # [B,n,1]
        text = text.masked_fill(~valid, 0)
        y = getattr(self, self.kind)(vision.reshape(b, h * w, c), text, valid, classes)
        return y.view(b, h, w, -1)

    def scores(self, pixels, tokens):
        """The dense attention map A of Eq. (2), f32[B,n,N]."""
        return tokens @ pixels.transpose(1, 2) / pixels.shape[-1] ** 0.5

    def over_tokens(self, a, valid):
        """What each pixel attends to: softmax over the valid tokens, f32[B,N,n]."""
        return a.masked_fill(~valid, -1e30).transpose(1, 2).softmax(-1)

    def by_token(self, y):
        """Maps f32[B,N,n], a value for each token, to f32[B,N,C]."""
        return F.linear(y, self.out.weight[:, :y.shape[-1]], self.out.bias)

    def outer_res(self, v, l, valid, classes):
        v = self.norm_vision(v)
        return v + self.product(v, self.norm_text(l), valid)

    def outer(self, v, l, valid, classes):
        return self.product(self.norm_vision(v), self.norm_text(l), valid)

    def product(self, v, l, valid):
        """Eq. (3): both attended features, their product, and the way back to the width C."""
        a = self.scores(self.key_vision(v), self.key_text(l))
        attended_vision = (a.softmax(-1) @ self.value_vision(v)).masked_fill(~valid, 0)  # [B,n,C]
        attended_text = self.over_tokens(a, valid) @ self.value_text(l)  # [B,N,C]
        return self.by_token(attended_text @ attended_vision.transpose(1, 2) / v.shape[-1] ** 0.5)

    def sum_res(self, v, l, valid, classes):
        v, l = self.norm_vision(v), self.norm_text(l)
        a = self.scores(self.key_vision(v), self.key_text(l))
        attended_vision = a.softmax(-1) @ self.value_vision(v)
        return v + self.out(self.over_tokens(a, valid) @ (self.value_text(l) + attended_vision))

    def sum_raw(self, v, l, valid, classes):
        p = self.over_tokens(self.scores(self.key_vision(v), self.key_text(l)), valid)
        return p @ (self.value_text(l) + p.transpose(1, 2) @ self.value_vision(v))

    def add_lang(self, v, l, valid, classes):
        a = self.scores(self.key_vision(v), self.key_text(l))
        return v + self.over_tokens(a, valid) @ self.value_text(l)

    def cross(self, v, l, valid, classes):
        v, l = self.norm_vision(v), self.norm_text(l)
        a = self.scores(self.query_vision(v), self.key_text(l))
        return v + self.over_tokens(a, valid) @ self.value_text(l)

    def cross_lang(self, v, l, valid, classes):
        v, l = self.norm_vision(v), self.norm_text(l)
        a = self.scores(self.key_vision(v), self.query_text(l))
        return v + self.over_tokens(a, valid) @ (a.softmax(-1) @ self.value_vision(v))

    def wpct(self, v, l, valid, classes):
        return self.by_token(self.scale * unit(v) @ unit(l).transpose(1, 2))

    def wpct_classes(self, v, l, valid, classes):
        return self.scale * unit(v) @ unit(classes).T

    def none(self, v, l, valid, classes):
        return self.norm_vision(v)


class ConvNorm(nn.Module):
    """A convolution without bias, a normalisation and ReLU."""

    def __init__(self, norm, channels, out, kernel, dilation=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2 * dilation, dilation=dilation, bias=False)
        self.norm = norm(out)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling."""

    def __init__(self, norm, channels, width, rates=(6, 12, 18)):
        super().__init__()
        self.rates = rates
        self.point, self.mean = ConvNorm(norm, channels, width, 1), ConvNorm(norm, channels, width, 1)
        for rate in rates:
            setattr(self, f"rate_{rate}", ConvNorm(norm, channels, width, 3, rate))
        self.project = ConvNorm(norm, (2 + len(rates)) * width, width, 1)

    def forward(self, x):
        y = [self.point(x)] + [getattr(self, f"rate_{rate}")(x) for rate in self.rates]
        mean = self.mean(x.mean((2, 3), keepdim=True))
        return self.project(torch.cat(y + [mean.expand(-1, -1, *x.shape[2:])], 1))


class ClassAttention(nn.Module):
    """Lets the maps of the classes see each other, on a grid four times coarser."""

    def __init__(self, width, heads=4):
        super().__init__()
        self.heads, both = heads, 2 * width
        self.ln_1, self.ln_2 = nn.LayerNorm(both), nn.LayerNorm(both)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(both, 3 * both), "out": nn.Linear(both, both)})
        self.mlp = nn.ModuleDict({"up": nn.Linear(both, 4 * width), "down": nn.Linear(4 * width, both)})

    def forward(self, x, text):
        """x f32[B*K,D,h,w], text f32[K,D]"""
        (k, d), (h, w) = text.shape, x.shape[2:]
        y = F.avg_pool2d(x, min(4, h, w))
        p, q = y.shape[2:]
        y = y.view(-1, k, d, p * q).permute(0, 3, 1, 2).reshape(-1, k, d)  # the classes are the tokens
        y = torch.cat([y, text.expand(len(y), k, d)], -1)
        parts = self.attn["qkv"](self.ln_1(y)).view(len(y), k, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = y + self.attn["out"](F.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(len(y), k, 2 * d))
        y = y + self.mlp["down"](F.gelu(self.mlp["up"](self.ln_2(y))))
        y = y[..., :d].reshape(-1, p * q, k, d).permute(0, 2, 3, 1).reshape(-1, d, p, q)
        return x + F.interpolate(y, (h, w), mode="bilinear", align_corners=False)


class Up(nn.Module):
    """Doubles the grid, puts low-level features beside it and convolves twice."""

    def __init__(self, norm, channels, skip, out):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels - skip, 2, stride=2)
        self.conv_1, self.norm_1 = nn.Conv2d(channels, out, 3, padding=1, bias=False), norm(out)
        self.conv_2, self.norm_2 = nn.Conv2d(out, out, 3, padding=1, bias=False), norm(out)

    def forward(self, x, skip):
        x = self.up(x)
        skip = F.interpolate(skip, x.shape[2:], mode="bilinear", align_corners=False)
        x = torch.cat([x, skip.repeat_interleave(len(x) // len(skip), 0)], 1)
        x = F.relu(self.norm_1(self.conv_1(x)))
        return F.relu(self.norm_2(self.conv_2(x)))


class VLGA(nn.Module):
    """SemiVL's decoder on the cosines of pixels and class prompts; it gives logits."""

    def __init__(self, c, width, skip_width):
        super().__init__()
        d = max(width // 4, 8)
        norm = lambda channels: nn.GroupNorm(max(channels // 16, 1), channels)
        self.conv, self.aspp, self.text = nn.Conv2d(1, d, 7, padding=3), ASPP(norm, d, d), nn.Linear(width, d)
        self.layers = nn.ModuleList(ClassAttention(d) for _ in range(2))
        self.skip_1 = nn.Conv2d(skip_width, max(d // 4, 1), 3, padding=1)
        self.skip_2 = nn.Conv2d(skip_width, max(d // 8, 1), 3, padding=1)
        self.up_1 = Up(norm, d, max(d // 4, 1), d // 2)
        self.up_2 = Up(norm, d // 2, max(d // 8, 1), d // 4)
        self.classifier = nn.Conv2d(d // 4, 1, 3, padding=1)

    def forward(self, vision, skip, text, count, classes):
        k, (b, h, w, _) = len(classes), vision.shape
        x = unit(vision) @ unit(classes).T
        x = self.conv(x.permute(0, 3, 1, 2).reshape(b * k, 1, h, w))  # each class is an image
        x = x + self.aspp(x)
        prompts = F.relu(self.text(unit(classes)))
        for layer in self.layers:
            x = layer(x, prompts)
        x = self.up_1(x, F.relu(self.skip_1(skip)))
        x = self.up_2(x, F.relu(self.skip_2(skip)))
        return self.classifier(x).view(b, k, 4 * h, 4 * w).permute(0, 2, 3, 1)


GUIDANCE = {**{kind: Guidance for kind in Guidance.PARTS}, "vlga": VLGA}
CLASS_PROMPTS = ("wpct_classes", "vlga")  # these read prompts of the classes, and no caption

# ---- decoders ------------------------------------------------------------------------------

NORMS = {"bn": nn.BatchNorm2d, "gn": lambda channels: nn.GroupNorm(np.gcd(32, channels), channels)}


class Simple(nn.Module):
    def __init__(self, c, width, skip_width):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(width, 256, 3, padding=1), NORMS[c["norm"]](256)
        self.classifier = nn.Conv2d(256, c["classes"], 1)

    def forward(self, x, skip):
        return self.classifier(F.relu(self.norm(self.conv(x))))


class DeepLab(nn.Module):
    """DeepLabv3+ as SemiVL has it."""

    def __init__(self, c, width, skip_width):
        super().__init__()
        norm = NORMS[c["norm"]]
        self.aspp, self.skip = ASPP(norm, width, 64), ConvNorm(norm, skip_width, 48, 1)
        self.head_1, self.head_2 = ConvNorm(norm, 48 + 64, 256, 3), ConvNorm(norm, 256, 256, 3)
        self.classifier = nn.Conv2d(256, c["classes"], 1)

    def forward(self, x, skip):
        return self.classifier(self.head_2(self.head_1(torch.cat([self.skip(skip), self.aspp(x)], 1))))


class Resize(nn.Module):
    """For guidance that gives logits."""

    def __init__(self, c, width, skip_width):
        super().__init__()

    def forward(self, x, skip):
        return x


DECODERS = {"simple": Simple, "dlv3p": DeepLab, "resize": Resize}


class Segmenter(nn.Module):
    def __init__(self, config, clip):
        super().__init__()
        guidance, decoder = config["guidance"], config["decoder"]
        width, skip_width = clip["projection_dim"], clip["vision_config"]["hidden_size"]
        self.clip = CLIP(clip)
        self.guidance = GUIDANCE[guidance["kind"]](guidance, width, skip_width)
        self.decoder = DECODERS[decoder["kind"]](decoder, width, skip_width)
        self.absent, prompts = decoder["absent"], guidance["kind"] in CLASS_PROMPTS
        self.register_buffer("class_text", torch.zeros(decoder["classes"], width) if prompts else None)

    def forward(self, image, text, count):
        """u8[B,3,H,W] RGB with sides that are multiples of the patch, the features of the captions'
        tokens (see CLIP.text) and how many of them are valid, to logits f32[B,K,H,W]."""
        vision, skip = self.clip.vision(image)
        x = self.guidance(vision, skip, text, count, self.class_text).permute(0, 3, 1, 2)
        x = self.decoder(x, skip)
        if self.absent:  # classes that the training data lacked are never predicted
            keep = torch.ones(x.shape[1], device=x.device)
            keep[self.absent] = 0
            x = x * keep.view(-1, 1, 1) - 1e9 * (1 - keep).view(-1, 1, 1)
        return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=False)


# ---- captions ------------------------------------------------------------------------------


class Tokenizer:
    """CLIP's byte-pair encoding, from vocab.json and merges.txt."""

    def __init__(self, folder, context=77):
        with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as f:
            self.ids = json.load(f)
        with open(os.path.join(folder, "merges.txt"), encoding="utf-8") as f:
            lines = [line for line in f.read().split("\n") if line and not line.startswith("#version")]
        self.ranks = {tuple(line.split(" ")): i for i, line in enumerate(lines)}
        printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        others = [b for b in range(256) if b not in printable]
        self.alphabet = {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}
        self.context = context

    def __call__(self, caption):
        """The ids, framed and filled up with zeros, i64[77], and how many count."""
        ids = [self.ids["<|startoftext|>"]]
        for piece in self.pieces(self.clean(caption)):
            ids += [self.ids[token] for token in self.merge(piece)]
        ids = ids[:self.context - 1] + [self.ids["<|endoftext|>"]]
        return torch.tensor(ids + [0] * (self.context - len(ids))), torch.tensor(len(ids))

    @staticmethod
    def clean(text):
        try:  # which CLIP's captions passed; it changes nothing in plain ASCII without "&"
            import ftfy
            text = ftfy.fix_text(text, fix_encoding=False)
        except ImportError:
            text = unicodedata.normalize("NFC", html.unescape(text)).translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'})
        return " ".join(html.unescape(html.unescape(text)).split()).lower()

    @staticmethod
    def pieces(text):
        """Words, single digits, runs of other characters, and endings such as 's."""
        kind = lambda c: " " if c.isspace() or c == "\u0345" else {"L": "L", "N": "N"}.get(unicodedata.category(c)[0], "other")
        while text:
            first, n = kind(text[0]), 1
            ending = next((e for e in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'ſ") if text.startswith(e)), None)
            if ending:
                n = len(ending)
            elif first != "N":
                while n < len(text) and kind(text[n]) == first:
                    n += 1
            if first != " ":
                yield text[:n]
            text = text[n:]

    def merge(self, piece):
        tokens = [self.alphabet[b] for b in piece.encode("utf-8")]
        tokens[-1] += "</w>"
        while len(tokens) > 1:
            rank, i = min((self.ranks.get(pair, len(self.ranks)), i) for i, pair in enumerate(zip(tokens, tokens[1:])))
            if rank == len(self.ranks):
                break
            tokens[i:i + 2] = [tokens[i] + tokens[i + 1]]
        return tokens


# ---- whole images --------------------------------------------------------------------------


def load(folder, device="cpu"):
    """The network of a folder that semidavil exported, ready for inference, and its config.json."""
    read = lambda name: json.load(open(os.path.join(folder, name), encoding="utf-8"))
    config = read("config.json")
    net = Segmenter(config, read("clip/config.json"))
    state = {"clip." + name: t for name, t in load_file(os.path.join(folder, "clip", "model.safetensors")).items()}
    net.load_state_dict({**state, **load_file(os.path.join(folder, "segmenter.safetensors"))})
    return net.eval().to(device), config


def starts(length, size, stride):
    """Where windows begin; the last one ends with the axis."""
    out = [0]
    while out[-1] + size < length:
        out.append(min(len(out) * stride, length - size))
    return out


@torch.no_grad()
def probabilities(net, image, text, count, window, size):
    """u8[1,3,H,W] to f32[1,K,height,width]: the whole image (window None), where logits are enlarged, or
    the mean of overlapping windows (width, height, stride), which is enlarged itself."""
    h, w = image.shape[2:]
    patch = net.clip.vision_model.embeddings.patch_embedding.stride[0]
    image = F.pad(image.float(), (0, -w % patch, 0, -h % patch), mode="replicate")
    height, width = image.shape[2:]
    enlarge = lambda x: F.interpolate(x[:, :, :h, :w], size, mode="bilinear", align_corners=False)
    if not window or window[0] >= width and window[1] >= height:
        return enlarge(net(image, text, count)).softmax(1)
    ww, wh = min(window[0], width), min(window[1], height)
    total, times = 0, torch.zeros(1, 1, height, width, device=image.device)
    for y in starts(height, wh, window[2]):
        for x in starts(width, ww, window[2]):
            part = net(image[:, :, y:y + wh, x:x + ww], text, count).softmax(1)
            around = (x, width - x - ww, y, height - y - wh)
            total, times = total + F.pad(part, around), times + F.pad(torch.ones_like(part[:, :1]), around)
    return enlarge(total / times)


def read_image(path):
    """An image as u8[H,W,3], turned as its EXIF says; of 16 bits the high byte, without alpha."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def segment(net, config, tokenizer, image, caption, window="trained"):
    """A PIL image to train ids u8[H,W] and their probabilities f32[H,W], at its own size."""
    device = next(net.parameters()).device
    seen = config["image"]
    small = image.resize((seen["width"], seen["height"]), Image.BICUBIC)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].to(device)
    tokens, count = (x[None].to(device) for x in tokenizer(caption))
    with torch.no_grad():
        text = net.clip.text(tokens)
    window = config["window"] if window == "trained" else window
    p = probabilities(net, pixels, text, count, window, image.size[::-1])
    confidence, label = p[0].max(0)
    return label.byte().cpu().numpy(), confidence.cpu().numpy()


def check(net, folder):
    """Compares with the logits that the exporting program computed for one image and caption."""
    stored = load_file(os.path.join(folder, "check.safetensors"))
    with torch.no_grad():
        text = net.clip.text(stored["tokens"])
        logits = net(stored["image"], text, stored["count"])
    present = [k for k in range(logits.shape[1]) if k not in net.absent]
    difference = (logits - stored["logits"])[:, present].abs().max().item()
    largest = stored["logits"][:, present].abs().max().item()
    print(f"largest difference {difference:.2g} of logits up to {largest:.3g}: {'the same' if difference <= 1e-4 * max(1, largest) else 'NOT THE SAME'}")
    return difference <= 1e-4 * max(1, largest)


class Whole(nn.Module):
    """Images and token ids to logits: both towers and the rest in one graph."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image, tokens, count):
        return self.net(image, self.net.clip.text(tokens), count)


def export_onnx(net, config, path):
    """Writes the network for images of one size: that of a window, or of the whole image."""
    w, h = config["window"][:2] if config["window"] else (config["image"]["width"], config["image"]["height"])
    patch = net.clip.vision_model.embeddings.patch_embedding.stride[0]
    image = torch.zeros(1, 3, h + -h % patch, w + -w % patch, dtype=torch.uint8)
    context = net.clip.text_model.embeddings.position_embedding.num_embeddings
    inputs = (image, torch.zeros(1, context, dtype=torch.int64), torch.tensor([2]))
    torch.onnx.export(Whole(net).eval(), inputs, path, input_names=["image", "tokens", "count"], output_names=["logits"],
                      opset_version=17, dynamo=False)
    print(f"{path}: image u8{list(image.shape)}, tokens i64[1,{context}], count i64[1] -> logits f32[1,{config['decoder']['classes']},{image.shape[2]},{image.shape[3]}]")


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    a = argparse.ArgumentParser(description="Segments an image with the network beside this file.")
    a.add_argument("image", nargs="?", help="PNG or JPEG")
    a.add_argument("caption", nargs="?", help="what the image shows; default: the names of all classes")
    a.add_argument("--output", help="where to write; default: the image's name here, with _labelTrainIds.png and _color.png")
    a.add_argument("--device", default="cpu")
    a.add_argument("--check", action="store_true", help="compare with the logits in check.safetensors")
    a.add_argument("--onnx", metavar="FILE", help="write the network as ONNX (needs pip install onnx)")
    o = a.parse_args()
    net, config = load(folder, o.device)
    if o.check:
        sys.exit(0 if check(net, folder) else 1)
    if o.onnx:
        return export_onnx(net, config, o.onnx)
    if not o.image:
        a.error("give an image, --check or --onnx")
    image = read_image(o.image)
    label, confidence = segment(net, config, Tokenizer(os.path.join(folder, "clip")), image, o.caption or config["default_caption"])
    stem = os.path.splitext(o.output or os.path.basename(o.image))[0]
    Image.fromarray(label).save(stem + "_labelTrainIds.png")
    colours = np.array([c["color"] for c in config["classes"]], np.uint8)
    Image.fromarray(colours[label]).save(stem + "_color.png")
    for k, c in enumerate(config["classes"]):
        if (label == k).any():
            print(f"{100 * (label == k).mean():5.1f} %  {c['name']:<15} mean confidence {confidence[label == k].mean():.2f}")


if __name__ == "__main__":
    main()
