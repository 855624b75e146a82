"""Writes testdata/processor of package transforms/pixels: images of several modes, configurations,
and the tensors that transformers makes of them.

    python golden_processor.py --testdata ../../transforms/pixels/testdata/processor

Needs transformers 4.57.6 and Pillow 13.0.0 (Python 3.11).
"""

import argparse
import gzip
import json
import os

import numpy as np
from PIL import Image
from transformers import BlipImageProcessor, CLIPImageProcessor


def picture(w, h, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w]
    wave = np.stack([127 + 120 * np.sin(x / (3 + c) + y / (5 - c) + seed) for c in range(3)], -1)
    out = np.clip(wave + rng.normal(0, 12, (h, w, 3)), 0, 255).astype(np.uint8)
    out[: h // 3, : w // 4] = 255 * (seed % 2)  # an edge, where bicubic overshoots
    return Image.fromarray(out)


def images():
    rgba = picture(25, 31, 4).convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(rgba.size))
    la = picture(19, 22, 6).convert("LA")
    la.putalpha(Image.linear_gradient("L").resize(la.size))
    return {
        "rgb_wide": picture(53, 17, 1), "rgb_tall": picture(11, 40, 2), "rgb_small": picture(7, 5, 3), "rgba": rgba,
        "gray": picture(33, 24, 5).convert("L"), "la": la, "palette": picture(24, 24, 7).quantize(17), "bits": picture(20, 30, 8).convert("1"),
    }


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--testdata", required=True)
    out = args.parse_args().testdata
    processors = {
        "blip": BlipImageProcessor(size={"height": 12, "width": 12}),
        "blip_wide": BlipImageProcessor(size={"height": 9, "width": 16}, resample=2, image_mean=[0.5, 0.4, 0.3], image_std=[0.2, 0.3, 0.5]),
        "blip_raw": BlipImageProcessor(do_resize=False, do_rescale=False, do_normalize=False),
        "blip_lanczos": BlipImageProcessor(size={"height": 14, "width": 10}, resample=1, do_normalize=False),
        "clip": CLIPImageProcessor(size={"shortest_edge": 14}, crop_size={"height": 14, "width": 14}),
        "clip_pad": CLIPImageProcessor(size={"shortest_edge": 11}, crop_size={"height": 16, "width": 15}),
        "clip_nocrop": CLIPImageProcessor(size={"shortest_edge": 8}, resample=2, do_center_crop=False),
        "clip_crop": CLIPImageProcessor(do_resize=False, crop_size={"height": 9, "width": 13}),
    }
    for name, image in images().items():
        image.save(os.path.join(out, name + ".png"), optimize=True)
    index, data = [], b""
    configs = {}
    for config, processor in processors.items():
        configs[config] = json.loads(processor.to_json_string())
        for name in images():
            opened = Image.open(os.path.join(out, name + ".png"))
            x = processor(opened, return_tensors="np")["pixel_values"][0]
            x = np.ascontiguousarray(x, np.float32)
            index.append({"config": config, "image": name, "height": x.shape[1], "width": x.shape[2]})
            data += x.tobytes()
    with open(os.path.join(out, "golden.json"), "w") as f:
        json.dump({"configs": configs, "tensors": index}, f, indent=1)
        f.write("\n")
    with open(os.path.join(out, "golden.f32.gz"), "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(data)


main()
