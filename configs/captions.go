package configs

import (
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"semidavil/internal/captionservice"
)

// CaptionSettings say where captions come from and how they become token ids. Every
// pipeline that reads raw images has them.
type CaptionSettings struct {
	// Captions is the kind of captioner: sidecar, classnames, http, blip, blip2 or cliptags.
	Captions string `json:"captions" default:"sidecar" valid:"sidecar,classnames,http,blip,blip2,cliptags" help:"<kind> of captions: sidecar (text beside the images), classnames (a fixed sentence), http (a vision model behind a service), blip or blip2 (in this program; blip is small enough for a laptop), cliptags (what a CLIP sees)"`
	// CaptionFallback is used where a sidecar is missing or empty: "classnames" or "reject".
	CaptionFallback string `json:"caption_fallback" default:"classnames" valid:"classnames,reject" help:"<what> to do where a sidecar is missing or empty: classnames or reject"`
	// CaptionsFrom is a captions folder or JSONL file of an earlier run to reuse.
	CaptionsFrom string `json:"captions_from" is:"place" help:"<PATH> of captions that an earlier run wrote, to reuse, such as an output of caption"`
	// The endpoint of the http captioner.
	CaptionURL         string `json:"caption_url" help:"<URL> of an OpenAI-compatible API, such as http://localhost:8000/v1"`
	CaptionModel       string `json:"caption_model" help:"vision <model> to ask for"`
	CaptionPrompt      string `json:"caption_prompt" help:"what to ask http (default: to describe the scene in one sentence, naming the objects), or how the sentences of blip or blip2 begin (default: freely)"`
	CaptionKeyEnv      string `json:"caption_key_env" help:"environment <VARIABLE> that holds the API key, if it needs one, such as OPENAI_API_KEY"`
	CaptionConcurrency int    `json:"caption_concurrency" default:"8" range:"1.." help:"<requests> under way at once in a process"`
	// The network of blip or blip2: its folder, how sentences are searched for (0 is as the folder says), and
	// what computes. The greatest length counts for http too.
	CaptionWeights   string `json:"caption_weights" is:"place" help:"model <FOLDER> of blip or blip2, such as a download of Salesforce/blip-image-captioning-base or Salesforce/blip2-opt-2.7b, or of the CLIP of cliptags (default there minicity, the built-in one)"`
	CaptionBeams     int    `json:"caption_beams" range:"0..64" help:"<sentences> that blip or blip2 follows at once, 1 is greedy; 0: as its folder says, mostly 1"`
	CaptionMinTokens int    `json:"caption_min_tokens" range:"0..1000" help:"<tokens> of a sentence of blip or blip2 at least; 0: as its folder says"`
	CaptionMaxTokens int    `json:"caption_max_tokens" range:"0..1000" help:"<tokens> of a sentence at most; 0: as the folder of blip or blip2 says, mostly 20, and 60 for http"`
	CaptionPrecision string `json:"caption_precision" default:"float32" valid:"float32,bfloat16" help:"<type> of the weights of blip or blip2: float32 (15 GB of blip2-opt-2.7b), or bfloat16 (half of that, on GPUs)"`
	CaptionBatch     int    `json:"caption_batch" default:"8" range:"1.." help:"<images> that pass the network of blip or blip2 together"`
	CaptionBackend   string `json:"caption_backend" default:"auto" help:"what computes captions: <NAME> auto, go, xla:cpu, xla:cuda or xla:PATH of a PJRT plug-in"`
}

// identity clears what does not decide the captions.
func (c CaptionSettings) identity() CaptionSettings {
	c.CaptionConcurrency, c.CaptionKeyEnv, c.CaptionBatch, c.CaptionBackend = 0, "", 0, ""
	return c
}

// check holds the rules of more than one setting.
func (c CaptionSettings) check(f *faults) {
	c.checkSecrets(f)
	if c.Captions == "http" && (c.CaptionURL == "" || c.CaptionModel == "") {
		f.add("captions", "http needs caption_url and caption_model")
	}
	if (c.Captions == "blip" || c.Captions == "blip2") && c.CaptionWeights == "" {
		f.add("captions", "%s needs caption_weights, the folder of its model (docs/CAPTIONS.md)", c.Captions)
	}
	if c.CaptionMaxTokens > 0 && c.CaptionMinTokens > c.CaptionMaxTokens {
		f.add("caption_min_tokens", "%d is more than caption_max_tokens, %d", c.CaptionMinTokens, c.CaptionMaxTokens)
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
	if key := strings.TrimSpace(os.Getenv(c.CaptionKeyEnv)); len(key) >= 8 { // shorter ones are not secrets
		for name, value := range map[string]string{"caption_url": c.CaptionURL, "caption_model": c.CaptionModel, "caption_prompt": c.CaptionPrompt} {
			if strings.Contains(value, key) {
				f.add(name, "it holds the key that is in the environment variable of caption_key_env: leave it out")
			}
		}
	}
}
