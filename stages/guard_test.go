package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/store"
	"semidavil/runners/runnerstest"
	"semidavil/stages/plans"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets"
	"semidavil/transforms/shards"
)

// photo writes a pair of the Cityscapes layout under a name.
func photo(t *testing.T, root, stem string) {
	t.Helper()
	fixture.Write(t, root, "leftImg8bit/train/ulm/"+stem+"_leftImg8bit.png", fixture.PNG(t, fixture.Picture(64, 32, 9)))
	fixture.Write(t, root, "gtFine/train/ulm/"+stem+"_gtFine_labelIds.png", fixture.PNG(t, fixture.IDs(64, 32, fixture.StreetIDs(9))))
}

// contents are the samples of all shards by key, whichever shard they are in.
func contents(t *testing.T, out string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := filepath.Glob(filepath.Join(out, "shards/*.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		r := shards.NewReader(file)
		for s, err := r.Next(); err == nil; s, err = r.Next() {
			all[string(s.Meta.Subset)+" "+s.Key] = fmt.Sprintf("%v", s)
		}
	}
	return all
}

// TestOneBadImage: an image that a stage refuses is a row of the rejects, and all others come
// out as they do without it.
func TestOneBadImage(t *testing.T) {
	gta := t.TempDir()
	fixture.GTA5(t, gta, 2)
	const folder = "leftImg8bit/train/ulm/"
	run := func(way, stem, damaged string, data []byte) (string, map[string]string) {
		t.Helper()
		city, out := t.TempDir(), t.TempDir()
		fixture.Cityscapes(t, city, 3, 1, 1)
		if stem != "" {
			photo(t, city, stem)
		}
		if damaged != "" {
			fixture.Write(t, city, folder+stem+damaged, data)
		}
		if err := runnerstest.Run(t, way, pipeline(gta, city, out, -1)); err != nil {
			t.Fatalf("%s on %s: %v", stem, way, err)
		}
		return out, contents(t, out)
	}
	_, want := run("prism", "", "", nil)
	for _, c := range []struct {
		stage, stem   string
		damaged       string // ending of a file with the data
		data          []byte
		rows          int // of a name that no path has, the label's too
		reason, inRow string
	}{
		{"match", `back\slash`, "", nil, 2, "path holds a backslash", `"path":"` + folder + `back\\slash_leftImg8bit.png"`},
		{"caption", "latin1", "_leftImg8bit.txt", []byte("a stra\xdfe"), 1, "is not UTF-8", `"key":"cityscapes_train_latin1"`},
		{"load", "torn", "_leftImg8bit.png", []byte("\x89PNG\r\n\x1a\n"), 1, "image data end early", `"key":"cityscapes_train_torn"`},
	} {
		for _, way := range ways {
			out, got := run(way, c.stem, c.damaged, c.data)
			same(t, got, want)
			data, err := os.ReadFile(filepath.Join(out, RejectsFile))
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{`"stage":"` + c.stage + `"`, c.reason, c.inRow} {
				if !strings.Contains(string(data), part) {
					t.Errorf("%s on %s: %s, want %s", c.stem, way, data, part)
				}
			}
			if n := strings.Count(string(data), "\n"); n != c.rows {
				t.Errorf("%s on %s: %d rejects: %s", c.stem, way, n, data)
			}
		}
	}
}

// hostile is a captioner that panics at an image, or returns an error for it.
type hostile struct{ captions.Captioner }

func (h hostile) Caption(ctx context.Context, req captions.Request) (string, error) {
	switch req.Key {
	case "panic":
		panic("no more of this image")
	case "error":
		return "", errors.New("this image cannot be done")
	}
	return h.Captioner.Caption(ctx, req)
}

// TestPanics: a panic at one image, as a reader might raise on a hostile file, is a row of the
// rejects too, and the stage goes on with the others.
func TestPanics(t *testing.T) {
	ctx := metrics.SetPTransformID(metrics.SetBundleID(t.Context(), "bundle"), "transform") // as in a DoFn
	fixed, err := captions.OfClassNames([]string{"road"})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	sample := func(key string) plans.Sample {
		return plans.Sample{Ref: semidavil.Ref{Key: key, Root: root, Image: key + ".png"}}
	}
	plan := plans.Plan{Name: "source-00000", Samples: []plans.Sample{sample("a"), sample("error"), sample("panic"), sample("z")}}
	var rejected []shards.Reject
	reject := func(r shards.Reject) { rejected = append(rejected, r) }
	check := func(stage string, want ...shards.Reject) {
		t.Helper()
		if !slices.Equal(rejected, want) {
			t.Errorf("%s: %+v, want %+v", stage, rejected, want)
		}
		rejected = nil
	}
	row := func(stage, key, reason string) shards.Reject {
		return shards.Reject{Key: key, Path: key + ".png", Stage: stage, Reason: reason}
	}
	const panicked = "stages: panic: no more of this image"

	classify := guarded(ctx, func(rel string) datasets.File {
		if rel == "panic.png" {
			panic("no more of this image")
		}
		return datasets.File{Role: datasets.Image}
	}, reject)
	for _, rel := range []string{"a.png", "panic.png", "z.png", "panic.png"} {
		if role := classify(rel).Role; (role == datasets.Image) != (rel != "panic.png") {
			t.Errorf("%s: %v", rel, role)
		}
	}
	check("match", shards.Reject{Path: "panic.png", Stage: "match", Reason: panicked})

	var captioned plans.Plan
	caption := captionFn{Params: CaptionParams{Output: t.TempDir()}, id: fixed.ID(), captioner: hostile{fixed}, fallback: fixed}
	if err := caption.ProcessElement(ctx, plan, func(p plans.Plan) { captioned = p }, reject); err != nil {
		t.Fatal(err)
	}
	if s := captioned.Samples; len(s) != 2 || s[0].Ref.Key != "a" || s[1].Ref.Key != "z" || s[1].Caption == "" {
		t.Errorf("captioned %+v", s)
	}
	check("caption", row("caption", "error", "this image cannot be done"), row("caption", "panic", panicked))

	// Without its tools a stage panics at every image.
	(&tokeniseFn{}).ProcessElement(ctx, captioned, func(plans.Plan) { t.Error("a plan without an image goes on") }, reject)
	const nothing = "stages: panic: runtime error: invalid memory address or nil pointer dereference"
	check("tokenise", row("tokenise", "a", nothing), row("tokenise", "z", nothing))
	if made := (&writeFn{}).makeOne(ctx, nil, semidavil.SourceTrain, sample("a")); made.err == nil || made.err.Error() != nothing {
		t.Errorf("write: %v", made.err)
	}
}

// TestHostileNames: names that no path may have are rejected before anything is joined,
// and links that lead out are not followed, of an image, a label or a caption.
func TestHostileNames(t *testing.T) {
	gta, city, out, outside := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 4)
	fixture.Cityscapes(t, city, 2, 1, 0)
	fixture.Write(t, outside, "secret.txt", []byte("the password of the house"))
	fixture.Write(t, outside, "secret.png", fixture.PNG(t, fixture.Picture(48, 30, 1)))
	for _, stem := range []string{`x\..\..\y`, "line\nbreak", strings.Repeat("n", 200)} {
		photo(t, city, stem)
	}
	for link, to := range map[string]string{"images/00001.txt": "secret.txt", "images/00002.png": "secret.png", "labels/00003.png": "secret.png"} {
		name := filepath.Join(gta, link)
		if err := errors.Join(os.Remove(name), os.Symlink(filepath.Join(outside, to), name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := runnerstest.Run(t, "prism", pipeline(gta, city, out, -1)); err != nil {
		t.Fatal(err)
	}
	for name, data := range files(t, out) {
		if strings.Contains(data, "password of the house") {
			t.Errorf("%s: holds a text from outside", name)
		}
		if strings.ContainsAny(name, "\\\n") || strings.Contains(name, "..") {
			t.Errorf("%q is written", name)
		}
	}
	data, err := os.ReadFile(filepath.Join(out, RejectsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"images/00001.png", "images/00002.png", "labels/00003.png", `ulm/x\\..\\..\\y_leftImg8bit.png`} {
		if !strings.Contains(string(data), path) {
			t.Errorf("%s is not rejected:\n%s", path, data)
		}
	}
	var keys []string
	for key := range contents(t, out) {
		if strings.HasPrefix(key, "labelled cityscapes_train_line_break-") || strings.HasPrefix(key, "labelled cityscapes_train_nnn") || key == "source gta5_train_00004" {
			keys = append(keys, key)
		}
	}
	if len(keys) != 3 {
		t.Errorf("samples %v", keys)
	}
}

// TestNamesOfLists: a list of labelled images and pseudo-labels name files; the former
// are only compared, the latter never lead out.
func TestNamesOfLists(t *testing.T) {
	refs := []semidavil.Ref{{Key: "k", Domain: semidavil.Target, Split: "train", Root: "/r", Image: "a/b.png", Label: "a/l.png"}}
	for _, entry := range []string{"../../etc/passwd", "/etc/passwd", "gs://other/x.png", `..\b`, "\x00", "..", "."} {
		if out, _, err := split(SplitParams{List: []string{entry}}, refs); err == nil {
			t.Errorf("%q chooses %v", entry, out)
		}
	}
	root, outside := t.TempDir(), t.TempDir()
	fixture.Write(t, outside, "x.png", []byte("outside"))
	if err := os.Symlink(filepath.Join(outside, "x.png"), filepath.Join(root, "link.png")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../" + filepath.Base(outside) + "/x.png", filepath.Join(outside, "x.png"), "link.png", "gs://other/x.png", `..\x.png`, "a\x00.png", "a//b.png", "", ".."} {
		if data, err := store.ReadBelow(t.Context(), nil, root, name); err == nil {
			t.Errorf("%q reads %q", name, data)
		}
	}
	if data, err := store.ReadBelow(t.Context(), nil, root, "link.png", store.FollowLinks); err != nil || string(data) != "outside" {
		t.Errorf("a link that may be followed: %q %v", data, err)
	}
	for place, fine := range map[string]bool{"a/b": true, "../b": false, "/b": false, `a\b`: false, "a\x00": false, "a//b": false,
		strings.Repeat("x", 230): true, strings.Repeat("x", 231): false, "line\nbreak": true} {
		if err := checkPlace(place); (err == nil) != fine {
			t.Errorf("place %.20q: %v", place, err)
		}
	}
}
