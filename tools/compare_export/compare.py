"""Compares exported networks with PyTorch, transformers and ONNX Runtime; see run.sh.

    python compare.py logits FOLDER...          # exports: logits, CLIPModel, AutoProcessor [, ONNX]
    python compare.py labels EXPORT DATA LABELS # val images of prepare, labels of pseudolabel
    python compare.py captions FOLDER VOCABULARY GOLDEN
                                                # token ids of captions, with segment.py of FOLDER
    python compare.py names FOLDER > model/weights/testdata/torch_names.txt
                                                # the state_dict of each kind, with segment.py of FOLDER
"""
import argparse
import glob
import importlib.util
import io
import json
import os
import sys
import tarfile
import tempfile
import warnings

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

warnings.filterwarnings("ignore")
torch.set_grad_enabled(False)


def segment_of(folder):
    spec = importlib.util.spec_from_file_location("segment", os.path.join(folder, "segment.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def towers(net, folder):
    """The largest difference of transformers' towers from those of segment.py, and whether the
    processor gives the tokens of ours."""
    from transformers import AutoProcessor, CLIPModel, CLIPTokenizer
    model, processor = CLIPModel.from_pretrained(f"{folder}/clip").eval(), AutoProcessor.from_pretrained(f"{folder}/clip")
    with safe_open(f"{folder}/check.safetensors", "pt") as f:
        caption, tokens, count = f.metadata()["caption"], f.get_tensor("tokens"), int(f.get_tensor("count"))
    side = model.config.vision_config.image_size
    for x in (processor, CLIPTokenizer.from_pretrained(f"{folder}/clip")):  # the fast one and the slow one
        assert x(text=caption)["input_ids"] == tokens[0, :count].tolist(), (folder, x)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (2 * side, 3 * side, 3), np.uint8))
    inputs = processor(text=[caption], images=[image], return_tensors="pt", padding="max_length")
    assert inputs["pixel_values"].shape[2:] == (side, side)
    out = model(**inputs, output_hidden_states=True)
    text = model.text_projection(out.text_model_output.last_hidden_state)[:, :count].half().float()
    tower = net.clip.vision_model
    hidden = out.vision_model_output.hidden_states
    dense, _ = tower(inputs["pixel_values"])
    theirs = model.vision_model.post_layernorm(tower.encoder["layers"][-1].value(hidden[-2][:, 1:]))
    return max((net.clip.text(tokens)[:, :count] - text).abs().max().item(), (dense.flatten(1, 2) - theirs).abs().max().item())


def onnx(segment, net, config, stored):
    """The largest difference of ONNX Runtime's logits from those of PyTorch."""
    import contextlib
    import onnxruntime
    with tempfile.TemporaryDirectory() as d:
        with contextlib.redirect_stdout(io.StringIO()):
            segment.export_onnx(net, config, f"{d}/network.onnx")
        session = onnxruntime.InferenceSession(f"{d}/network.onnx", providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape
        image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
        feed = {"image": image, "tokens": stored["tokens"], "count": stored["count"]}
        theirs = session.run(None, {i.name: feed[i.name].numpy() for i in session.get_inputs()})[0]  # some kinds read no caption
    ours = net(image, net.clip.text(stored["tokens"]), stored["count"])
    return present(net, ours - torch.from_numpy(theirs)).abs().max().item()


def present(net, logits):
    return logits[:, [k for k in range(logits.shape[1]) if k not in net.absent]]


def logits(o):
    worst = 0
    print(f"{'network':<28}{'logits to':>10}{'PyTorch':>10}{'transformers':>14}{'ONNX':>10}")
    for folder in o.folders:
        segment = segment_of(folder)
        net, config = segment.load(folder)
        stored = load_file(f"{folder}/check.safetensors")
        mine = net(stored["image"], net.clip.text(stored["tokens"]), stored["count"])
        assert (mine[:, net.absent] < -1e8).all()
        difference = present(net, mine - stored["logits"]).abs().max().item()
        with safe_open(f"{folder}/check.safetensors", "pt") as f:
            tokens, count = segment.Tokenizer(f"{folder}/clip")(f.metadata()["caption"])
        assert torch.equal(tokens[None], stored["tokens"]) and count == stored["count"][0], folder
        through = "" if o.no_onnx else f"{onnx(segment, net, config, stored):10.2g}"
        worst = max(worst, difference)
        print(f"{os.path.basename(folder):<28}{present(net, stored['logits']).abs().max().item():10.3g}{difference:10.2g}{towers(net, folder):14.2g}{through}", flush=True)
    print(f"largest difference of logits from PyTorch: {worst:.2g}")
    sys.exit(worst > 1e-4)


def labels(o):
    segment = segment_of(o.export)
    net, config = segment.load(o.export)
    tokenizer = segment.Tokenizer(f"{o.export}/clip")
    equal = pixels = images = 0
    for shard in sorted(glob.glob(f"{o.data}/shards/{o.subset}-*.tar")):
        with tarfile.open(shard) as tar:
            parts = {}
            for member in tar:
                key, kind = member.name.split(".", 1)
                parts.setdefault(key, {})[kind] = tar.extractfile(member).read()
        for key, part in parts.items():
            image = Image.open(io.BytesIO(part["image.png"])).convert("RGB")
            label, _ = segment.segment(net, config, tokenizer, image, part["caption.txt"].decode())
            theirs = np.array(Image.open(f"{o.labels}/labels/{key}_pseudo_labelTrainIds.png"))
            equal, pixels, images = equal + (label == theirs).sum(), pixels + label.size, images + 1
    print(f"{images} images: {equal} of {pixels} labels are equal ({100 * equal / pixels:.4f} %)")


def captions(o):
    """Compares with the ids of transforms/text/testdata, whose words ftfy has cleaned."""
    tokenizer = segment_of(o.folder).Tokenizer(o.vocabulary)
    with open(o.golden, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    plain = [all(" " <= c < "\x7f" and c != "&" for c in r["text"]) for r in rows]
    same = []
    for r in rows:
        ids, count = tokenizer(r["text"])
        same.append(ids[1:count - 1].tolist() == r["openai"][:75])
    print(f"ids of {sum(same)} of {len(rows)} captions are equal; of {sum(s for s, p in zip(same, plain) if p)} of {sum(plain)} in plain ASCII")


def names(o):
    """Names and shapes as PyTorch has them, for a CLIP of tower width 12 and common width 16."""
    segment = segment_of(o.folder)

    def show(part, kind, module, further=()):
        for name, t in [*further, *((f"{part}.{n}", t) for n, t in module.state_dict().items() if not n.endswith("num_batches_tracked"))]:
            print(part, kind, name, *t.shape)

    for kind, make in segment.GUIDANCE.items():
        prompts = [("class_text", torch.zeros(5, 16))] if kind in segment.CLASS_PROMPTS else []
        show("guidance", kind, make(dict(kind=kind, context=7, scale=1), 16, 12), prompts)
    for kind, make in segment.DECODERS.items():
        for norm in segment.NORMS:
            show("decoder", f"{kind}-{norm}", make(dict(kind=kind, norm=norm, classes=5, absent=[]), 16, 12))


def main():
    a = argparse.ArgumentParser()
    sub = a.add_subparsers(required=True)
    l = sub.add_parser("logits")
    l.add_argument("folders", nargs="+")
    l.add_argument("--no_onnx", action="store_true")
    l.set_defaults(run=logits)
    l = sub.add_parser("labels")
    for name in ("export", "data", "labels"):
        l.add_argument(name)
    l.add_argument("--subset", default="val")
    l.set_defaults(run=labels)
    l = sub.add_parser("captions")
    for name in ("folder", "vocabulary", "golden"):
        l.add_argument(name)
    l.set_defaults(run=captions)
    l = sub.add_parser("names")
    l.add_argument("folder")
    l.set_defaults(run=names)
    o = a.parse_args()
    o.run(o)


if __name__ == "__main__":
    main()
