package configs

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"semidavil/internal/captionservice"
)

// CaptionSettings say where captions come from and how they become token ids. Every
// pipeline that reads raw images has them.
type CaptionSettings struct {
	// Captions is the kind of captioner: sidecar, classnames, http or blip2.
	Captions string `yaml:"captions" json:"captions"`
	// CaptionFallback is used where a sidecar is missing: "classnames" or "reject".
	CaptionFallback string `yaml:"caption_fallback" json:"caption_fallback"`
	// CaptionsFrom is a captions folder or JSONL file of an earlier run to reuse.
	CaptionsFrom string `yaml:"captions_from" json:"captions_from"`
	// The endpoint of the http captioner.
	CaptionURL         string `yaml:"caption_url" json:"caption_url"`
	CaptionModel       string `yaml:"caption_model" json:"caption_model"`
	CaptionPrompt      string `yaml:"caption_prompt" json:"caption_prompt"`
	CaptionKeyEnv      string `yaml:"caption_key_env" json:"caption_key_env"`
	CaptionConcurrency int    `yaml:"caption_concurrency" json:"caption_concurrency"`

	// Tokenizer is a CLIP model folder or merges file; empty is the built-in one.
	Tokenizer string `yaml:"tokenizer" json:"tokenizer"`
}

func defaultCaptions() CaptionSettings {
	return CaptionSettings{Captions: "sidecar", CaptionFallback: "classnames", CaptionConcurrency: 8}
}

// captionFlags are the names of their flags, for the groups of a help.
var captionFlags = []string{"captions", "caption_fallback", "captions_from", "caption_url", "caption_model", "caption_prompt", "caption_key_env", "caption_concurrency", "tokenizer"}

// CaptionFlags lists the flags that BindCaptions registers.
func CaptionFlags() []string { return captionFlags }

// BindCaptions registers a flag for every field of c.
func BindCaptions(fs *flag.FlagSet, c *CaptionSettings) {
	fs.StringVar(&c.Captions, "captions", c.Captions, "`kind` of captions: sidecar (text beside the images), classnames (a fixed sentence), http (a vision model)")
	fs.StringVar(&c.CaptionFallback, "caption_fallback", c.CaptionFallback, "`what` to do where a sidecar is missing: classnames or reject")
	fs.StringVar(&c.CaptionsFrom, "captions_from", c.CaptionsFrom, "`PATH` of captions that an earlier run wrote, to reuse")
	fs.StringVar(&c.CaptionURL, "caption_url", c.CaptionURL, "`URL` of an OpenAI-compatible API, such as http://localhost:8000/v1")
	fs.StringVar(&c.CaptionModel, "caption_model", c.CaptionModel, "vision `model` to ask for")
	fs.StringVar(&c.CaptionPrompt, "caption_prompt", c.CaptionPrompt, "what to ask it; default: to describe the scene in one sentence, naming the objects")
	fs.StringVar(&c.CaptionKeyEnv, "caption_key_env", c.CaptionKeyEnv, "environment `VARIABLE` that holds the API key, if it needs one, such as OPENAI_API_KEY")
	fs.IntVar(&c.CaptionConcurrency, "caption_concurrency", c.CaptionConcurrency, "`requests` under way at once in a process")
	fs.StringVar(&c.Tokenizer, "tokenizer", c.Tokenizer, "CLIP model `FOLDER` (tokenizer.json, or vocab.json and merges.txt) or OpenAI merges; default: a small built-in vocabulary")
}

// identity clears what does not decide the captions.
func (c CaptionSettings) identity() CaptionSettings {
	c.CaptionConcurrency, c.CaptionKeyEnv = 0, ""
	return c
}

func (c CaptionSettings) validate(f *faults) {
	f.oneOf("captions", c.Captions, "sidecar", "classnames", "http", "blip2")
	f.oneOf("caption_fallback", c.CaptionFallback, "classnames", "reject")
	f.atLeast("caption_concurrency", c.CaptionConcurrency, 1)
	c.checkSecrets(f)
	f.place("captions_from", c.CaptionsFrom)
	f.place("tokenizer", c.Tokenizer)
	if c.Captions == "http" && (c.CaptionURL == "" || c.CaptionModel == "") {
		f.add("captions", "http needs caption_url and caption_model")
	}
}

// checkSecrets refuses settings that may hold a secret, whatever the captioner: the
// configuration is stored and shown. The messages do not repeat them.
func (c CaptionSettings) checkSecrets(f *faults) {
	if c.CaptionKeyEnv != "" && !captionservice.IsVariable(c.CaptionKeyEnv) {
		f.add("caption_key_env", "want the name of an environment variable, of capitals, digits and '_', and not the key itself")
	}
	u, err := url.Parse(c.CaptionURL)
	if err != nil {
		f.add("caption_url", "it is no URL; want http(s)://host[:port]/path")
		return
	}
	if u.User != nil || u.Opaque != "" {
		f.add("caption_url", "it holds a user or password, which would be stored: give a key through caption_key_env")
	}
	if u.Fragment != "" {
		f.add("caption_url", "the part behind '#' is never sent, and may be a secret: leave it out")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		f.add("caption_url", "its parameters cannot be read")
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name != "api-version" {
			f.add("caption_url", "a parameter other than api-version may be a secret: give a key through caption_key_env")
			break
		}
	}
	if c.CaptionKeyEnv == "" {
		return
	}
	if key := strings.TrimSpace(os.Getenv(c.CaptionKeyEnv)); len(key) >= 8 { // shorter ones are no secrets
		for name, value := range map[string]string{"caption_url": c.CaptionURL, "caption_model": c.CaptionModel, "caption_prompt": c.CaptionPrompt} {
			if strings.Contains(value, key) {
				f.add(name, "it holds the key that is in the environment variable of caption_key_env: leave it out")
			}
		}
	}
}

// faults collects what is wrong with a configuration.
type faults []error

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("configs: %s: %s", key, fmt.Sprintf(format, args...)))
}

func (f *faults) oneOf(key, value string, valid ...string) {
	for _, v := range valid {
		if value == v {
			return
		}
	}
	f.add(key, "%q is unknown; valid: %s", value, strings.Join(valid, ", "))
}

func (f *faults) size(key, value string) {
	if value != "" {
		if _, _, err := ParseSize(value); err != nil {
			f.add(key, "%v", err)
		}
	}
}

func (f *faults) atLeast(key string, value, least int) {
	if value < least {
		f.add(key, "%d is below %d", value, least)
	}
}

// share wants 0 to 1.
func (f *faults) share(key string, value float64) {
	if !(value >= 0 && value <= 1) { // NaN too
		f.add(key, "%v is not within 0 to 1", value)
	}
}

var (
	// foreign begins the URLs that no path is, also after a path was cleaned.
	foreign = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+://|(?i)(https?|ftp|s3|file|hdfs|wasbs?|abfss?):/)`)
	// signed is part of URLs that give access to whoever has them.
	signed = regexp.MustCompile(`(?i)[?&](X-Goog-|X-Amz-|Signature=|GoogleAccessId=|AWSAccessKeyId=|sig=|access_token=)`)
)

// place wants a local path or a plain gs:// URL. URLs of other kinds may hold passwords
// and signatures, so the message does not repeat the value.
func (f *faults) place(key, value string) {
	switch bucket, isGS := strings.CutPrefix(value, "gs://"); {
	case !isGS && foreign.MatchString(value):
		f.add(key, "a URL that is not gs://; want a local path or gs://bucket/path")
	case isGS && strings.ContainsAny(strings.SplitN(bucket, "/", 2)[0], "@:?"):
		f.add(key, "no bucket has such a name; want gs://bucket/path, and credentials through GOOGLE_APPLICATION_CREDENTIALS")
	case isGS && signed.MatchString(value):
		f.add(key, "a signed URL, whose signature would be stored; want gs://bucket/path, and credentials through GOOGLE_APPLICATION_CREDENTIALS")
	}
}

// places checks the paths of a training.
func places(data, output, clip string) []error {
	var f faults
	f.place("data", data)
	f.place("output", output)
	f.place("clip", clip)
	return f
}

// data wants a place, or the one of a data set KIND:ROOT or pairs:FILE.yaml:ROOT.
func (f *faults) data(key, value string) {
	if kind, rest, ok := strings.Cut(value, ":"); ok && !strings.HasPrefix(rest, "//") {
		value = rest
		if set, err := ParseDataset(kind + ":" + rest); err == nil {
			f.place(key, set.Pairs)
			value = set.Root
		}
	}
	f.place(key, value)
}

func (f *faults) output(value string) {
	f.place("output", value)
	if value == "" || value == "gs://" {
		f.add("output", "no folder or bucket given")
	}
}

func (f *faults) err() error { return errors.Join(*f...) }
