package captioner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/cliptags"
	clips "semidavil/model/weights/builtin"
	"semidavil/transforms/captions"
)

// ID names a network and how it is used, as those of other captioners; of the weights and the
// prompt it has digests.
func (c Config) ID() string {
	n := c.Network
	if c.Kind == CLIPTags {
		return fmt.Sprintf("%s:weights=%s;version=%s", c.Kind, n.Digest, cliptags.Version())
	}
	precision := "float32"
	if n.BFloat16 {
		precision = "bfloat16"
	}
	return fmt.Sprintf("%s:weights=%s;prompt=%s;beams=%d;min_tokens=%d;max_tokens=%d;precision=%s", c.Kind, n.Digest, captions.Digest(n.Prompt), n.Beams, n.MinTokens, n.MaxTokens, precision)
}

// headBytes are read of each file for its digest: all of configurations and most of vocabularies,
// and of weights the header and the first tensors.
const headBytes = 1 << 20

// Digest returns 16 hexadecimal digits that stand for the files of a model folder: names, sizes
// and their first megabyte. Other weights that differ behind it alone have the same.
func Digest(ctx context.Context, folder string) (string, error) {
	if folder == clips.Name {
		data, err := clips.Files.ReadFile("model.safetensors")
		return captions.Digest(string(data)), err
	}
	var files []store.Info
	err := store.List(ctx, folder, func(info store.Info, err error) error {
		if err == nil && !strings.Contains(info.Rel, "/") && slices.Contains([]string{".json", ".txt", ".safetensors"}, ending(info.Rel)) {
			files = append(files, info)
		}
		return err
	}, store.FollowLinks) // as the cache of Hugging Face has
	if err == nil && len(files) == 0 {
		err = errors.New("no files of a model are there")
	}
	sum := sha256.New()
	for i := 0; i < len(files) && err == nil; i++ {
		fmt.Fprintf(sum, "%s\x00%d\x00", files[i].Rel, files[i].Size)
		err = addHead(ctx, sum, files[i].Path)
	}
	if err != nil {
		return "", fmt.Errorf("caption: look at the model folder %s: %w", folder, err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

func ending(name string) string {
	dot := strings.LastIndexByte(name, '.')
	return name[max(dot, 0):]
}

func addHead(ctx context.Context, to io.Writer, name string) error {
	r, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(r, headBytes))
	return errors.Join(err, r.Close())
}

// Open opens the network of a captioner that looks at images.
func Open(ctx context.Context, b backend.Choice, c Config) (captions.Network, error) {
	digest, err := Digest(ctx, c.Network.Weights)
	if err != nil {
		return nil, err
	}
	if digest != c.Network.Digest {
		return nil, fmt.Errorf("caption: the model folder %s has been replaced since the pipeline began", c.Network.Weights)
	}
	switch c.Kind {
	case BLIP, BLIP2:
		return openBLIP(ctx, b, c.Kind, c.Network)
	case CLIPTags:
		return openCLIPTags(ctx, b, c.Network)
	}
	return nil, fmt.Errorf("caption: captioner %q is no network", c.Kind)
}

// Check finds faults of the captioner before anything runs. Of a network it reads all but the
// weights.
func Check(ctx context.Context, c Config) (err error) {
	if !c.Looks() {
		_, err = New(c)
		return err
	}
	if c.Kind == CLIPTags {
		err = checkCLIPTags(ctx, c.Network.Weights)
	} else {
		err = checkBLIP(ctx, c.Network.Weights, c.Kind)
	}
	if err != nil {
		return fmt.Errorf("caption: captioner %s: %s: %w", c.Kind, c.Network.Weights, err)
	}
	return nil
}
