package runners

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func testFlags() *flag.FlagSet {
	fs := flag.NewFlagSet("work", flag.ExitOnError)
	fs.Int("shard_count", 8, "number of `shards`")
	fs.String("input", "", "a `folder`")
	fs.Bool("overwrite", false, "")
	fs.Duration("timeout", 0, "")
	fs.String("id", "", "for workers")
	return fs
}

func TestParseFlags(t *testing.T) {
	tests := []struct{ args, want string }{
		{"--input=x -shard_count 3 --overwrite", ""},
		{"--shardcount=3", "unknown flag --shardcount; did you mean --shard_count?"},
		{"--shard-count", "unknown flag --shard-count; did you mean --shard_count?"},
		{"--inptu=x", "unknown flag --inptu; did you mean --input?"},
		{"--over", "unknown flag --over; did you mean --overwrite?"},
		{"--zzz=1", "unknown flag --zzz"},
		{"-ix", "unknown flag --ix"},
		{"-z", "unknown flag -z"},
		{"--shard_count=many", `--shard_count: invalid value "many": parse error`},
		{"--overwrite=2", `--overwrite: invalid value "2": parse error`},
		{"--input", "--input: value missing"},
		{"---x", "bad flag syntax: ---x"},
		{"--=x", "bad flag syntax: --=x"},
		{"-x=--input", "unknown flag -x"},
		{"--shard_count=", `--shard_count: invalid value "": parse error`},
		{`--shard_count=1"-for-flag--x:`, `--shard_count: invalid value "1\"-for-flag--x:": parse error`},
	}
	for _, test := range tests {
		err := ParseFlags(testFlags(), strings.Fields(test.args))
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.args, err)
			}
			continue
		}
		var usage *UsageError
		if !errors.As(err, &usage) || err.Error() != test.want {
			t.Errorf("%s: error %q, want %q", test.args, err, test.want)
		}
	}
	for _, args := range []string{"-h", "--help"} {
		if err := ParseFlags(testFlags(), []string{args}); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: error %v", args, err)
		}
	}
}

// TestParseFlagsLikeFlag takes every command line of up to three of some words and wants what
// package flag makes of it: the values, the other arguments, and whether it is refused.
func TestParseFlagsLikeFlag(t *testing.T) {
	words := []string{"", "-", "--", "---", "-=", "--=3", "3", "x", "-h", "--help=1", "-input", "--input=", "--input=a=b", "--shard_count", "-shard_count=4", "--overwrite", "-overwrite=false", "--overwrite=x", "--zzz"}
	lines := [][]string{nil}
	for first := 0; len(lines[first]) < 3; first++ {
		for _, w := range words {
			lines = append(lines, append(slices.Clone(lines[first]), w))
		}
	}
	state := func(fs *flag.FlagSet) string {
		var s strings.Builder
		fs.VisitAll(func(f *flag.Flag) { fmt.Fprintf(&s, "%s=%s ", f.Name, f.Value) })
		fs.Visit(func(f *flag.Flag) { fmt.Fprintf(&s, "%s ", f.Name) })
		return s.String()
	}
	for _, line := range lines {
		got, want := testFlags(), testFlags()
		want.Init("work", flag.ContinueOnError)
		want.SetOutput(io.Discard)
		gotErr, wantErr := ParseFlags(got, line), want.Parse(line)
		if (gotErr == nil) != (wantErr == nil) || errors.Is(gotErr, flag.ErrHelp) != errors.Is(wantErr, flag.ErrHelp) {
			t.Errorf("%q: error %v, want %v", line, gotErr, wantErr)
		}
		if state(got) != state(want) || wantErr == nil && (!slices.Equal(got.Args(), want.Args()) || !got.Parsed()) {
			t.Errorf("%q: %s%q, want %s%q", line, state(got), got.Args(), state(want), want.Args())
		}
	}
}

// slowEdits is the distance by its recursive definition.
func slowEdits(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	i, j := len(a)-1, len(b)-1
	cost := 1
	if a[i] == b[j] {
		cost = 0
	}
	best := min(slowEdits(a[:i], b)+1, slowEdits(a, b[:j])+1, slowEdits(a[:i], b[:j])+cost)
	if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
		best = min(best, slowEdits(a[:i-1], b[:j-1])+1)
	}
	return best
}

func TestEdits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		letters := make([]byte, rng.IntN(7))
		for i := range letters {
			letters[i] = "abc"[rng.IntN(3)]
		}
		return string(letters)
	}
	for range 300 {
		a, b := word(), word()
		if got, want := editDistance(a, b), slowEdits(a, b); got != want {
			t.Fatalf("edits(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
}

func TestUsageColumns(t *testing.T) {
	fs := testFlags()
	fs.String("a_flag_whose_name_takes_the_whole_column", "", strings.Repeat("word ", 60))
	var s strings.Builder
	usage(&s, fs, "work", strings.Repeat("synopsis ", 30), []Group{{"Input", []string{"input", "shard_count", "missing"}}, {"Other", []string{"a_flag_whose_name_takes_the_whole_column"}}},
		[]Example{{"Text.", "work --input=x \\\n  --overwrite"}})
	text := s.String()
	for _, line := range strings.Split(text, "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("line of %d columns: %q", utf8.RuneCountInString(line), line)
		}
	}
	for _, want := range []string{"\nInput:\n  --input FOLDER            a folder\n  --shard_count SHARDS      number of shards (default 8)\n", "\nOther:\n  --a_flag_whose", "\nExamples:\n  Text.\n    work --input=x \\\n      --overwrite\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""}, {"a b", 10, "a b"}, {"aa bb cc", 5, "aa bb|cc"}, {"aaaaaaaa b", 4, "aaaaaaaa|b"}, {"a\n\nb", 9, "a||b"}, {"ää öö", 5, "ää öö"},
	} {
		if got := strings.Join(wrap(test.text, test.width), "|"); got != test.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestCheckGroups(t *testing.T) {
	err := check(testFlags(), []Group{{"Input", []string{"input", "inptu"}}, {"Output", []string{"out"}}})
	if err == nil || !strings.Contains(err.Error(), "--inptu (Input), --out (Output)") {
		t.Errorf("error %v", err)
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0.0s", 9900 * time.Millisecond: "9.9s", 9960 * time.Millisecond: "10s", 59700 * time.Millisecond: "1m0s", 125 * time.Second: "2m5s", 3725 * time.Second: "1h02m", 50 * time.Hour: "50h00m"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for rate, want := range map[float64]string{120.4: "120/s", 9.96: "10/s", 9.94: "9.9/s", 1.25: "1.2/s", 0.5: "30/min", 0.01: "0.6/min"} {
		if got := shortRate(rate); got != want {
			t.Errorf("%v: %q, want %q", rate, got, want)
		}
	}
}
