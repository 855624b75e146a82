package caption

import (
	"strings"
	"testing"
	"unicode/utf8"

	"semidavil"
)

func TestNewUnknown(t *testing.T) {
	for _, kind := range []string{"", "blip", "Sidecar"} {
		_, err := New(Config{Kind: kind})
		if err == nil {
			t.Fatalf("New(%q) succeeded", kind)
		}
		for _, valid := range []string{"sidecar", "classnames", "http", "blip2"} {
			if !strings.Contains(err.Error(), valid) {
				t.Errorf("New(%q): %v does not list %s", kind, err, valid)
			}
		}
	}
	_, err := New(Config{Kind: BLIP2})
	if err == nil || !strings.Contains(err.Error(), "not available") || !strings.Contains(err.Error(), `"http"`) {
		t.Errorf("blip2: %v", err)
	}
}

func TestClassNames(t *testing.T) {
	for want, classes := range map[string][]string{
		"A street scene with road.":              {"road"},
		"A street scene with road and car.":      {"road", "car"},
		"A street scene with road, car and sky.": {"road", "car", "sky"},
	} {
		c, err := New(Config{Kind: ClassNames, Classes: classes})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Caption(t.Context(), Request{}); got != want || err != nil {
			t.Errorf("Caption = %q, %v; want %q", got, err, want)
		}
	}
	a, errA := New(Config{Kind: ClassNames, Classes: semidavil.Cityscapes19.Names()})
	b, errB := New(Config{Kind: ClassNames, Classes: semidavil.CamVid11.Names()})
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.ID() == b.ID() || !strings.HasPrefix(a.ID(), "classnames:") {
		t.Errorf("IDs %s and %s", a.ID(), b.ID())
	}
	for _, classes := range [][]string{nil, {"road", " "}, {strings.Repeat("x", MaxBytes)}} {
		if _, err := New(Config{Kind: ClassNames, Classes: classes}); err == nil {
			t.Errorf("%d classes were accepted", len(classes))
		}
	}
}

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		" \t\r\n":                         "",
		"\uFEFFA  road\r\nand\ta car. ":   "A road and a car.",
		"a\x00b\x1bc\u0085d":              "abc d", // U+0085 is white space
		"bad\xffbyte":                     "badbyte",
		"kept \uFFFD":                     "kept \uFFFD",
		"Straße\u00a0\u3000雨":             "Straße 雨",
		"\"quoted\"":                      `"quoted"`,
		strings.Repeat("é", 1500):         strings.Repeat("é", 1000),
		"x" + strings.Repeat("é", 1500):   "x" + strings.Repeat("é", 999),
		strings.Repeat("x", 1999) + " yz": strings.Repeat("x", 1999),
		strings.Repeat("x", 1998) + " yz": strings.Repeat("x", 1998) + " y",
	} {
		if got := Normalise(in); got != want {
			t.Errorf("Normalise(%.40q) = %.40q, want %.40q", in, got, want)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"a b", "\xff\x00", " \uFEFF ", strings.Repeat("é ", 900)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := Normalise(s)
		if !utf8.ValidString(n) || len(n) > MaxBytes || strings.TrimSpace(n) != n || Normalise(n) != n ||
			strings.Contains(n, "  ") || strings.ContainsAny(n, "\n\r\t\x00") {
			t.Errorf("Normalise(%q) = %q", s, n)
		}
	})
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		`"a road"`:          "a road",
		"“a ‘big’ road”":    "a ‘big’ road",
		"'`a`'":             "a",
		`"a" and "b"`:       `"a" and "b"`,
		`the driver's car'`: `the driver's car'`,
		`"`:                 `"`,
		`""`:                "",
		` " spaced " `:      "spaced",
	} {
		if got := unquote(in); got != want {
			t.Errorf("unquote(%q) = %q, want %q", in, got, want)
		}
	}
}
