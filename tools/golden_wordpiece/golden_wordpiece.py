"""Writes testdata/bert of package transforms/text: a small vocabulary in the layout of BLIP's, as
old and as new files, and texts with the ids and the decoded texts that transformers gives.

    python golden_wordpiece.py --testdata ../../transforms/text/testdata/bert

Texts with characters that the tokeniser's Unicode lacks are left out. Needs transformers 4.57.6 with tokenizers 0.22.2 (Python 3.11). The folder "old" holds vocab.txt,
keeps case and cleans up; "fast" holds tokenizer.json, makes lower case and does not.
"""

import argparse
import gzip
import json
import os
import random
import sys
import unicodedata

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden_gpt2"))
from golden_gpt2 import SUBJECTS, TAILS, VERBS, texts  # noqa: E402

FIXED = ["[SEP]", "a[SEP]b", " [CLS] [sep]", "[PAD][UNK]x", "##s a##s # # ##", "\u00c9t\u00e9 \u00e9te\u0301 \u0130stanbul \u03a3\u03a3 \u1e9e",
         "\u6771\u4eac\u306e\u8857\u2e80\U00020001", "a\u00adb\u200bc\u2060d\ue000e\ufffdf\x00g\x7fh\x85i", "x" * 100, "x" * 101, "\u00e9" * 101, "$5.00 + 3^2 = `a` ~ |b| <c>",
         "don't, can't. it 's ' a ' we 've do not n't", "e" + "\u0301" * 40 + "a", "\u00bfque? \u2014 \u00ab\u00e0\u00bb \u3002", "\u1680\u180e\u2028a\u3000b"]


def known(tok):
    """Says whether the tokeniser's table of Unicode, an older one, agrees with Python's on the characters of a text."""
    normalize, split = tok.backend_tokenizer.normalizer.normalize_str, tok.backend_tokenizer.pre_tokenizer.pre_tokenize_str

    def agrees(c):
        kind = unicodedata.category(c)
        gone = kind in ("Cc", "Cf", "Co", "Mn", "Cn") and c not in "\t\n\r" or c == "\ufffd"
        return (normalize(c) == "") == gone and (gone or c.isspace() or (len(split("a" + c + "b")) == 3) == (kind[0] == "P" or c.isascii() and kind[0] == "S"))

    return lambda text: all(agrees(c) for c in text)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--testdata", required=True)
    out = args.parse_args().testdata
    lines = FIXED + texts(1100)
    rng = random.Random(7)
    trained = BertWordPieceTokenizer(lowercase=False)
    trained.train_from_iterator([rng.choice(SUBJECTS) + " " + rng.choice(VERBS) + " " + rng.choice(TAILS) for _ in range(2000)] + [t.lower() for t in lines[:350]],
                                vocab_size=700, min_frequency=2, show_progress=False)
    old, fast = os.path.join(out, "old"), os.path.join(out, "fast")
    os.makedirs(old, exist_ok=True)
    with open(os.path.join(old, "vocab.txt"), "w") as f:
        f.write("".join(t + "\n" for t, _ in sorted(trained.get_vocab().items(), key=lambda x: x[1])))
    with open(os.path.join(old, "tokenizer_config.json"), "w") as f:
        json.dump({"do_lower_case": False, "tokenizer_class": "BertTokenizer"}, f)
        f.write("\n")
    toks = {"old": BertTokenizerFast.from_pretrained(old)}
    tok = BertTokenizerFast(os.path.join(old, "vocab.txt"), clean_up_tokenization_spaces=False)
    tok.save_pretrained(fast)
    for name in ("vocab.txt", "special_tokens_map.json"):
        os.remove(os.path.join(fast, name))
    lines = [t for t in lines if t in FIXED or all(map(known(tok), t))]
    toks["fast"] = BertTokenizerFast.from_pretrained(fast)

    rows = [{"text": t} for t in lines]
    size = len(tok)
    for _ in range(300):
        rows.append({"decode": [rng.randrange(size + 20) for _ in range(rng.randrange(1, 16))]})
    for row in rows:
        for layout, tok in toks.items():
            if "text" in row:
                row[layout] = tok.encode(row["text"])
            ids = row.get(layout, row.get("decode"))
            row[layout + "_all"], row[layout + "_skip"] = tok.decode(ids), tok.decode(ids, skip_special_tokens=True)
    unknown = sum(i == toks["fast"].unk_token_id for row in rows for i in row.get("fast", []))
    print(f"{len(rows)} rows, {size} tokens, {unknown} unknown")
    data = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    with open(os.path.join(out, "golden.jsonl.gz"), "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(data.encode())


main()
