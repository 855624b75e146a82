#!/usr/bin/env python3
"""Writes model/blip/testdata/blip*.json: what transformers' BLIP generates, to check the Go networks against.

    python3 tools/golden_blip/golden_blip.py model/blip/testdata
    python3 tools/golden_blip/golden_blip.py --save base DIR   # a folder of blip-image-captioning-base's size, random weights
    python3 tools/golden_blip/golden_blip.py --time DIR TOKENS BEAMS THREADS  # of the processor and the clock

Made as those of tools/golden_blip2 are, and read by the same test.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import BlipConfig, BlipForConditionalGeneration

sys.path.append(str(Path(__file__).parents[1] / "golden_blip2"))
from golden_blip2 import ALL, GREEDY, SOME, main, recorded, refuse_dull, uniform, value  # noqa: E402

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
    return recorded(arguments, prompt, out, len(images), begin)


def golden(name, salt):
    config, model, shapes = network(name, salt)
    runs = CASES[name][2]
    side = config.vision_config.image_size
    images = torch.from_numpy(uniform("images", 2, 3, side, side) * np.float32(2))
    out = [run(model, a, images, None) for a in runs] + [run(model, GREEDY, images, PROMPT)]
    refuse_dull(out)
    print(name, salt, [o["tokens"] for o in out])
    parts = {p: getattr(config, p).to_diff_dict() for p in ("vision_config", "text_config")}
    keep = {p: {k: v for k, v in d.items() if not k.startswith("_")} for p, d in parts.items()}
    # The file for the whole network is not what generates, as in published folders, which say eos_token_id 2.
    return dict(config=dict(model_type="blip", **keep), generation=dict(eos_token_id=2, pad_token_id=0, bos_token_id=3),
                dtype=CASES[name][3], salt=salt, shapes=shapes, runs=out)


def save(_, folder):
    config = BlipConfig(text_config=dict(num_attention_heads=12), vision_config=dict(initializer_range=0.02))
    BlipForConditionalGeneration(config).save_pretrained(folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(BlipForConditionalGeneration, CASES, golden, save)
