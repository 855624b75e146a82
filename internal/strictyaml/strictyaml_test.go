package strictyaml

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"semidavil/internal/fixture"
)

type file struct {
	Name  string            `json:"name"`
	Sizes [2]int            `json:"sizes" wants:"width and height"`
	IDs   map[int]string    `json:"ids"`
	Any   map[string]any    `json:"any"`
	Parts []struct{ part }  `json:"parts"`
	Extra *part             `json:"extra"`
	Words map[string]string `json:"words"`
}

type part struct {
	Color [3]uint8 `json:"color"`
	Share float64  `json:"share"`
}

func TestDecode(t *testing.T) {
	const text = "name: 012\nsizes: &s [1, 2]\nids: {7: road, -1: ignore}\nany: {a: [1, 2.5, x], b: {c: true}, d: *s}\nparts:\n- {color: [0, 1, 255]}\n- {share: 2}\nextra: {share: .5}\n"
	want := file{Name: "012", Sizes: [2]int{1, 2}, IDs: map[int]string{7: "road", -1: "ignore"},
		Any:   map[string]any{"a": []any{1, 2.5, "x"}, "b": map[string]any{"c": true}, "d": []any{1, 2}},
		Parts: []struct{ part }{{part{Color: [3]uint8{0, 1, 255}}}, {part{Share: 2}}}, Extra: &part{Share: .5}}
	for name, data := range map[string]string{"plain": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "CR": strings.ReplaceAll(text, "\n", "\r"), "mark": "\uFEFF" + text, "start": "---\n" + text + "...\n"} {
		var got file
		if err := Decode("", []byte(data), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	var got file
	if err := Decode("", []byte("any: {e: &e {share: 3, color: [1, 2, 3]}}\nextra: {share: 1, <<: *e}\nsizes: [4e4, 0x10]\n"), &got); err != nil || *got.Extra != (part{[3]uint8{1, 2, 3}, 1}) || got.Sizes != [2]int{40000, 16} {
		t.Errorf("%v %+v", err, got)
	}
	if err := Decode("", []byte("extra:\nany: ~\nsizes: ~\n"), &got); err != nil || got.Extra != nil || got.Any != nil || got.Sizes != [2]int{40000, 16} {
		t.Errorf("%v %+v", err, got)
	}
	kept := want
	for _, empty := range []string{"", "\n", "# nothing\n", "---\n", "\uFEFF"} {
		if err := Decode("", []byte(empty), &kept); err != nil || !reflect.DeepEqual(kept, want) {
			t.Errorf("%q: %v %+v", empty, err, kept)
		}
	}
}

// aliases is a small file that stands for 10^9 values.
func aliases() string {
	text := "any:\n  a0: &a0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n"
	for i := range 8 {
		text += fmt.Sprintf("  a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return text
}

// TestFaults: a bad file is an error with its line, soon, and never a panic.
func TestFaults(t *testing.T) {
	for data, want := range map[string]string{
		"name: a\nnme: b\nsizes: [1]\n":  "f.yaml [2:1] \"nme\" is unknown\nf.yaml [3:8] sizes: want width and height",
		"parts: [{color: [1, 2, 300]}]":  "f.yaml [1:24] parts[0].color[2]: want a whole number from 0 to 255",
		"extra: {share: x, shr: 1}":      "f.yaml [1:16] extra.share: want a number\nf.yaml [1:19] extra: \"shr\" is unknown",
		"name: a\nname: b":               `f.yaml [2:1] "name" is given twice`,
		"ids: {1: a, 1: b}":              `f.yaml [1:13] ids: "1" is given twice`,
		"ids: {x: a}":                    "f.yaml [1:7] ids: want a whole number as a key",
		"name: [a]":                      "f.yaml [1:7] name: want text",
		"- a\n":                          "f.yaml [1:1] want keys with values",
		"name: a\n---\nname: b\n":        "f.yaml [2:1] there is more than one document",
		"name: !1":                       "f.yaml [1:7] name: the tag !1 is unknown",
		"sizes: !x":                      "f.yaml [1:8] sizes: the tag !x is unknown",
		"name: a\nids: \xff":             "f.yaml line 2, byte 6 is not UTF-8",
		"\xFF\xFEn\x00a\x00":             "f.yaml the text is UTF-16",
		"name: [":                        "f.yaml line 1:",
		"any: *b":                        "f.yaml unknown anchor",
		"any: {b: &b [*b]}":              "lists and maps within each other",
		aliases():                        "with what the aliases stand for",
		strings.Repeat("[", 200_000):     "f.yaml",
		strings.Repeat("- ", 200_000):    "f.yaml",
		strings.Repeat("{a: ", 200_000):  "f.yaml",
		strings.Repeat("a", MaxSize+1):   "more than 1048576",
		strings.Repeat("- a\n", 200_000): "more than 100000 values",
	} {
		before := time.Now()
		var got file
		err := Decode("f.yaml", []byte(data), &got)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", data, err, want)
		}
		if took := time.Since(before); took > 2*time.Second {
			t.Errorf("%.40q took %v", data, took)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"name: a\n", aliases(), "any: &a {b: *a}\n", "extra: {<<: {share: 1}}\n", "name: !1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got file
		fixture.Modest(t, 64<<20+2000*len(data), func() { _ = Decode("f.yaml", data, &got) })
	})
}
