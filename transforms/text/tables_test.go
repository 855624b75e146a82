package text

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Every code point that the Unicode version of the reference assigns, in the
// places where its properties count, against Python.
func TestCodePoints(t *testing.T) {
	data, err := os.ReadFile("testdata/tables.json")
	if err != nil {
		t.Fatal(err)
	}
	var tables struct {
		Digests    map[string]string
		Unassigned [][2]rune
	}
	if err := json.Unmarshal(data, &tables); err != nil {
		t.Fatal(err)
	}
	funcs := map[string]func(c string) string{
		"lower": lowerPython,
		"sigma_before": func(c string) string {
			return lowerPython(c+"Σ") + lowerPython(c+"A"+c+"Σ") + lowerPython("A"+c+"Σ")
		},
		"sigma_after": func(c string) string { return lowerPython("AΣ"+c) + lowerPython("AΣ"+c+"A") },
		// The line breaks that are left to the collapse of white space are put in.
		"ftfy": func(c string) string {
			return strings.NewReplacer("\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(fixLine("a"+c+"b", false))
		},
		"nfc": func(c string) string { return nfc(c + "\u0301" + c) },
		"class": func(c string) string {
			var b strings.Builder
			for s := "a" + c + "1" + c + "-" + c; ; {
				piece, rest := nextPiece(s)
				if piece == "" {
					return b.String()
				}
				b.WriteString(piece + "|")
				s = rest
			}
		},
	}
	if len(tables.Digests) != len(funcs) {
		t.Errorf("%d digests, %d functions", len(tables.Digests), len(funcs))
	}
	for name, f := range funcs {
		h := sha256.New()
		open := tables.Unassigned
		for r := rune(0); r <= 0x10ffff; r++ {
			if len(open) > 0 && r == open[0][0] {
				r = open[0][1]
				open = open[1:]
				continue
			}
			h.Write([]byte(f(string(r)) + "\n"))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != tables.Digests[name] {
			t.Errorf("%s: digest over all code points %s, want %s", name, got, tables.Digests[name])
		}
	}
}

// Every named entity of HTML 5 against Python and, in capitals, against ftfy.
func TestEntities(t *testing.T) {
	f, err := os.Open("testdata/html5.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		fields := strings.Split(s.Text(), "\t")
		var value, upper string
		if err := json.Unmarshal([]byte(fields[1]), &value); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(fields[2]), &upper); err != nil {
			t.Fatal(err)
		}
		if got := unescapeHTML("&" + fields[0]); got != value {
			t.Errorf("&%s: %q, want %q", fields[0], got, value)
		}
		if got, ok := entity(fields[0]); !ok || got != value {
			t.Errorf("entity %s: %q, %t, want %q", fields[0], got, ok, value)
		}
		if got := unescapeStrict("&" + strings.ToUpper(fields[0])); got != upper {
			t.Errorf("&%s: %q, want %q", strings.ToUpper(fields[0]), got, upper)
		}
	}
	if n != 2231 {
		t.Errorf("%d entities, want the 2231 of HTML 5", n)
	}
}

// The slow normalisation against x/text on runs short enough for both.
func TestNFCUnbounded(t *testing.T) {
	for _, row := range readGolden(t, "golden_small.jsonl") {
		s := row.Text
		if nfc(s) != nfcUnbounded(s) {
			t.Errorf("%q: %q, want %q", s, nfcUnbounded(s), nfc(s))
		}
	}
	// Marks are sorted by class and joined as far as they can be.
	in := "a" + strings.Repeat("\u0301", 40) + strings.Repeat("\u0323", 40) + "b"
	want := "\u1ea1" + strings.Repeat("\u0323", 39) + strings.Repeat("\u0301", 40) + "b"
	if got := nfc(in); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
