package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"semidavil/internal/loader"
	"semidavil/model/infer"
)

// fingerprint identifies all that decides the weights: configuration, pre-trained
// weights and data. A checkpoint of another one is not resumed.
func (t *trainer) fingerprint() (string, error) {
	c := t.Config
	c.Output, c.Overwrite, c.CLIP = "", false, t.clipDigest
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery, c.Keep, c.EvaluateImages = 0, 0, 0, 0, 0
	c.Window, c.Loader = infer.Window{}, ofBatches(c.Loader)
	return fingerprint(c, t.loader)
}

func (p *pretrainer) fingerprint() (string, error) {
	c := p.PretrainConfig
	c.Output, c.Overwrite, c.Start = "", false, p.start
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery, c.Keep = 0, 0, 0, 0
	c.Loader = ofBatches(c.Loader)
	return fingerprint(c, p.loader)
}

// ofBatches clears what does not decide the batches.
func ofBatches(c loader.Config) loader.Config {
	c.Dir, c.CacheDir, c.Workers, c.Prefetch, c.CacheBytes = "", "", 0, 0, 0
	return c
}

// fingerprint is that of a configuration and the data, whose shards have checksums.
func fingerprint(config any, l *loader.Loader) (string, error) {
	h := sha256.New()
	for _, part := range []any{config, l.Manifest().Shards} {
		data, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("train: fingerprint: %w", err)
		}
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
