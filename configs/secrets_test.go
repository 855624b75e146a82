package configs

import (
	"path"
	"strings"
	"testing"
)

// TestNoSecretInSettings: what may be a password, key or signature is refused without
// being repeated, whether it would be used or not.
func TestNoSecretInSettings(t *testing.T) {
	const secret = "hunter2-hunter2"
	t.Setenv("SEMIDAVIL_TEST_KEY", secret)
	for name, change := range map[string]func(*Prepare){
		"user":            func(c *Prepare) { c.CaptionURL = "https://u:" + secret + "@h/v1" },
		"user of no URL":  func(c *Prepare) { c.CaptionURL = "https://u:" + secret + "@h:port/v1" },
		"odd parameters":  func(c *Prepare) { c.CaptionURL = "https://h/v1?a;code=" + secret },
		"parameter":       func(c *Prepare) { c.CaptionURL = "https://h/v1?" + secret },
		"fragment":        func(c *Prepare) { c.CaptionURL = "https://h/v1#" + secret },
		"key in path":     func(c *Prepare) { c.CaptionURL, c.CaptionKeyEnv = "https://h/"+secret, "SEMIDAVIL_TEST_KEY" },
		"key in prompt":   func(c *Prepare) { c.CaptionPrompt, c.CaptionKeyEnv = secret, "SEMIDAVIL_TEST_KEY" },
		"key as variable": func(c *Prepare) { c.CaptionKeyEnv = secret },
		"web output":      func(c *Prepare) { c.Output = "https://u:" + secret + "@h/out" },
		"cleaned output":  func(c *Prepare) { c.Output = path.Clean("https://u:" + secret + "@h/out") },
		"signed source":   func(c *Prepare) { c.Source = []string{"gta5:gs://b/o?X-Goog-Signature=" + secret} },
		"signed pairs":    func(c *Prepare) { c.Source = []string{"pairs:https://h/a.yaml?sig=" + secret + ".yaml:/data"} },
		"web target":      func(c *Prepare) { c.Target = []string{"https://u:" + secret + "@h/x"} },
		"user of bucket":  func(c *Prepare) { c.CaptionsFrom = "gs://u:" + secret + "@b/o" },
		"web list":        func(c *Prepare) { c.LabelledList = "https://h/l?token=" + secret },
	} {
		for _, captions := range []string{"sidecar", "http"} {
			cfg := DefaultPrepare()
			cfg.Captions, cfg.CaptionURL, cfg.CaptionModel = captions, "http://localhost/v1", "m"
			change(&cfg)
			if err := cfg.Validate(); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, %s: %v", name, captions, err)
			}
		}
	}
	for _, place := range []string{"/data/a?b", "out/x", "gs://b/a?b", "gs://b/a@c:d", "./a://b"} {
		cfg := DefaultPrepare()
		cfg.Output = place
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	// An error of a file tells the line, not what is there.
	var cfg Prepare
	err := Decode([]byte("seed: 1\ncaption_key: "+secret+"\n"), &cfg)
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "[2:1]") {
		t.Errorf("%v", err)
	}
	err = Decode([]byte("workers: "+secret+"\n"), &cfg)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	train, pre := DefaultTrain(), DefaultPretrain()
	train.CLIP, pre.CLIP = "https://u:"+secret+"@h/clip", "https://u:"+secret+"@h/clip"
	for _, err := range []error{train.Validate(), pre.Validate()} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
