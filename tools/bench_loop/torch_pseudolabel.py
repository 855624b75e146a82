"""Labels the unlabelled images of prepared shards in PyTorch, as pseudolabel does.

    python torch_pseudolabel.py EXPORT DATA OUTPUT [--threshold=0.95] [--compare=LABELS]

EXPORT is an output of export, whose segment.py is the network, DATA the output of prepare.
Images and tokens come from the shards; PNGs are decoded and written by Pillow in threads
beside the network: batches of 4 whole images, softmax, the best two classes, the threshold,
then train ids, label ids and colours of each. With --compare the labels are compared with
those of pseudolabel at the same threshold. Needs torch, safetensors, numpy and Pillow.
"""
import argparse
import concurrent.futures
import glob
import importlib.util
import io
import json
import os
import tarfile
import time

import numpy as np
import torch
from PIL import Image


def network(folder):
    """The exported network and its config.json, by the segment.py of that folder."""
    spec = importlib.util.spec_from_file_location("segment", f"{folder}/segment.py")
    segment = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(segment)
    return segment.load(folder)


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
    for name in ("export", "data", "output"):
        a.add_argument(name)
    a.add_argument("--threshold", type=float, default=0.95)
    a.add_argument("--batch", type=int, default=4)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--repeat", type=int, default=1)
    a.add_argument("--compare")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_grad_enabled(False)
    net, config = network(o.export)
    ids = np.zeros(256, np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    for k, c in enumerate(config["classes"]):
        ids[k], colours[k] = c["id"], c["color"]
    known = {}
    os.makedirs(o.output, exist_ok=True)
    decode = lambda s: (s[0], np.array(Image.open(io.BytesIO(s[1])).convert("RGB")), s[2], s[3])

    def write(key, label):
        for name, pixels in (("labelTrainIds", label), ("labelIds", ids[label]), ("color", colours[label])):
            Image.fromarray(pixels).save(f"{o.output}/{key}_pseudo_{name}.png", compress_level=1)

    def segment(batch):
        fresh = {s[2].tobytes(): s for s in batch if s[2].tobytes() not in known}
        if fresh:
            for token, features in zip(fresh, net.clip.text(torch.from_numpy(np.stack([s[2] for s in fresh.values()])).long())):
                known[token] = features.half().float()
        image = torch.from_numpy(np.stack([s[1] for s in batch])).permute(0, 3, 1, 2)
        text, count = torch.stack([known[s[2].tobytes()] for s in batch]), torch.tensor([s[3] for s in batch])
        p = net(image, text, count).softmax(1)
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
