// Package inputs turns the settings that several commands share into parameters of
// stages: which captions, which images, which network.
package inputs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/captionservice"
	"semidavil/internal/store"
	"semidavil/model/backend"
	clips "semidavil/model/weights/builtin"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/plans"
)

// Captions maps the settings of captions of data sets, which are kept below output. It makes or
// looks at the captioner once in this process, so that a missing key or file is reported before
// anything runs.
func Captions(ctx context.Context, c configs.CaptionSettings, sets []plans.DataSet, output string, classes []string, follow bool) (p stages.CaptionParams, err error) {
	p = stages.CaptionParams{
		Captioner: captioner.Config{Kind: c.Captions, Classes: classes, Endpoint: captionservice.Endpoint{
			URL: c.CaptionURL, Model: c.CaptionModel, Prompt: c.CaptionPrompt, KeyVariable: c.CaptionKeyEnv,
			Concurrency: c.CaptionConcurrency, MaxTokens: c.CaptionMaxTokens,
		}},
		Sets:        sets,
		FallBack:    c.CaptionFallback == "classnames",
		Output:      output + "/captions",
		From:        c.CaptionsFrom,
		Follow:      follow,
		Concurrency: c.CaptionConcurrency,
	}
	if c.Captions == captioner.CLIPTags && c.CaptionWeights == "" {
		c.CaptionWeights = clips.Name
	}
	if p.Captioner.Looks() {
		p.Captioner.Network = captioner.Network{Weights: c.CaptionWeights, Prompt: c.CaptionPrompt, Beams: c.CaptionBeams,
			MinTokens: c.CaptionMinTokens, MaxTokens: c.CaptionMaxTokens, BFloat16: c.CaptionPrecision == "bfloat16", Backend: c.CaptionBackend, Batch: c.CaptionBatch}
		if err := backend.Check(c.CaptionBackend); err != nil {
			return p, runners.Usagef("--caption_backend: %v", err)
		}
		if p.Captioner.Network.Digest, err = captioner.Digest(ctx, c.CaptionWeights); err != nil {
			return p, runners.Usagef("--caption_weights: %v", err)
		}
	}
	if err := captioner.Check(ctx, p.Captioner); err != nil {
		return p, err
	}
	if c.CaptionsFrom != "" {
		if _, err := store.Stat(ctx, c.CaptionsFrom); err != nil {
			return p, fmt.Errorf("--captions_from: %w", err)
		}
	}
	return p, nil
}

// CheckTables compares given captions and the captions.jsonl of data sets with the images. It
// refuses those of which no row names an image: all captions would be lost.
func CheckTables(ctx context.Context, p stages.CaptionParams) ([]captioner.Fit, error) {
	fits, err := stages.FitTables(ctx, p)
	for _, f := range fits {
		if f.Matched > 0 || f.Images == 0 || f.Rows+len(f.Broken) == 0 {
			continue
		}
		why := fmt.Sprintf("the first has %q, where an image has %q", f.First, f.Example)
		switch {
		case f.Rows == 0:
			why = f.Broken[0].Error()
		case len(f.Ambiguous) > 0:
			why = fmt.Sprintf("%q could be several images; their paths are such as %q", f.Ambiguous[0], f.Example)
		}
		flag := "captions=sidecar"
		if f.Path == p.From {
			flag = "captions_from"
		}
		return nil, runners.Usagef("--%s: %s: none of the %d rows names an image: %s", flag, f.Path, f.Rows+len(f.Broken), why)
	}
	return fits, err
}

// WriteTables prints how many rows of captions met an image.
func WriteTables(w io.Writer, fits []captioner.Fit) {
	for _, f := range fits {
		fmt.Fprintf(w, "captions   %s: %d rows matched an image, %d did not%s\n", Shown(Shorten(f.Path)),
			f.Matched, f.Rows-f.Matched, someOf(": ", f.Unmatched))
		if len(f.Ambiguous) > 0 {
			fmt.Fprintf(w, "           %d of the names could be several images each%s\n", len(f.Ambiguous), someOf(": ", f.Ambiguous))
		}
		if len(f.Broken) > 0 {
			fmt.Fprintf(w, "           %d rows are broken, the first in %s\n", len(f.Broken), Shown(f.Broken[0].Error()))
		}
	}
}

// someOf lists the first three names, after a separator from the preceding text.
func someOf(separator string, names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i == 3 {
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			break
		}
		fmt.Fprintf(&b, "%s%q", separator, name)
		separator = ", "
	}
	return b.String()
}

// CheckRemoteCaptions refuses services and keys that workers elsewhere do not have.
func CheckRemoteCaptions(s *runners.Session, c configs.CaptionSettings) error {
	if u, err := url.Parse(c.CaptionURL); s.Remote() && c.Captions == "http" && (c.CaptionKeyEnv != "" || err == nil && loopback(u.Hostname())) {
		return runners.Usagef("--captions=http: the workers of --runner=%s have neither this machine's environment nor its local services; caption here first, then give --captions_from=gs://...", s.Runner)
	}
	return nil
}

// loopback reports whether a host is the machine itself.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ForgetCaptions removes the captions that an output keeps: images of other data may have
// the same keys.
func ForgetCaptions(ctx context.Context, output string) error {
	return store.RemoveFiles(ctx, output+"/captions", stages.OwnFile)
}
