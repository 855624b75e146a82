package inputs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/infer"
	clips "semidavil/model/weights/builtin"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/transforms/text/builtin"
)

// Network is a trained network as parameters of stages.
type Network struct {
	Facts infer.Facts
	// Params has one element for each of the names that were asked for.
	Params []inference.NetworkParams
	// Tokenizer is the folder of the tokeniser that the network's captions need; empty
	// is the built-in one.
	Tokenizer string
}

// ReadNetwork finds the checkpoint of the networks with those names, and what belongs to
// it: the CLIP whose text tower reads the captions, and its tokeniser.
func ReadNetwork(ctx context.Context, s *runners.Session, c configs.Inference, names []string) (Network, error) {
	var n Network
	if err := backend.Check(c.Backend); err != nil {
		return n, runners.Usagef("--backend: %v", err)
	}
	trained, err := trainedCLIP(ctx, c)
	if err != nil {
		return n, err
	}
	for _, name := range names {
		file, err := infer.Find(ctx, c.Checkpoint, name)
		if err != nil {
			hint := ""
			if record, _, e := outputs.Read[json.RawMessage](ctx, c.Checkpoint); e == nil && record != nil && record.Command != "train" {
				hint = "; it is an output of " + record.Command
			}
			return n, runners.Usagef("--checkpoint=%s: %v%s", c.Checkpoint, err, hint)
		}
		if HasVolumeNetwork(ctx, c.Checkpoint, name) {
			return n, runners.Usagef("--checkpoint=%s: %s is of a network on volumes; want one on images", c.Checkpoint, file)
		}
		if n.Facts, err = infer.ReadFacts(ctx, file); err != nil {
			return n, err
		}
		if err := infer.CheckNetwork(ctx, file, name); err != nil {
			return n, runners.Usagef("--checkpoint=%s: %v", file, err)
		}
		window, err := windowOf(c, n.Facts)
		if err != nil {
			return n, err
		}
		o := infer.Options{Checkpoint: file, Network: name, Window: window, View: infer.View{Scales: c.Scales, Flip: c.Flip},
			Batch: c.Batch, BFloat16: c.Precision == "bfloat16"}
		if n.Facts.TextTower != "" {
			if o.CLIP = trained; o.CLIP == "" {
				return n, runners.Usagef("--checkpoint=%s: the training's run.json is not there to tell which CLIP reads the captions; give it as --clip", c.Checkpoint)
			}
			if _, err := store.Stat(ctx, o.CLIP); err != nil && o.CLIP != clips.Name {
				return n, runners.Usagef("the CLIP that reads the captions: %v; give its folder as --clip", err)
			}
		}
		stamp, err := inference.Stamp(ctx, file)
		if err != nil {
			return n, err
		}
		n.Params = append(n.Params, inference.NetworkParams{Backend: c.Backend, Stamp: stamp, Options: o})
	}
	if n.Tokenizer = c.Tokenizer; n.Tokenizer == "" && n.Facts.Tokenizer.Name != builtin.Name {
		n.Tokenizer = trained
	}
	if s.Remote() {
		for flag, folder := range map[string]string{"clip": n.Params[0].CLIP, "tokenizer": n.Tokenizer} {
			if folder != "" && folder != clips.Name && !store.IsRemote(folder) {
				return n, runners.Usagef("the training had %s, which the workers of --runner=%s cannot see; give a gs:// path as --%s", folder, s.Runner, flag)
			}
		}
	}
	tokenizer, err := stages.LoadTokenizer(ctx, n.Tokenizer)
	if err != nil {
		return n, err
	}
	if tokenizer.Digest() != n.Facts.Tokenizer.SHA256 {
		where := "the built-in tokeniser"
		if n.Tokenizer != "" {
			where = "the tokeniser of " + n.Tokenizer
		}
		return n, runners.Usagef("%s is not the one that the network's captions were prepared with; give that as --tokenizer", where)
	}
	return n, nil
}

// trainedCLIP is the CLIP folder that was given, or the one that run.json of the
// training names; empty where neither is known.
func trainedCLIP(ctx context.Context, c configs.Inference) (string, error) {
	if c.CLIP != "" {
		return c.CLIP, nil
	}
	dir := c.Checkpoint
	if strings.HasSuffix(dir, ".safetensors") {
		if dir = parent(dir); path.Base(dir) == "checkpoints" {
			dir = parent(dir)
		}
	}
	record, cfg, err := outputs.Read[configs.Train](ctx, dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && record == nil {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what the network was trained with: %w", err)
	}
	return cfg.CLIP, nil
}

// parent is the folder of a path or gs:// URL.
func parent(name string) string {
	i := strings.LastIndex(name, "/")
	if i < 0 {
		return "."
	}
	return name[:i]
}

// windowOf maps the settings of windows.
func windowOf(c configs.Inference, f infer.Facts) (infer.Window, error) {
	switch c.Window {
	case "trained":
		return f.Window, nil
	case "whole":
		return infer.Window{}, nil
	}
	w, h := f.Crop[0], f.Crop[1]
	if c.WindowSize != "" {
		var err error
		if w, h, err = configs.ParseSize(c.WindowSize); err != nil {
			return infer.Window{}, runners.Usagef("--window_size: %v", err)
		}
	}
	if err := f.Segmenter.CheckSize(w, h); err != nil {
		return infer.Window{}, runners.Usagef("--window_size=%dx%d: %v", w, h, err)
	}
	return infer.Sliding(w, h), nil
}
