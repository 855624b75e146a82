"""Writes the golden data of package transforms/text.

    python golden_text.py --merges bpe_simple_vocab_16e6.txt.gz --testdata ../../transforms/text/testdata

Needs tokenizers 0.23.3, ftfy 6.3.1 and regex 2026.5.9 (Python 3.11). Two
references give the ids: Hugging Face tokenizers, set up as the converter of
CLIP in transformers does, and a reference for the rules of OpenAI's CLIP,
written here from those rules with ftfy, html and regex. Both run on the merges
of the OpenAI release and on testdata/small, a vocabulary that the Go package
trained and wrote; for the latter Hugging Face opens the tokenizer.json itself.
"""

import argparse
import gzip
import hashlib
import html
import html.entities
import json
import os
import random
import sys
import unicodedata

import ftfy
import ftfy.chardata
import regex
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

SOT, EOT = "<|startoftext|>", "<|endoftext|>"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def byte_alphabet():
    """The character for each byte, in the order of the first 256 ids."""
    shown = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    table = {b: chr(b) for b in shown}
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + len(table) - len(shown))
    return table


BYTES = byte_alphabet()


class OpenAI:
    """The tokeniser of OpenAI's CLIP by its published rules."""

    def __init__(self, merges):
        tokens = list(BYTES.values())
        tokens += [t + "</w>" for t in tokens] + [a + b for a, b in merges] + [SOT, EOT]
        self.vocab = {t: i for i, t in enumerate(tokens)}
        assert len(self.vocab) == len(tokens)
        self.merges = merges
        self.ranks = {m: i for i, m in enumerate(merges)}
        self.memory = {}

    def clean(self, s, fix_encoding=True):
        s = ftfy.fix_text(s, fix_encoding=fix_encoding)
        s = html.unescape(html.unescape(s)).strip()
        return regex.sub(r"\s+", " ", s).strip().lower()

    def bpe(self, word):
        if word in self.memory:
            return self.memory[word]
        parts = [BYTES[b] for b in word.encode("utf-8")]
        parts[-1] += "</w>"
        while len(parts) > 1:
            best = min(zip(parts, parts[1:]), key=lambda p: self.ranks.get(p, 1 << 30))
            if best not in self.ranks:
                break
            out, i = [], 0
            while i < len(parts):
                if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best:
                    out.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    out.append(parts[i])
                    i += 1
            parts = out
        self.memory[word] = [self.vocab[p] for p in parts]
        return self.memory[word]

    def encode(self, s, fix_encoding=True):
        ids = []
        for piece in regex.findall(WORDS, self.clean(s, fix_encoding), regex.IGNORECASE):
            ids += self.bpe(piece)
        return ids


def hugging_face(ref):
    """CLIPTokenizerFast as transformers builds it from vocab and merges."""
    t = Tokenizer(models.BPE(vocab=ref.vocab, merges=ref.merges, continuing_subword_prefix="",
                             end_of_word_suffix="</w>", fuse_unk=False, unk_token=EOT))
    t.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(SOT, normalized=True, special=True),
                          AddedToken(EOT, normalized=False, special=True)])
    return t


def texts():
    fixed = [
        "", " ", "   \t\n ", "hello world", "Hello, World!", "a", "!", "\u00e9",
        "a photo of a street with cars, a red bus and two pedestrians.",
        "There's a cyclist; they've stopped, I'm sure it'll be fine, we're late, he'd go, don't",
        "THERE'S A BUS'S STOP'T IT'LL YOU'RE", "''s '' 's's 'tt 'rere 'x '", "it'\u017f \u017ftop",
        "speed limit 30 km/h, 1234567890 \u00bd \u2167 \u2460 \u0664\u0665 \u00b2",
        "\u201cWatch out!\u201d she said \u2014 it\u2019s a truck\u2026 \u2018single\u2019 \u201alow\u201b \u201edown\u201f",
        "it\u02bcs \u0149 ngo", "caf\u00e9 cafe\u0301 na\u00efve Stra\u00dfe STRASSE \u1e9e",
        "\u0130stanbul \u0131\u0130 \u01c5 \u01c4 \u0132 \u0133", "\u039f\u0394\u039f\u03a3 \u03a3 \u03a3\u03a3 A\u03a3. \u0391\u03a3'\u03b1 \u0391\u03a3\u0301 x\u03a3\u00adb \u03a3a",
        "\ufb01ne \ufb02oor \ufb00 \ufb03 \ufb04 \ufb05 \ufb06", "\uff21\uff22\uff23 \uff11\uff12 \uff01\u3000\uff76\uff9e\uff76 \uffe5 \uffa0 \uffe3",
        "\u6771\u4eac\u306e\u8857\u3092\u8d70\u308b\u8eca", "\u4ea4\u901a\u706f\uff0c\u4e00\u8f86\u7ea2\u8272\u7684\u516c\u5171\u6c7d\u8f66\u3002", "\uac70\ub9ac\uc758 \uc790\ub3d9\ucc28", "\u1112\u1161\u11ab \u1112\u1161",
        "\U0001f697 \U0001f6b2\U0001f6a6", "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u270c\U0001f3fd \u2764\ufe0f 1\ufe0f\u20e3",
        "\u0645\u0631\u062d\u0628\u0627 \u0634\u0627\u0631\u0639", "\u0939\u093f\u0928\u094d\u0926\u0940 \u0938\u0921\u093c\u0915", "\u0e16\u0e19\u0e19\u0e43\u0e19\u0e40\u0e21\u0e37\u0e2d\u0e07", "\u05e8\u05d7\u05d5\u05d1 \u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
        "\u0443\u043b\u0438\u0446\u0430 \u041c\u043e\u0441\u043a\u0432\u0430", "a\u0315\u0300\u05ae\u0062 q\u0307\u0323 \u1e69 s\u0323\u0307",
        "Z" + "\u0301\u0323" * 40 + "!", "x" + "\u0300" * 31, "e" + "\u0327" * 20 + "\u0301" * 25, "\u034f" * 3 + "a" + "\u0308" * 33,
        "a\u0345b \u0345 !\u0345! \u1fb3 \u03b1\u0345",
        "cats &amp; dogs", "&amp;amp;amp; &amp;lt; &lt;b&gt;", "<b>bold</b> &amp; &eacute;", "line &amp; one\n<br> &eacute;\nthree &eacute; &EACUTE;",
        "P&EACUTE;REZ &NTILDE; &SZLIG; &nTILDE; &HELLIP; &NBSP;x", "&rsquo;s it&rsquo;s &ldquo;q&rdquo; <i> &ldquo;q",
        "&notit; &notin; &not &ampx &copy2020 &AMP &hellipx &thetasym; &fjlig; &NotEqualTilde;",
        "&#39;s &#x27;S &#128; &#0; &#x110000; &#xD800; &#x1F697; &#11; &#59; &#x3b; &#12abc; &#13;x &#65534; &#x; &#; &#xg; &;",
        "& &; &x &" + "a" * 40 + ";", "&CounterClockwiseContourIntegral; &semi; &semix", "AT&T R&D; Q&A", "a&\u00e9; &\u00e9\u00e9\u00e9\u00e9amp;",
        "&#" + "0" * 21 + "146;s &#" + "0" * 22 + "146;s &rsquo;s", "&amp;rsquo;s &amp;amp;amp;amp;lsquo;", "<p> &amp;amp; &amp;lt;q&amp;gt; &amp;amp;amp; &amp;rsquo;s",
        "&lt;|endoftext|&gt; x", "tab\tnew\nline\r\nform\ffeed\vvert\x85nel\u2028ls\u2029ps\u00a0nbsp\u3000id\u200bzw",
        "\x00nul \x01\x02 \x1b[36;44mblue\x1b[0m \x1b[x \x1b[1;2 \x7fdel \x1c\x1d\x1e\x1f sep", "\x1b\uff3b1mwide \x1b[\u0661m",
        "\ufeffbom \ufffc obj \u206a\u206f \ufff9a\ufffb \u200e\u202a", "\x80 euro \x91quote\x92 \x93\x94 \x99 \x81\x8d\x8f\x90\x9d",
        "\ufffd replacement", "soft\u00adhyphen zero\u200dwidth", "...!!!???", "http://example.com/?q=1&amp;r=2#x", "C++ C# $5.00 50% #street @home _under_score_",
        "<|startoftext|>", "a <|endoftext|> b", "x<|ENDOFTEXT|>y<|StartOfText|>", "!<|endoftext|>!<|startoftext|>", "<|\u017ftartoftext|> z", "<|startoftext|><|endoftext|><|endoftext|", "<|startofte\u200bxt|>",
        "</w> a</w>b </ w>", "\u0120 \u0121hello\u0120world \u0122", "\u00ad\u00ad", "\u212b \u2126 \u212a \u1e9b\u0323 \u0344 \u0958 \u2adc \ufb1d \U0001d15e",
        "caf\u00c3\u00a9 sch\u00c3\u00b6n", "\u00e2\u20ac\u0153quoted\u00e2\u20ac\u009d", "L\u00e2\u20ac\u2122avenue", "\u00c2\u00a320",
        "word " * 100, "caption " * 75, "caption " * 76, "x" * 500, "ab" * 300, "pneumonoultramicroscopicsilicovolcanoconiosis", "\U0001f697" * 60, "." * 300, "1" * 90,
        "hahahaha" * 40, "aaaa" * 33 + "!" * 65,
    ]
    rng = random.Random(20250611)
    subjects = ["a city street", "a wide avenue", "an empty highway", "a roundabout", "a foggy crossing", "a tram stop", "a construction site", "a parking lot"]
    things = ["a parked car", "several bicycles", "a yellow taxi", "road signs", "a traffic light", "three trucks", "a crosswalk", "tall buildings", "a motorcyclist wearing a helmet", "street lamps"]
    tails = ["in the rain", "at dusk", "under a clear blue sky", "with sun glare", "covered in snow", "during rush hour", "seen from the driver's seat", "with people waiting"]
    forms = ["A photo of {a} with {b} {c}.", "{b} on {a} {c}", "The image shows {a}; there's {b}, {c}!", "\u201c{a}\u201d \u2013 {b} ({c})", "{a}, {b} & {b2}, {c}... #{n}"]
    street = [rng.choice(forms).format(a=rng.choice(subjects), b=rng.choice(things), b2=rng.choice(things), c=rng.choice(tails), n=rng.randrange(1000)) for _ in range(120)]
    assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    pools = [assigned, assigned[:700], assigned[:12000],
             [c for c in assigned if unicodedata.combining(c)] + list("aeiou "),
             [c for c in assigned if c.lower() != c] + list(" '.\u03a3\u03a3\u03a3\u03a3"),
             [c for c in assigned if unicodedata.normalize("NFC", c) != c or unicodedata.decomposition(c)],
             list("&#x;<>|'sdtlr amp0123 \u2019\u0345\u017f"),
             ["&amp;", "&lt", "&#3", "9;", "&", ";", "'s", "<|endoftext|>", "<|startoftext|>", "\n", " ", "\u0130", "&Eacute", "&NBSP;", "\x1b[", "m", "1"]]
    noise = ["".join(rng.choice(rng.choice(pools) if i % 3 == 0 else pools[i % len(pools)]) for _ in range(rng.randrange(1, 40))) for i in range(240)]
    return fixed + street + noise


def unlike_nfc():
    """Characters whose NFC in Hugging Face tokenizers, which has the tables of
    Unicode 9, is not the one of Unicode 14. Texts with one get no HF ids."""
    nfc = normalizers.NFC()
    found = set()
    for c in map(chr, range(0x110000)):
        if unicodedata.category(c) in ("Cs", "Cn"):
            continue
        for s in (c, "x" + c + "\u0334", c + "\u0301"):
            if nfc.normalize_str(s) != unicodedata.normalize("NFC", s):
                found.add(c)
    return found


def write_ids(path, ref, hf):
    count = bad = old = 0
    unlike = unlike_nfc()
    with open(path, "w", encoding="utf-8") as out:
        for s in texts():
            row = {"text": s}
            hf.encode_special_tokens = True
            row["hf"] = hf.encode(s, add_special_tokens=False).ids
            if unlike & set(s):
                row["hf"], old = None, old + 1
            row["openai"] = ref.encode(s, fix_encoding=False)
            full = ref.encode(s)
            if full != row["openai"]:
                row["openai_fix_encoding"] = full
                bad += 1
            count += 1
            out.write(json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(f"{path}: {count} texts, {bad} with mojibake, {old} without HF ids")


def write_html(path):
    """Every entity of HTML 5 with its value and what ftfy makes of its name in capitals."""
    with open(path, "w", encoding="ascii") as out:
        for name, value in sorted(html.entities.html5.items()):
            upper = ftfy.fixes.unescape_html("&" + name.upper())
            out.write("\t".join([name, json.dumps(value), json.dumps(upper)]) + "\n")


def write_tables(path):
    """Digests over all code points that Unicode 14 assigns."""
    digests = {}
    assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs")]
    for name, f in {
        "lower": lambda c: c.lower(),
        "sigma_before": lambda c: (c + "\u03a3").lower() + (c + "A" + c + "\u03a3").lower() + ("A" + c + "\u03a3").lower(),
        "sigma_after": lambda c: ("A\u03a3" + c).lower() + ("A\u03a3" + c + "A").lower(),
        "ftfy": lambda c: ftfy.fix_text("a" + c + "b", fix_encoding=False, unescape_html=False),
        "nfc": lambda c: unicodedata.normalize("NFC", c + "\u0301" + c),
        "class": lambda c: "".join(m + "|" for m in regex.findall(WORDS, "a" + c + "1" + c + "-" + c, regex.IGNORECASE)),
    }.items():
        h = hashlib.sha256()
        for c in assigned:
            h.update(f(c).encode("utf-8") + b"\n")
        digests[name] = h.hexdigest()
    # Runs of code points that Unicode 14 leaves open, which the test skips.
    runs, start = [], None
    for c in range(0x110001):
        open_ = c < 0x110000 and unicodedata.category(chr(c)) in ("Cn", "Cs")
        if open_ and start is None:
            start = c
        elif not open_ and start is not None:
            runs.append([start, c - 1])
            start = None
    with open(path, "w", encoding="ascii") as out:
        json.dump({"unicode": unicodedata.unidata_version, "digests": digests, "unassigned": runs}, out, separators=(",", ":"))
        out.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--merges", required=True, help="bpe_simple_vocab_16e6.txt.gz of the OpenAI release")
    parser.add_argument("--testdata", required=True, help="folder testdata of transforms/text, with small/ in it")
    args = parser.parse_args()
    versions = (tokenizers.__version__, ftfy.__version__, regex.__version__)
    if versions != ("0.23.3", "6.3.1", "2026.5.9"):
        print("warning: other versions than those of the committed files:", versions, file=sys.stderr)
    with gzip.open(args.merges, "rt", encoding="utf-8") as f:
        lines = f.read().split("\n")[1:49152 - 256 - 2 + 1]
    clip = OpenAI([tuple(line.split()) for line in lines])
    assert len(clip.vocab) == 49408
    write_ids(os.path.join(args.testdata, "golden_clip.jsonl"), clip, hugging_face(clip))
    small = os.path.join(args.testdata, "small")
    with open(os.path.join(small, "merges.txt"), encoding="utf-8") as f:
        ref = OpenAI([tuple(line.split()) for line in f.read().split("\n")[1:] if line])
    with open(os.path.join(small, "vocab.json"), encoding="utf-8") as f:
        assert json.load(f) == ref.vocab
    write_ids(os.path.join(args.testdata, "golden_small.jsonl"), ref, Tokenizer.from_file(os.path.join(small, "tokenizer.json")))
    write_html(os.path.join(args.testdata, "html5.tsv"))
    write_tables(os.path.join(args.testdata, "tables.json"))


if __name__ == "__main__":
    main()
