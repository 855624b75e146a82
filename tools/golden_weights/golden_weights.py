#!/usr/bin/env python3
"""Writes model/weights/testdata: folders of a tiny CLIP by the Python safetensors library.

    python3 tools/golden_weights/golden_weights.py model/weights/testdata

Made with Python 3.11, torch 2.5.1, numpy 2.4.6, safetensors 0.8.0 and transformers 4.57.6.

Folders: hf_f32, hf_f16, hf_bf16, hf_sharded (three files and an index, float32, with the
int64 position_ids of older files), openai_f32 (in-projections joined as in OpenAI's
state_dict, no config of its own), openai_f16_sharded. Beside them
  params_f32.bin  the parameters as model/clip has them, float32, one after the other in
                  the order of params.json
  params.json     their names and shapes; CRC-32 of the same after rounding to f16 and bf16;
                  CRC-32 of all halves that are not NaN as float32
  outputs.json    what transformers computes with hf_f32 for two images and texts

With --check FOLDER it loads a folder that Go exported with CLIPModel.from_pretrained,
and compares its tensors and outputs with those of hf_f32 in testdata.
"""
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel

TEXT = dict(vocab_size=23, hidden_size=12, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3,
            max_position_embeddings=7, projection_dim=6, bos_token_id=21, eos_token_id=22, pad_token_id=22)
VISION = dict(hidden_size=8, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=12,
              patch_size=4, projection_dim=6)
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def make():
    torch.manual_seed(7)
    model = CLIPModel(CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=6)).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name != "logit_scale":
                p.copy_(torch.randn_like(p) * 0.3 + (1.0 if "norm" in name or "layrnorm" in name else 0.0))
    return model


def openai(sd):
    """OpenAI's state_dict, as transformers' convert_clip_original_pytorch_to_hf.py in reverse."""
    out = {}

    def layers(tower, prefix, n):
        for i in range(n):
            h, o = f"{tower}.encoder.layers.{i}.", f"{prefix}.resblocks.{i}."
            for s in ("weight", "bias"):
                out[o + "attn.in_proj_" + s] = torch.cat([sd[h + f"self_attn.{x}_proj.{s}"] for x in "qkv"])
                out[o + "attn.out_proj." + s] = sd[h + "self_attn.out_proj." + s]
                out[o + "ln_1." + s], out[o + "ln_2." + s] = sd[h + "layer_norm1." + s], sd[h + "layer_norm2." + s]
                out[o + "mlp.c_fc." + s], out[o + "mlp.c_proj." + s] = sd[h + "mlp.fc1." + s], sd[h + "mlp.fc2." + s]

    v, t = "vision_model.", "text_model."
    layers("vision_model", "visual.transformer", 3)
    layers("text_model", "transformer", 2)
    out["visual.conv1.weight"] = sd[v + "embeddings.patch_embedding.weight"]
    out["visual.class_embedding"] = sd[v + "embeddings.class_embedding"]
    out["visual.positional_embedding"] = sd[v + "embeddings.position_embedding.weight"]
    for s in ("weight", "bias"):
        out["visual.ln_pre." + s] = sd[v + "pre_layrnorm." + s]
        out["visual.ln_post." + s] = sd[v + "post_layernorm." + s]
        out["ln_final." + s] = sd[t + "final_layer_norm." + s]
    out["visual.proj"] = sd["visual_projection.weight"].T.contiguous()
    out["text_projection"] = sd["text_projection.weight"].T.contiguous()
    out["token_embedding.weight"] = sd[t + "embeddings.token_embedding.weight"]
    out["positional_embedding"] = sd[t + "embeddings.position_embedding.weight"]
    out["logit_scale"] = sd["logit_scale"]
    # As in the TorchScript archives.
    out["input_resolution"], out["context_length"], out["vocab_size"] = map(torch.tensor, (12, 7, 23))
    return out


def parameters(o):
    """model/clip's parameters from OpenAI's state_dict."""
    o = {k: v.to(torch.float32).numpy() for k, v in o.items()}
    out = {"logit_scale": o["logit_scale"]}
    out["vision/patch/weight"] = np.einsum("wcyx->yxcw", o["visual.conv1.weight"]).reshape(-1, 8)
    out["vision/class"], out["vision/positions"] = o["visual.class_embedding"], o["visual.positional_embedding"]
    out["vision/proj/weight"], out["text/proj/weight"] = o["visual.proj"], o["text_projection"]
    out["text/tokens"], out["text/positions"] = o["token_embedding.weight"], o["positional_embedding"]
    for s in ("weight", "bias"):
        out["vision/ln_pre/" + s], out["vision/ln_post/" + s] = o["visual.ln_pre." + s], o["visual.ln_post." + s]
        out["text/ln_final/" + s] = o["ln_final." + s]
        for tower, prefix, n in (("vision", "visual.transformer", 3), ("text", "transformer", 2)):
            for i in range(n):
                a, b = f"{tower}/blocks/{i}/", f"{prefix}.resblocks.{i}."
                for x, y in (("ln_1", "ln_1."), ("ln_2", "ln_2."), ("attn/qkv", "attn.in_proj_"),
                             ("attn/out", "attn.out_proj."), ("mlp/up", "mlp.c_fc."), ("mlp/down", "mlp.c_proj.")):
                    out[a + x + "/" + s] = o[b + y + s].T
    return out


def inputs():
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (2, 12, 12, 3)).tolist(), [[21, 5, 9, 22, 0, 0, 0], [21, 3, 3, 17, 8, 1, 22]]


def outputs(model):
    image, tokens = inputs()
    x = (torch.tensor(image, dtype=torch.float32) / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    with torch.no_grad():
        return dict(image=image, tokens=tokens,
                    image_features=model.get_image_features(x.permute(0, 3, 1, 2)).tolist(),
                    text_features=model.get_text_features(torch.tensor(tokens)).tolist())


def save(folder, parts, dtype, config):
    folder.mkdir(parents=True, exist_ok=True)
    parts = [{k: (v.to(dtype) if v.is_floating_point() else v).contiguous() for k, v in p.items()} for p in parts]
    if config:
        (folder / "config.json").write_text(json.dumps(config, indent=1))
    if len(parts) == 1:
        return save_file(parts[0], folder / "model.safetensors", {"format": "pt"})
    index = {}
    for i, part in enumerate(parts):
        file = f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors"
        save_file(part, folder / file, {"format": "pt"})
        index.update({k: file for k in part})
    total = sum(v.numel() * v.element_size() for p in parts for v in p.values())
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=1) + "\n")


def split(sd, n):
    names = sorted(sd)
    return [{k: sd[k] for k in names[i::n]} for i in range(n)]


def write(root):
    model = make()
    config = json.loads(model.config.to_json_string())  # as save_pretrained writes it
    sd = {k: v.detach() for k, v in model.state_dict().items()}
    old = dict(sd)
    old["text_model.embeddings.position_ids"] = torch.arange(7)[None]
    old["vision_model.embeddings.position_ids"] = torch.arange(10)[None]
    heads = {"text_config": {"num_attention_heads": 3}, "vision_config": {"num_attention_heads": 2}}
    o = openai(sd)
    save(root / "hf_f32", [sd], torch.float32, config)
    save(root / "hf_f16", [sd], torch.float16, config)
    save(root / "hf_bf16", [sd], torch.bfloat16, config)
    save(root / "hf_sharded", split(old, 3), torch.float32, config)
    save(root / "openai_f32", [o], torch.float32, heads)
    save(root / "openai_f16_sharded", split(o, 2), torch.float16, heads)
    crc = {}
    for name, dtype in (("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)):
        p = parameters({k: (v.to(dtype) if v.is_floating_point() else v) for k, v in o.items()})
        data = b"".join(np.ascontiguousarray(p[k], "<f4").tobytes() for k in sorted(p))
        crc[name] = zlib.crc32(data)
        if name == "f32":
            (root / "params_f32.bin").write_bytes(data)
    halves = torch.from_numpy(np.arange(65536, dtype=np.uint16).view(np.float16)).to(torch.float32).numpy()
    crc["halves"] = zlib.crc32(halves[~np.isnan(halves)].astype("<f4").tobytes())
    shapes = [{"name": k, "shape": list(p[k].shape)} for k in sorted(p)]
    (root / "params.json").write_text(json.dumps({"params": shapes, "crc": crc}))
    (root / "outputs.json").write_text(json.dumps(outputs(model)))


def check(root, folder):
    with safe_open(folder / "model.safetensors", "pt") as f:
        print("metadata", f.metadata(), "tensors", len(f.keys()))
    want, have = load_file(root / "hf_f32/model.safetensors"), load_file(folder / "model.safetensors")
    assert want.keys() == have.keys(), want.keys() ^ have.keys()
    for k in want:
        assert want[k].dtype == have[k].dtype and torch.equal(want[k], have[k]), k
    model, info = CLIPModel.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    a, b = outputs(model), json.loads((root / "outputs.json").read_text())
    for k in ("image_features", "text_features"):
        print(k, "largest difference", np.abs(np.array(a[k]) - np.array(b[k])).max(), "of", np.abs(np.array(b[k])).max())
    images, tokens = inputs()
    x = ((torch.tensor(images).float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)
    print("logits_per_image", model(pixel_values=x, input_ids=torch.tensor(tokens)).logits_per_image.tolist())


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2] == "--check":
        check(Path(sys.argv[1]), Path(sys.argv[3]))
    else:
        write(Path(sys.argv[1]))
