package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"semidavil/internal/loader"
	"semidavil/model/infer"
)

// fingerprint stands for all that decides the weights: configuration, pre-trained
// weights and data. A checkpoint of another one is not resumed.
func (t *trainer) fingerprint() (string, error) {
	c := t.Config
	c.Output, c.Overwrite, c.CLIP = "", false, t.clipDigest
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery, c.Keep, c.EvaluateImages = 0, 0, 0, 0, 0
	c.Window = infer.Window{}
	data, err := dataIdentity(&c.Loader, t.loader)
	if err != nil {
		return "", err
	}
	own, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("train: fingerprint: %w", err)
	}
	sum := sha256.Sum256(append(own, data...))
	return hex.EncodeToString(sum[:16]), nil
}

// dataIdentity clears what does not decide the batches from c, and returns what
// stands for the data itself: the shards with their checksums.
func dataIdentity(c *loader.Config, l *loader.Loader) ([]byte, error) {
	c.Dir, c.CacheDir, c.Workers, c.Prefetch, c.CacheBytes = "", "", 0, 0, 0
	data, err := json.Marshal(l.Manifest().Shards)
	if err != nil {
		return nil, fmt.Errorf("train: fingerprint: %w", err)
	}
	return data, nil
}
