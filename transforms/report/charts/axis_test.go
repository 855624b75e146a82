package charts

import (
	"math"
	"strings"
	"testing"
)

func labels(a axis) string {
	var out []string
	for _, t := range a.ticks {
		out = append(out, t.label)
	}
	return strings.Join(out, " ")
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		axis axis
		want string
	}{
		{linearAxis(0, 98.2, 6, false), "0 20 40 60 80 100"},
		{linearAxis(0, 0.3, 3, false), "0 0.1 0.2 0.3"},
		{linearAxis(3, 9.5, 7, true), "3 4 5 6 7 8 9"},
		{linearAxis(-2.1, 6.2, 6, false), "-4 -2 0 2 4 6 8"},
		{linearAxis(0, 60000, 7, true), "0 10000 20000 30000 40000 50000 60000"},
		{linearAxis(0, 4e8, 4, false), "0 1e8 2e8 3e8 4e8"},
		{linearAxis(5, 5, 5, false), "4.4 4.6 4.8 5.0 5.2 5.4 5.6"},
		{linearAxis(0, 0, 2, false), "-1 0 1"},
		{logAxis(0.02, 1000), "0.01 0.1 1 10 100 1000"},
		{logAxis(1, 1), "0.1 0.2 0.5 1"},
		{logAxis(0.03, 0.9), "0.01 0.02 0.05 0.1 0.2 0.5 1"},
		{logAxis(1e-12, 1e12), "1e-12 1e-9 1e-6 0.001 1 1000 1000000 1e9 1e12"},
	} {
		if got := labels(c.axis); got != c.want {
			t.Errorf("ticks %q, want %q", got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range [][2]string{
		{significant(9.96, 2), "10"}, {significant(0.0476, 3), "0.0476"}, {significant(123.4, 2), "120"},
		{significant(0.000001234, 2), "1.2e-6"}, {significant(3.2e9, 3), "3.2e9"}, {significant(0, 3), "0"},
		{significant(1000, 3), "1000"}, {significant(-2.345, 3), "-2.35"}, {significant(math.NaN(), 3), "–"},
		{fixed(0.04, 1), "0.0"}, {fixed(-0.04, 1), "0.0"}, {fixed(12.25, 1), "12.2"}, {fixed(math.NaN(), 1), "–"},
		{short(51), "51"}, {short(2.5), "2.5"}, {short(12000), "12000"}, {num(1.005), "1"}, {num(-0.001), "0"}, {num(2.999), "3"}, {num(12.346), "12.35"},
		{withUnit("4", "ms"), "4 ms"}, {withUnit("4", "%"), "4%"}, {withUnit("–", "%"), "–"},
		{fit("short", 12, 100), "short"}, {fit("a very long name", 12, 60), "a very…"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
	for e := -99; e <= 99; e++ {
		if exponent(power(e)) != e || logarithm(power(e)) != float64(e) {
			t.Errorf("10^%d has exponent %d and logarithm %v", e, exponent(power(e)), logarithm(power(e)))
		}
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(wrap("the mean over the classes that occur", 10, 100), "|")
	if want := "the mean over the|classes that occur"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
