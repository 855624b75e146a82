package cliptags

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"semidavil/internal/store"
	clips "semidavil/model/weights/builtin"
)

// File is the name of a calibration, in the folder of the CLIP that it was made for.
const File = "cliptags.json"

// builtin is the calibration of the built-in CLIP, on 240 labelled scenes of MiniCity (tools/cliptags).
//
//go:embed cliptags.json
var builtin []byte

// maxCalibration is the greatest size of a calibration file.
const maxCalibration = 16 << 20

// readCalibration reads the calibration of the CLIP in a folder, whose weights have the digest; nil
// where there is none.
func readCalibration(ctx context.Context, folder, digest string) (*Calibration, error) {
	c, err := parseCalibration(ctx, folder)
	if err == nil && c != nil && c.CLIP != digest {
		err = fmt.Errorf("%s: it was made for another CLIP (%s, not %s): calibrate again", File, c.CLIP, digest)
	}
	return c, err
}

// parseCalibration reads the calibration in a folder, whatever its CLIP.
func parseCalibration(ctx context.Context, folder string) (*Calibration, error) {
	data := builtin
	if folder != clips.Name {
		var err error
		data, err = store.ReadText(ctx, folder+"/"+File, maxCalibration)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	c, err := ParseCalibration(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return c, nil
}

// ParseCalibration reads what Encode wrote. It checks that the numbers are those of this vocabulary.
func ParseCalibration(data []byte) (*Calibration, error) {
	c := new(Calibration)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, err
	}
	switch n := len(Things); {
	case c.Vocabulary != vocabularyDigest():
		return nil, fmt.Errorf("it was made for another vocabulary of things (%s, not %s): calibrate again", c.Vocabulary, vocabularyDigest())
	case len(c.Thresholds) != n:
		return nil, fmt.Errorf("%d thresholds: want %d", len(c.Thresholds), n)
	case len(c.Directions) != len(c.Bias) || c.Bias != nil && len(c.Bias) != n:
		return nil, fmt.Errorf("%d directions with %d biases: want %d or none", len(c.Directions), len(c.Bias), n)
	}
	return c, nil
}

// readout joins the numbers with those of the texts, for features of the width embed.
func (c *Calibration) readout(text *Readout, embed int) (*Readout, error) {
	if c.Directions == nil {
		return &Readout{text.Directions, text.Bias, c.Thresholds}, nil
	}
	for k, d := range c.Directions {
		if len(d) != embed {
			return nil, fmt.Errorf("direction %d of the calibration has %d numbers, the features of this CLIP %d", k, len(d), embed)
		}
	}
	return &Readout{c.Directions, c.Bias, c.Thresholds}, nil
}

// Encode returns the calibration as a file, the same bytes for the same numbers.
func (c Calibration) Encode() ([]byte, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("cliptags: encode calibration: %w", err)
	}
	return append(data, '\n'), nil
}

// Use makes the tagger read features by a calibration of its CLIP; without directions it must be a plain one. It must not look at images meanwhile.
func (t *Tagger) Use(c Calibration) error {
	r, err := c.readout(t.text, t.config.Embed)
	if err == nil {
		t.readout = r
	}
	return err
}
