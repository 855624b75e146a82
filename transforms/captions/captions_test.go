package captions

import (
	"strings"
	"testing"
	"unicode/utf8"

	"semidavil"
)

func TestClassNames(t *testing.T) {
	for want, classes := range map[string][]string{
		"A street scene with road.":              {"road"},
		"A street scene with road and car.":      {"road", "car"},
		"A street scene with road, car and sky.": {"road", "car", "sky"},
	} {
		c, err := OfClassNames(classes)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Caption(t.Context(), Request{}); got != want || err != nil {
			t.Errorf("Caption = %q, %v; want %q", got, err, want)
		}
	}
	a, errA := OfClassNames(semidavil.Cityscapes19.Names())
	b, errB := OfClassNames(semidavil.CamVid11.Names())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.ID() == b.ID() || !strings.HasPrefix(a.ID(), "classnames:") {
		t.Errorf("IDs %s and %s", a.ID(), b.ID())
	}
	for _, classes := range [][]string{nil, {"road", " "}, {strings.Repeat("x", MaxBytes)}} {
		if _, err := OfClassNames(classes); err == nil {
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
