package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/store"
	"semidavil/runners/runnerstest"
	"semidavil/stages/rejects"
	"semidavil/transforms/shards"
)

// An image whose name says so makes a stage fail or panic, as a reader might on a
// hostile file: "panic-caption.png" panics in the stage caption. The names reach a
// worker in a process of its own too.
func init() {
	guard = func(ctx context.Context, stage string, ref semidavil.Ref, work func() error) error {
		return rejects.Guard(ctx, stage, ref, func() error {
			if strings.Contains(ref.Image, "panic-"+stage) {
				panic("no more of this image")
			}
			if strings.Contains(ref.Image, "error-"+stage) {
				return errors.New("this image cannot be done")
			}
			return work()
		})
	}
}

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

// TestOneBadImage: an image on which a stage always fails, or panics, is a row of the
// rejects, and all others come out as they do without it.
func TestOneBadImage(t *testing.T) {
	gta := t.TempDir()
	fixture.GTA5(t, gta, 2)
	run := func(how, way string) (string, map[string]string) {
		t.Helper()
		city, out := t.TempDir(), t.TempDir()
		fixture.Cityscapes(t, city, 3, 1, 1)
		if how != "" {
			photo(t, city, how)
		}
		if err := runnerstest.Run(t, way, pipeline(gta, city, out, -1)); err != nil {
			t.Fatalf("%s on %s: %v", how, way, err)
		}
		return out, contents(t, out)
	}
	_, want := run("", "prism")
	for _, stage := range []string{"match", "caption", "tokenise", "write"} {
		for _, what := range []string{"error", "panic"} {
			how := what + "-" + stage
			for _, way := range []string{"prism", "worker"} {
				out, got := run(how, way)
				same(t, got, want)
				data, err := os.ReadFile(filepath.Join(out, RejectsFile))
				if err != nil {
					t.Fatal(err)
				}
				list := strings.Split(strings.TrimSpace(string(data)), "\n")
				stageName := map[string]string{"write": "load"}[stage]
				if stageName == "" {
					stageName = stage
				}
				reason := map[string]string{"error": "this image cannot be done", "panic": "stages: panic: no more of this image"}[what]
				row := list[len(list)-1]
				for _, part := range []string{`"path":"leftImg8bit/train/ulm/` + how + `_leftImg8bit.png"`, `"stage":"` + stageName + `"`, reason} {
					if !strings.Contains(string(data), part) {
						t.Errorf("%s on %s: %s, want %s", how, way, row, part)
					}
				}
				rows := 1
				if stage == "match" { // the label bears the name too
					rows = 2
				} else if !strings.Contains(row, `"key":"cityscapes_train_`+how+`"`) {
					t.Errorf("%s on %s: %s has no key", how, way, row)
				}
				if len(list) != rows {
					t.Errorf("%s on %s: %d rejects: %s", how, way, len(list), data)
				}
			}
		}
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
