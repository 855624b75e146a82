package configs

import (
	"flag"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// kinds has a setting of every kind.
type kinds struct {
	Word   string     `json:"word" default:"a" valid:"a,b" group:"One" help:"a <word>"`
	Place  string     `json:"place" default:"out" is:"place" need:"no folder given" group:"Two" help:"a <FOLDER>"`
	Flag   bool       `json:"flag" default:"true" before:"place" group:"Two" help:"whether"`
	Whole  int        `json:"whole" default:"3" range:"1.." group:"One" help:"a <number>"`
	Seed   uint64     `json:"seed" group:"One" help:"a seed"`
	Real   float64    `json:"real" default:"0.5" range:"0..1" group:"One" help:"a <share>"`
	Words  []string   `json:"words" default:"a,b" valid:"a,b,c" once:"true" group:"One" help:"<words>"`
	Reals  []float64  `json:"reals" range:"0.." group:"One" help:"<numbers>"`
	Triple [3]int     `json:"triple" default:"1,2,3" range:"0.." wants:"three numbers" group:"One" help:"<numbers>"`
	Rows   []struct{} `json:"rows"`
	inner  `group:"Three"`
}

type inner struct {
	Size string `json:"size" is:"size" help:"a <size>"`
}

// TestSetting: a tag is enough for default, flag, file, check and help of every kind.
func TestSetting(t *testing.T) {
	for key, c := range map[string]struct{ first, flag, file, bad, fault, usage string }{
		"word":   {"a", "b", "b", "c", `"c" is unknown; valid: a, b`, "a `word`"},
		"place":  {"out", "gs://b/o", "gs://b/o", "http://h", "a URL that is not gs://", "a `FOLDER`"},
		"flag":   {"true", "false", "false", "", "", "whether"},
		"whole":  {"3", "7", "7", "0", "0 is below 1", "a `number`"},
		"seed":   {"0", "18446744073709551615", "18446744073709551615", "", "", "a seed"},
		"real":   {"0.5", "0.25", "0.25", "NaN", "NaN is not within 0 to 1", "a `share`"},
		"words":  {"a,b", "c,a", "[c, a]", "a,a", "a is given twice", "`words`"},
		"reals":  {"", "1,0.5", "[1, 0.5]", "1,-1", "-1 is negative", "`numbers`"},
		"triple": {"1,2,3", "4,5,6", "[4, 5, 6]", "1,2,-3", "-3 is negative", "`numbers`"},
		"size":   {"", "8x4", "8x4", "8", `"8": want WIDTHxHEIGHT`, "a `size`"},
	} {
		bind := func() (*kinds, *flag.FlagSet) {
			cfg := defaults[kinds]()
			fs := flag.NewFlagSet("", flag.ContinueOnError)
			fs.SetOutput(io.Discard)
			Bind(fs, &cfg)
			return &cfg, fs
		}
		cfg, fs := bind()
		f := fs.Lookup(key)
		if f == nil || f.DefValue != c.first || f.Usage != c.usage {
			t.Errorf("%s: %+v", key, f)
			continue
		}
		if err := check(cfg).err(); err != nil {
			t.Errorf("%s: default: %v", key, err)
		}
		if err := fs.Parse([]string{"--" + key + "=" + c.flag}); err != nil || f.Value.String() != c.flag || check(cfg).err() != nil {
			t.Errorf("--%s=%s: %v, %v, %v", key, c.flag, f.Value, err, check(cfg).err())
		}
		cfg, fs = bind()
		if err := Decode([]byte(key+": "+c.file+"\n"), cfg); err != nil || fs.Lookup(key).Value.String() != c.flag {
			t.Errorf("%s: %s: %v, %v", key, c.file, fs.Lookup(key).Value, err)
		}
		if c.bad == "" {
			continue
		}
		if err := fs.Parse([]string{"--" + key + "=" + c.bad}); err != nil {
			t.Errorf("--%s=%s: %v", key, c.bad, err)
		}
		if err := check(cfg).err(); err == nil || !strings.Contains(err.Error(), "configs: "+key+": "+c.fault) {
			t.Errorf("--%s=%s: %v, want %q", key, c.bad, err, c.fault)
		}
	}
	cfg := defaults[kinds]()
	cfg.Place, cfg.Whole = "gs://", -1
	if err := check(&cfg).err(); err == nil || err.Error() != "configs: place: no folder given\nconfigs: whole: -1 is below 1" {
		t.Errorf("%v", err)
	}
	for title, want := range map[string]string{"Two": "flag place", "Three": "size"} {
		if got := strings.Join(Group[kinds](title), " "); got != want {
			t.Errorf("%s: %s, want %s", title, got, want)
		}
	}
}

// TestLists: words of several flags add up, numbers are those of the last.
func TestLists(t *testing.T) {
	cfg := defaults[kinds]()
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	Bind(fs, &cfg)
	err := fs.Parse([]string{"--words=c", "--words=a, b", "--reals=1", "--reals=2,3"})
	if err != nil || strings.Join(cfg.Words, " ") != "c a b" || !slices.Equal(cfg.Reals, []float64{2, 3}) {
		t.Errorf("%v %+v", err, cfg)
	}
	for arg, want := range map[string]string{"--words=,": "nothing is given", "--reals=x": `"x" is not a number`, "--triple=1,2": "want three numbers"} {
		cfg := defaults[kinds]()
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		Bind(fs, &cfg)
		if err := fs.Parse([]string{arg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", arg, err, want)
		}
	}
}

// TestTags: every setting has a help text in a group, in the tags that are known.
func TestTags(t *testing.T) {
	known := []string{"json", "default", "group", "before", "help", "need", "valid", "range", "is", "once", "wants"}
	for _, cfg := range []any{new(Prepare), new(Pretrain), new(Train), new(Pseudolabel), new(Evaluate), new(Export), new(Ablate), new(Demo)} {
		keys := map[string]bool{}
		for _, s := range settings(cfg) {
			if keys[s.key] || s.key == "" {
				t.Errorf("%T: key %q is empty or there twice", cfg, s.key)
			}
			keys[s.key] = true
			if s.key == "own" || s.key == "set" { // of ablate: for files only
				continue
			}
			if s.tag.Get("help") == "" || s.group == "" {
				t.Errorf("%T: %s has no help or group", cfg, s.key)
			}
			left := " " + string(s.tag)
			for _, name := range known {
				_, rest, found := strings.Cut(left, " "+name+":\"")
				if before, _, _ := strings.Cut(left, " "+name+":\""); found {
					_, after, _ := strings.Cut(rest, "\"")
					left = before + after
				}
			}
			if strings.TrimSpace(left) != "" {
				t.Errorf("%T: %s: what is %s?", cfg, s.key, left)
			}
		}
		for _, s := range settings(cfg) {
			if next := s.tag.Get("before"); next != "" && !keys[next] {
				t.Errorf("%T: %s is before %s, which is no key", cfg, s.key, next)
			}
		}
	}
	for _, s := range settings(new(Ablate)) {
		if groups := strings.Join(slices.Sorted(maps.Keys(AblationRows)), ", "); s.key == "rows" && !strings.Contains(s.tag.Get("help"), "("+groups+")") {
			t.Errorf("rows: the groups are %s", groups)
		}
	}
}

// TestFileFaults are all told at once, with file and line.
func TestFileFaults(t *testing.T) {
	cfg := DefaultTrain()
	err := decode("run.yaml", []byte("steps: many\nomga: 1\nlr: fast\nbatch: [1, 2]\nremat: 1\nabsent: x\nseed: -1\nsteps: 2.5\n"), &cfg)
	for _, want := range []string{
		"run.yaml [1:8] steps: want a whole number", `run.yaml [2:1] "omga" is unknown`, "run.yaml [3:5] lr: want a number",
		"run.yaml [4:8] batch: want three numbers", "run.yaml [5:8] remat: want true or false", "run.yaml [6:9] absent: want a list",
		"run.yaml [7:7] seed: want a whole number of 0 or more", `run.yaml [8:1] "steps" is given twice`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestDatasetLists: a comma parts data sets where a kind follows it, and is part of a
// path elsewhere; what one flag says is never part of what another does.
func TestDatasetLists(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{[]string{"gta5:/a,cityscapes:/b"}, []string{"gta5:/a", "cityscapes:/b"}},
		{[]string{"gta5:/a", "cityscapes:/b"}, []string{"gta5:/a", "cityscapes:/b"}},
		{[]string{" gta5:/a , synthia:/b,", ",camvid:/c"}, []string{"gta5:/a", "synthia:/b", "camvid:/c"}},
		{[]string{"gta5:/d,e"}, []string{"gta5:/d,e"}},
		{[]string{"gta5:/d, e,f,cityscapes:gs://b/x,y"}, []string{"gta5:/d, e,f", "cityscapes:gs://b/x,y"}},
		{[]string{"gta5:/d,e", "gta5:/f,g"}, []string{"gta5:/d,e", "gta5:/f,g"}},
		{[]string{"pairs:/d,e.yaml:/f,g:h"}, []string{"pairs:/d,e.yaml:/f", "g:h"}},
		{[]string{"gta5:/a,citscapes:/b"}, []string{"gta5:/a", "citscapes:/b"}},
		{[]string{"gta5:/a,gs://b"}, []string{"gta5:/a", "gs://b"}},
		{[]string{"gta5:/a", "b"}, []string{"gta5:/a", "b"}},
	} {
		var cfg Prepare
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		Bind(fs, &cfg)
		for _, arg := range c.args {
			if err := fs.Parse([]string{"--source=" + arg}); err != nil {
				t.Errorf("%q: %v", arg, err)
			}
		}
		loaded, err := Load(t.Context(), DefaultPrepare(), "", fs)
		if err != nil || !slices.Equal(cfg.Source, c.want) || !slices.Equal(loaded.Source, c.want) {
			t.Errorf("%q: %q, loaded %q, %v, want %q", c.args, cfg.Source, loaded.Source, err, c.want)
		}
	}
}
