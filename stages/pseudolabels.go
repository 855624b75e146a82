package stages

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/plans"
	"semidavil/transforms/datasets"
)

// LabelsFile lists the pseudo-labels of an output of pseudolabel, one [LabelRow] per
// line. It is written last: where it exists, the output is complete.
const LabelsFile = "labels.jsonl"

// LabelRow is one pseudo-labelled image.
type LabelRow struct {
	// Key names the image as prepare does.
	Key string `json:"key"`
	// Image is its path below the root of its data set.
	Image string `json:"image"`
	// SHA256 is that of the image's file, in hexadecimal digits; absent where it is not known.
	SHA256 string `json:"sha256,omitempty"`
	// Label is the path of its train ids below the output.
	Label string `json:"label"`
	// Width and Height are the size of the label.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Depth is the number of slices of a volume.
	Depth int `json:"depth,omitempty"`
	// Kept is the share of pixels that are not ignored.
	Kept float64 `json:"kept"`
}

// readLabelRows reads the rows of an output of pseudolabel by key.
func readLabelRows(ctx context.Context, output string) (map[string]LabelRow, error) {
	data, err := store.ReadText(ctx, output+"/"+LabelsFile, 0)
	if err != nil {
		return nil, fmt.Errorf("%s is not a finished output of pseudolabel: %w", output, err)
	}
	rows, err := decodeLabelRows(data)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", output, LabelsFile, err)
	}
	return rows, nil
}

func decodeLabelRows(data []byte) (map[string]LabelRow, error) {
	rows := map[string]LabelRow{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var row LabelRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row.Key == "" || row.Label == "" {
			return nil, fmt.Errorf("line %d is no row of a pseudo-label: %v", n, err)
		}
		if _, ok := rows[row.Key]; ok {
			return nil, fmt.Errorf("line %d: a line before has key %q too", n, row.Key)
		}
		rows[row.Key] = row
	}
	return rows, lines.Err()
}

// withPseudoLabels adds, for every unlabelled target image that has a pseudo-label and no label of
// its own, a labelled sample with it.
func withPseudoLabels(ctx context.Context, output string, all []plans.Assigned) ([]plans.Assigned, error) {
	rows, err := readLabelRows(ctx, output)
	if err != nil {
		return nil, fmt.Errorf("stages: split: %w", err)
	}
	info, err := store.Stat(ctx, output+"/"+LabelsFile)
	if err != nil {
		return nil, fmt.Errorf("stages: split: %w", err)
	}
	digest, err := digestOf(ctx, output)
	if err != nil {
		return nil, fmt.Errorf("stages: split: %w", err)
	}
	own := map[string]bool{}
	for _, a := range all {
		own[a.Ref.Key] = own[a.Ref.Key] || a.Ref.Label != ""
	}
	out, added := slices.Clone(all), 0
	var others []string // names of labels whose image has another path
	for _, a := range all {
		row, ok := rows[a.Ref.Key]
		if !ok || own[a.Ref.Key] || a.Subset != semidavil.Unlabelled {
			continue
		}
		if row.Image != a.Ref.Image && row.Image != row.Key { // of shards the key is all that is known
			others = append(others, fmt.Sprintf("%s: %s there, %s here", row.Key, row.Image, a.Ref.Image))
			continue
		}
		ref := a.Ref
		ref.LabelRoot, ref.LabelDigest, ref.Label, ref.Encoding, ref.ImageSHA256 = output, digest, row.Label, datasets.PseudoEncoding, row.SHA256
		ref.Changed = max(ref.Changed, info.ModTime.UnixNano())
		out = append(out, plans.Assigned{Subset: semidavil.Labelled, Ref: ref})
		added++
	}
	if len(others) > 0 {
		return nil, fmt.Errorf("stages: split: %d pseudo-labels of %s are of other images, the first of %s", len(others), output, others[0])
	}
	if added == 0 {
		return nil, fmt.Errorf("stages: split: none of the %d pseudo-labels of %s belongs to an unlabelled target image of this data; keys are compared, such as %s", len(rows), output, anyKey(rows))
	}
	return out, nil
}

// digestOf identifies the labels of an output of pseudolabel: their list, and the
// statistics and thresholds where they exist.
func digestOf(ctx context.Context, output string) (string, error) {
	h := sha256.New()
	for _, name := range []string{LabelsFile, LabelStatsFile, ThresholdsFile} {
		data, err := store.ReadFile(ctx, output+"/"+name, 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		fmt.Fprintf(h, "%d\n%s", len(data), data)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// anyKey is the first key, for messages.
func anyKey(rows map[string]LabelRow) string {
	first := "none"
	for key := range rows {
		if first == "none" || key < first {
			first = key
		}
	}
	return first
}
