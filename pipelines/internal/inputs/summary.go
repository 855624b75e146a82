package inputs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/counters"
	"semidavil/transforms/shards"
)

// maxShown is how many rejects are shown; all are in the file.
const maxShown = 10

// WriteRejects shows the first rejects of an output that has so many good ones of unit, such as images. tooMany is
// an error where the share of rejects is above limit; it is for the end of a summary, since
// the output is complete all the same.
func WriteRejects(ctx context.Context, w io.Writer, output, unit string, good int, limit float64) (tooMany, err error) {
	data, err := store.ReadFile(ctx, output+"/"+stages.RejectsFile, 0)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		fmt.Fprintln(w, "rejects    0")
		return nil, nil
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	fmt.Fprintf(w, "rejects    %d, all in %s\n", len(lines), stages.RejectsFile)
	for i, line := range lines {
		if i == maxShown {
			fmt.Fprintf(w, "           and %d more\n", len(lines)-i)
			break
		}
		var r shards.Reject
		if json.Unmarshal(line, &r) == nil {
			fmt.Fprintf(w, "           %s: %s\n", Shown(r.Path), Shown(strings.TrimPrefix(r.Reason, r.Path+": ")))
		}
	}
	if share := float64(len(lines)) / float64(len(lines)+good); share > limit {
		return fmt.Errorf("%.1f %% of the %s were rejected, more than --max_rejects=%g allows", 100*share, unit, limit), nil
	}
	return nil, nil
}

// WriteFallbacks prints how many images got the sentence of class names for want of a caption.
func WriteFallbacks(w io.Writer, r runners.Result) {
	if n := r.Count(counters.Namespace, counters.Fallbacks); n > 0 {
		fmt.Fprintf(w, "captions   %d images had none and got a sentence of class names\n", n)
	}
}

// WriteTurned prints what EXIF did to some images and not to what they are compared with.
func WriteTurned(w io.Writer, t *shards.Turned) {
	if t == nil {
		return
	}
	fmt.Fprintf(w, "exif       %d pairs have different orientations and one size, which does not show whether they\n", t.Images)
	fmt.Fprintf(w, "           belong together; look at them: %s\n", Shown(t.Example))
}

// Shown keeps control characters of file names and services off the terminal.
func Shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Shorten writes a path relative to the working folder where that is shorter.
func Shorten(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(rel, "..") && !store.IsRemote(path) {
			return rel
		}
	}
	return path
}
