// Package inputs turns the settings that several commands share into parameters of
// stages: which captions, which images, which network.
package inputs

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/captionservice"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
)

// Captions maps the settings of captions, which are kept below output.
func Captions(c configs.CaptionSettings, output string, classes []string, follow bool) stages.CaptionParams {
	return stages.CaptionParams{
		Captioner: captioner.Config{Kind: c.Captions, Classes: classes, Endpoint: captionservice.Endpoint{
			URL: c.CaptionURL, Model: c.CaptionModel, Prompt: c.CaptionPrompt, KeyVariable: c.CaptionKeyEnv,
			Concurrency: c.CaptionConcurrency,
		}},
		FallBack:    c.CaptionFallback == "classnames",
		Output:      output + "/captions",
		From:        c.CaptionsFrom,
		Follow:      follow,
		Concurrency: c.CaptionConcurrency,
	}
}

// CheckCaptions makes the captioner once here: a missing key or file is told before
// anything runs.
func CheckCaptions(ctx context.Context, c configs.CaptionSettings) error {
	if _, err := captioner.New(Captions(c, "", semidavil.Cityscapes19.Names(), false).Captioner); err != nil {
		return err
	}
	if c.CaptionsFrom != "" {
		if _, err := store.Stat(ctx, c.CaptionsFrom); err != nil {
			return fmt.Errorf("--captions_from: %w", err)
		}
	}
	return nil
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
// the keys of those.
func ForgetCaptions(ctx context.Context, output string) error {
	return store.RemoveFiles(ctx, output+"/captions", stages.OwnFile)
}
