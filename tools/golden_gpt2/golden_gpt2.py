"""Writes testdata/gpt2 of package transforms/text: a small vocabulary in the layout of OPT's, as
old and as new files, and texts with the ids and the decoded texts that transformers gives.

    python golden_gpt2.py --testdata ../../transforms/text/testdata/gpt2

Needs transformers 4.57.6 with tokenizers 0.22.2 (Python 3.11).
"""

import argparse
import gzip
import json
import os
import random
import tempfile
import unicodedata

from tokenizers import AddedToken, ByteLevelBPETokenizer
from transformers import GPT2Tokenizer, GPT2TokenizerFast

SUBJECTS = ["a city street", "an empty highway", "Two men", "the tram stop", "A woman's bicycle", "traffic lights", "Berlin", "3 trucks"]
VERBS = ["is parked beside", "are waiting at", "doesn't pass", "they've left", "I'm near", "we're behind", "it'll cross", "he'd seen"]
TAILS = ["in the rain.", "at 17:45!", "under a blue sky", "(2 of 40)", "- what?", "with 1,234 people", "\u2026 and a dog", "\u00bd mile away"]
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", " \n", "\n ", "\t ", "\u00a0", " \u00a0", "\u3000", "\u2028", "\r\n", "\x85", "\x0b", "\x1c", "\u200b", "\ufeff", "\u1680", "\u180e"]
FIXED = [
    "", " ", "  ", "\n", " a", "a ", "  a  ", "\n\na", " \n a", "a\n b", "\u00a0a", " \u00a0a", "a b  c   d    e", "Question: what is this? Answer:",
    "it's IT'S 'S 's ''s they'll've 'tis 'd'd '\u017f don't", "1234567890 12a34 1 2  3", "\u0661\u0662\u0663 \u2167\u2460\u00b2", "<s>", "a</s>b", " </s> ", "</s></s>", "<image>",
    "<image><image> a", "< image>", "<imag", "<<s>>", "</s", "<pad>x<unk>", "<IMAGE>", "\u0120 \u010a \u0120hello", "\x00\x01\x1f\x7f", "e\u0301 \u00e9 \u0345 a\u0345b",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u270c\U0001f3fd 1\ufe0f\u20e3", "\u6771\u4eac\u306e\u8857", "\u0645\u0631\u062d\u0628\u0627", "\u0939\u093f\u0928\u094d\u0926\u0940",
    "a . b ? c ! d , e ' f n't g 'm h 's i 've j 're k", " . ? !", "x" * 200, "ab" * 90, " " * 100, "a" + " " * 99 + "b", "\n" * 50, "!?" * 70, "9" * 90, "\ufffd",
]


def texts(n):
    rng = random.Random(20261201)
    assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    pools = [assigned, assigned[:260], assigned[:3000], [c for c in assigned if c.isspace()] + list("ab1."),
             [c for c in assigned if unicodedata.category(c)[0] == "N"] + list(" a"), [c for c in assigned if unicodedata.category(c)[0] == "M"] + list(" ae"),
             list("'sStTrevmldD \u017f") + ["n't"], [chr(c) for c in range(0x1f300, 0x1f650)] + list(" \u200d\ufe0f"), list(" \t\n\r\u00a0a.1"), SPECIALS + ["<image>", " ", "a", "<", ">"]]
    out = list(FIXED)
    while len(out) < n:
        if rng.random() < 0.5:
            words = [rng.choice(part) for part in (SUBJECTS, VERBS, SUBJECTS, TAILS)]
            out.append("".join(w + rng.choice(SPACES if rng.random() < 0.4 else [" "]) for w in words).rstrip(" " if rng.random() < 0.5 else ""))
        else:
            pool = rng.choice(pools)
            out.append("".join(rng.choice(pool) for _ in range(rng.randrange(1, 24))))
    return out


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--testdata", required=True)
    out = args.parse_args().testdata
    lines = texts(1000)

    rng = random.Random(7)
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator([rng.choice(SUBJECTS) + " " + rng.choice(VERBS) + " " + rng.choice(TAILS) for _ in range(2000)] + lines[::3],
                            vocab_size=620, min_frequency=2, special_tokens=SPECIALS)
    with tempfile.TemporaryDirectory() as tmp:
        bpe.save_model(tmp)
        special = lambda s: AddedToken(s, normalized=True, special=True)  # as in facebook/opt-2.7b
        slow = GPT2Tokenizer(os.path.join(tmp, "vocab.json"), os.path.join(tmp, "merges.txt"), errors="replace", unk_token=special("</s>"),
                             bos_token=special("</s>"), eos_token=special("</s>"), pad_token=special("<pad>"), add_bos_token=True,
                             clean_up_tokenization_spaces=True)
        slow.add_tokens([AddedToken("<image>", special=True, normalized=False)], special_tokens=True)
    pair, fast = os.path.join(out, "pair"), os.path.join(out, "fast")
    slow.save_pretrained(pair)
    tok = GPT2TokenizerFast.from_pretrained(pair)
    tok.clean_up_tokenization_spaces = False
    tok.save_pretrained(fast)
    for name in ("vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"):
        os.remove(os.path.join(fast, name))
    tok = GPT2TokenizerFast.from_pretrained(fast)

    rows, differ = [], 0
    for text in lines:
        ids = tok.encode(text)
        differ += ids != slow.encode(text)
        rows.append({"text": text, "ids": ids})
    size = len(tok)
    for _ in range(300):
        rows.append({"ids": [rng.randrange(size + 20) if rng.random() < 0.3 else rng.randrange(4, 260) for _ in range(rng.randrange(1, 16))]})
    for row in rows:
        for key, kwargs in (("all", {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}),
                            ("skip", {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}),
                            ("clean", {"skip_special_tokens": True, "clean_up_tokenization_spaces": True})):
            row[key] = tok.decode(row["ids"], **kwargs)
        # What repeats the text is left out.
        for key, same in (("clean", row["skip"]), ("skip", row.get("text")), ("all", "</s>" + row["text"] if "text" in row else None)):
            if row[key] == same:
                del row[key]
    print(f"{len(rows)} rows, {size} tokens; the slow tokeniser gives other ids for {differ} texts")
    data = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    with open(os.path.join(out, "golden.jsonl.gz"), "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(data.encode())


if __name__ == "__main__":
    main()
