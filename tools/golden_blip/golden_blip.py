#!/usr/bin/env python3
"""Writes model/blip/testdata/blip*.json: what transformers' BLIP generates, to check the Go networks against.

    python3 tools/golden_blip/golden_blip.py model/blip/testdata
    python3 tools/golden_blip/golden_blip.py --save base DIR   # a folder of blip-image-captioning-base's size, random weights
    python3 tools/golden_blip/golden_blip.py --time DIR TOKENS BEAMS THREADS  # of the processor and the clock

Made as those of tools/golden_blip2 are, and read by the same test.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import BlipConfig, BlipForConditionalGeneration

sys.path.append(str(Path(__file__).parents[1] / "golden_blip2"))
from golden_blip2 import ALL, GREEDY, SOME, Dull, hashed, margins, uniform, value  # noqa: E402

VISION = dict(hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7)
TEXT = dict(vocab_size=61, hidden_size=20, num_hidden_layers=2, intermediate_size=40, num_attention_heads=2, max_position_embeddings=40,
            bos_token_id=60, sep_token_id=7, pad_token_id=1, eos_token_id=2)
CLASS = 5  # what BERT's tokeniser puts in front
PROMPT = [CLASS, 11, 23, 7]

# name: vision, text; runs; type of the file
CASES = {
    "blip": ({}, {}, ALL, "float32"),
    "blip_untied": (dict(image_size=32, hidden_act="gelu_new"), dict(tie_word_embeddings=False, hidden_act="relu", num_hidden_layers=3), SOME, "float32"),
    "blip_half": (dict(num_hidden_layers=1), dict(vocab_size=67, layer_norm_eps=1e-5, num_attention_heads=4), SOME, "float16"),
}


def network(name, salt=""):
    vision, text, _, dtype = CASES[name]
    config = BlipConfig(vision_config=VISION | vision, text_config=TEXT | text)
    for part in (config, config.text_config, config.vision_config):
        part._attn_implementation = "eager"
    model = BlipForConditionalGeneration(config).eval()
    shapes = {}
    with torch.no_grad():
        for key, p in model.named_parameters():  # tied ones come once
            shapes[key] = list(p.shape)
            v = value(salt, key, p.shape)
            if "embeddings.weight" in key:
                v = uniform(salt + key, *p.shape)
            p.copy_(torch.from_numpy(v).to(getattr(torch, dtype)).float())
    return config, model, shapes


def run(model, arguments, images, prompt):
    ids = torch.tensor([prompt] * len(images)) if prompt else None
    with torch.no_grad():
        out = model.generate(images, ids, **arguments, output_logits=True, output_scores=True, return_dict_in_generate=True)
    begin = len(prompt) - 1 if prompt else 1
    beams = arguments.get("num_beams", 1)
    samples = []
    for step, logits in enumerate(out.logits if beams == 1 else out.logits[:1]):
        logits = logits.reshape(len(images), beams, -1)[:, 0]
        at = (hashed(f"sample/{step}", 4) % np.uint64(logits.shape[-1])).astype(np.int64)
        samples.append([[float(np.float32(v)) for v in row[torch.from_numpy(at)]] + [float(row.abs().max())] for row in logits])
    close = min(margins(s) for s in out.scores) if beams == 1 else 1
    if close < 1e-3:
        raise Dull(f"two tokens are only {close} apart")
    return dict(arguments=arguments, prompt=prompt or [], tokens=out.sequences[:, begin:].tolist(), logits=samples)


def golden(name, salt):
    config, model, shapes = network(name, salt)
    runs = CASES[name][2]
    side = config.vision_config.image_size
    images = torch.from_numpy(uniform("images", 2, 3, side, side) * np.float32(2))
    out = [run(model, a, images, None) for a in runs] + [run(model, GREEDY, images, PROMPT)]
    greedy = out[0]["tokens"]
    if len(set(sum(greedy, []))) < 7 or greedy[0] == greedy[1]:
        raise Dull("always the same")
    if len(runs) > 2 and sum(any(1 in row for row in o["tokens"]) for o in out if "num_beams" in o["arguments"]) < 2:
        raise Dull("no beam ends")
    print(name, salt, [o["tokens"] for o in out])
    parts = {p: getattr(config, p).to_diff_dict() for p in ("vision_config", "text_config")}
    keep = {p: {k: v for k, v in d.items() if not k.startswith("_")} for p, d in parts.items()}
    # The file for the whole network is not what generates, as in published folders, which say eos_token_id 2.
    return dict(config=dict(model_type="blip", **keep), generation=dict(eos_token_id=2, pad_token_id=0, bos_token_id=3),
                dtype=CASES[name][3], salt=salt, shapes=shapes, runs=out)


def timed(folder, tokens, beams):
    """Seconds of the processor and of the clock for one image."""
    model = BlipForConditionalGeneration.from_pretrained(folder, torch_dtype=torch.float32).eval()
    side = model.config.vision_config.image_size
    image = torch.from_numpy(uniform("images", 1, 3, side, side))
    ask = lambda: model.generate(image, max_new_tokens=tokens, min_new_tokens=tokens, num_beams=beams)
    ask()
    for _ in range(5):
        clock, cpu = time.perf_counter(), time.process_time()
        ask()
        print(f"{time.process_time() - cpu:.3f} {time.perf_counter() - clock:.3f}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--save")
    p.add_argument("--time")
    p.add_argument("rest", nargs="+")
    a = p.parse_args()
    if a.save:
        BlipForConditionalGeneration(BlipConfig(text_config=dict(num_attention_heads=12), vision_config=dict(initializer_range=0.02))).save_pretrained(a.rest[0])
        return
    if a.time:
        torch.set_num_threads(int(a.rest[2]))
        timed(a.time, int(a.rest[0]), int(a.rest[1]))
        return
    for name in a.rest[1:] or CASES:
        for salt in range(200):
            try:
                text = json.dumps(golden(name, f"{salt}/"), separators=(",", ":"))
                break
            except Dull:
                pass
        (Path(a.rest[0]) / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
