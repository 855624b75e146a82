#!/usr/bin/env python3
"""Writes model/blip/testdata: what transformers' BLIP-2 generates, to check the Go networks against.

    python3 tools/golden_blip2/golden_blip2.py model/blip/testdata
    python3 tools/golden_blip2/golden_blip2.py --save small DIR   # a folder of that network
    python3 tools/golden_blip2/golden_blip2.py --time DIR TOKENS BEAMS THREADS  # of the processor and the clock

Made with Python 3.11, torch 2.5.1 (CPU), transformers 4.57.6, numpy 2.4.6. No weights are
stored: the tensors of a network, by the names that transformers saves them under, and the
images are a hash of name and index that the Go test computes too (uniform of golden_clip.py).

A file holds config.json, generation_config.json, the shapes of the tensors, and for each run
the arguments of generate, the tokens, and of each step of a greedy run or the first of one
with beams some logits at hashed positions with the largest magnitude. Networks run in float32
with eager attention. Where two tokens were so close that rounding could swap them, the script
takes another salt for the weights, and so it does where the captions are dull.

Word embeddings of another width than the network's (project_in, project_out): transformers
scatters the projected queries, of the network's width, into rows of that of the embeddings,
which mixes up their numbers. Here, as in Go, the queries join the words behind project_in:
the OPT of transformers gets the sum of both as embeddings and an identity as project_in.
"""
import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import Blip2Config, Blip2ForConditionalGeneration
from transformers.models.opt.modeling_opt import OPTPreTrainedModel
from transformers.utils import logging

sys.path.append(str(Path(__file__).parents[1] / "golden_clip"))
from golden_clip import hashed, uniform  # noqa: E402

logging.set_verbosity_error()
OPTPreTrainedModel._init_weights = lambda *_: None  # it fails at norms without weights

VISION = dict(hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7)
QFORMER = dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=20)
TEXT = dict(model_type="opt", vocab_size=61, hidden_size=24, num_hidden_layers=2, ffn_dim=40, num_attention_heads=2,
            max_position_embeddings=60, eos_token_id=7, pad_token_id=1, bos_token_id=2)
IMAGE = 60

GREEDY = dict(max_new_tokens=14)
ALL = [
    GREEDY, dict(max_new_tokens=12, min_new_tokens=9),
    dict(max_new_tokens=12, num_beams=3), dict(max_new_tokens=12, num_beams=4, length_penalty=2.0),
    dict(max_new_tokens=12, num_beams=3, early_stopping=True, length_penalty=-1.0),
    dict(max_new_tokens=12, num_beams=3, early_stopping="never", length_penalty=0.6),
    dict(max_new_tokens=10, num_beams=2, min_new_tokens=6, length_penalty=0.0),
    dict(max_new_tokens=9, num_beams=5, early_stopping=True, min_new_tokens=3),
]
SOME = [GREEDY, dict(max_new_tokens=10, num_beams=3)]

# name: vision, Q-Former, OPT, others; runs; type of the file
CASES = {
    "small": ({}, {}, {}, {}, ALL, "float32"),
    "post": (dict(qkv_bias=False, hidden_act="gelu_new"), dict(cross_attention_frequency=1, hidden_act="relu"),
             dict(do_layer_norm_before=False, activation_function="gelu", hidden_size=30, num_attention_heads=3), {}, SOME, "float32"),
    "project": ({}, dict(cross_attention_frequency=3), dict(word_embed_proj_dim=20), {}, SOME, "float32"),
    "project_post": ({}, {}, dict(word_embed_proj_dim=28, do_layer_norm_before=False), {}, SOME, "float32"),
    "untied": (dict(image_size=32), dict(num_hidden_layers=2), dict(tie_word_embeddings=False, eos_token_id=[7, 9]), {}, SOME + ALL[4:6], "float32"),
    "half": (dict(num_hidden_layers=1), dict(num_hidden_layers=1), dict(vocab_size=67, activation_function="silu"), {}, SOME, "float16"),
    "bare": ({}, {}, dict(enable_bias=False, layer_norm_elementwise_affine=False, _remove_final_layer_norm=True), {}, SOME, "bfloat16"),
}
# Before transformers 4.46 there was no image token, and the queries came before the prompt.
OLD = ["post", "half"]
PROMPT = [2, 11, 23, 5]


def value(salt, name, dims):
    u = uniform(salt + name, *dims)
    if "norm" in name.lower():
        return np.float32(1) + u * np.float32(0.2) if name.endswith(".weight") else u * np.float32(0.1)
    if name.endswith(".bias"):
        return u * np.float32(0.1)
    if name.endswith(".weight") and "embed_" not in name:
        return u * np.float32(math.sqrt(6 / math.prod(dims[1:])))
    return u


class Words(nn.Module):
    """Word embeddings behind project_in."""

    def __init__(self, decoder):
        super().__init__()
        self.table, self.project = decoder.embed_tokens, decoder.project_in

    def forward(self, ids):
        return self.project(self.table(ids))


def network(name, salt="", text=None):
    vision, qformer, opt, others, _, dtype = CASES[name]
    config = Blip2Config(vision_config=VISION | vision, qformer_config=QFORMER | qformer, text_config=TEXT | opt | (text or {}),
                         num_query_tokens=4, image_token_index=IMAGE, **others)
    config._attn_implementation = "eager"
    for part in (config.text_config, config.vision_config, config.qformer_config):
        part._attn_implementation = "eager"
    model = Blip2ForConditionalGeneration(config).eval()
    shapes = {}
    with torch.no_grad():
        for key, p in model.named_parameters():  # tied ones come once
            shapes[key] = list(p.shape)
            p.copy_(torch.from_numpy(value(salt, key, p.shape)).to(getattr(torch, dtype)).float())
    return config, model, shapes


def described(name, config):
    c = config.to_dict()
    keep = lambda d: {k: v for k, v in d.items() if not k.startswith("_") or k == "_remove_final_layer_norm"}
    c = keep(c)
    for part in ("vision_config", "qformer_config", "text_config"):
        own, default = keep(getattr(config, part).to_diff_dict()), {}
        c[part] = own
    c = {k: c[k] for k in ("model_type", "num_query_tokens", "vision_config", "qformer_config", "text_config")}
    if name not in OLD:
        c["image_token_index"] = IMAGE
    return c


def margins(scores):
    top = scores.topk(2).values
    return float((top[..., 0] - top[..., 1]).min())


def run(name, salt, config, model, arguments, images, prompt):
    shown = [IMAGE] * config.num_query_tokens + (prompt or [2])
    ids = torch.tensor([shown] * len(images))
    lm = model.language_model
    with torch.no_grad():
        seen = model.language_projection(model.qformer(
            query_embeds=model.query_tokens.expand(len(images), -1, -1),
            encoder_hidden_states=model.vision_model(images).last_hidden_state).last_hidden_state)
        mask = ids == IMAGE
        if lm.config.word_embed_proj_dim != lm.config.hidden_size and not isinstance(lm.model.decoder.embed_tokens, Words):
            lm.model.decoder.embed_tokens, lm.model.decoder.project_in = Words(lm.model.decoder), None
        x = lm.get_input_embeddings()(ids)
        x = x.masked_scatter(mask.unsqueeze(-1).expand_as(x), seen)
        ask = dict(arguments, output_logits=True, output_scores=True, return_dict_in_generate=True)
        out = lm.generate(inputs_embeds=x, input_ids=ids, attention_mask=torch.ones_like(ids), **ask)
        if lm.config.word_embed_proj_dim == lm.config.hidden_size:
            whole = model.generate(pixel_values=images, input_ids=ids if prompt else None, **ask)
            assert torch.equal(whole.sequences, out.sequences)
    return recorded(arguments, prompt, out, len(images), len(shown))


def recorded(arguments, prompt, out, images, begin):
    """The run of a file, of what generate gave: its tokens from begin on, and logits."""
    beams = arguments.get("num_beams", 1)
    tokens = out.sequences[:, begin:].tolist()
    steps = out.logits if beams == 1 else out.logits[:1]
    samples = []
    for step, logits in enumerate(steps):
        logits = logits.reshape(images, beams, -1)[:, 0]
        at = (hashed(f"sample/{step}", 4) % np.uint64(logits.shape[-1])).astype(np.int64)
        samples.append([[float(np.float32(v)) for v in row[torch.from_numpy(at)]] + [float(row.abs().max())] for row in logits])
    close = min(margins(s) for s in out.scores) if beams == 1 else 1
    if close < 1e-3:
        raise Dull(f"two tokens are only {close} apart")
    return dict(arguments=arguments, prompt=prompt or [], tokens=tokens, logits=samples)


class Dull(Exception):
    pass


def golden(name, salt):
    config, model, shapes = network(name, salt)
    runs = CASES[name][4]
    side = config.vision_config.image_size
    images = torch.from_numpy(uniform("images", 2, 3, side, side) * np.float32(2))
    out = [run(name, salt, config, model, a, images, None) for a in runs]
    out.append(run(name, salt, config, model, GREEDY, images, PROMPT))
    refuse_dull(out)
    print(name, salt, [o["tokens"] for o in out])
    return dict(config=described(name, config), generation=dict(eos_token_id=config.text_config.eos_token_id, pad_token_id=1, bos_token_id=2),
                dtype=CASES[name][5], salt=salt, shapes=shapes, runs=out)


def refuse_dull(out):
    greedy = out[0]["tokens"]
    if len(set(sum(greedy, []))) < 7 or greedy[0] == greedy[1]:
        raise Dull("always the same")
    ends = lambda o: any(1 in row for row in o["tokens"])
    if len(out) > 3 and sum(ends(o) for o in out if "num_beams" in o["arguments"]) < 2:
        raise Dull("no beam ends")


def timed(kind, folder, tokens, beams):
    """Seconds of the processor and of the clock for one image."""
    model = kind.from_pretrained(folder, torch_dtype=torch.float32).eval()
    side = model.config.vision_config.image_size
    image = torch.from_numpy(uniform("images", 1, 3, side, side))
    ask = lambda: model.generate(image, max_new_tokens=tokens, min_new_tokens=tokens, num_beams=beams)
    ask()
    for _ in range(5):
        clock, cpu = time.perf_counter(), time.process_time()
        ask()
        print(f"{time.process_time() - cpu:.3f} {time.perf_counter() - clock:.3f}", flush=True)


def main(kind, cases, golden, save):
    p = argparse.ArgumentParser()
    p.add_argument("--save")
    p.add_argument("--time")
    p.add_argument("rest", nargs="+")
    a = p.parse_args()
    if a.save:
        save(a.save, a.rest[0])
        return
    if a.time:
        torch.set_num_threads(int(a.rest[2]))
        timed(kind, a.time, int(a.rest[0]), int(a.rest[1]))
        return
    for name in a.rest[1:] or cases:
        for salt in range(200):
            try:
                text = json.dumps(golden(name, f"{salt}/"), separators=(",", ":"))
                break
            except Dull:
                pass
        (Path(a.rest[0]) / f"{name}.json").write_text(text + "\n")


def save(name, folder):
    network(name, "1/")[1].save_pretrained(folder, max_shard_size="20KB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Blip2ForConditionalGeneration, CASES, golden, save)
