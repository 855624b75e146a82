package stages

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/stages/plans"
	"semidavil/transforms/datasets"
)

// TestOwnOutputsAreNoInput: outputs of this program that lie among the images are left out.
func TestOwnOutputsAreNoInput(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "old/run.json", []byte(`{"command": "prepare", "fingerprint": "x", "config": {}}`))
	fixture.Write(t, root, "game/run.json", []byte(`{"score": 3}`))
	var entries []datasets.Entry
	for _, name := range []string{"1.png", "old/run.json", "old/labels/1.png", "older/2.png", "game/run.json", "game/3.png"} {
		entries = append(entries, datasets.Entry{Path: name})
	}
	got, err := withoutOutputs(t.Context(), root, entries)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range got {
		names = append(names, e.Path)
	}
	if want := "[1.png older/2.png game/run.json game/3.png]"; fmt.Sprint(names) != want {
		t.Errorf("%v, want %s", names, want)
	}
}

// TestDanglingLink: a link to nothing is a reject, and the rest is prepared.
func TestDanglingLink(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 3, 0, 0)
	if err := os.Symlink("/absent", root+"/latest"); err != nil {
		t.Fatal(err)
	}
	p, s := beam.NewPipelineWithRoot()
	refs, rejects := Match(s, MatchParams{Sets: []plans.DataSet{{Kind: "cityscapes", Root: root, Domain: semidavil.Target, W: 8, H: 8}}})
	passert.Count(s, refs, "images", 3)
	passert.Count(s, rejects, "links", 1)
	if _, err := runners.Run(t.Context(), p, runners.Options{Runner: "prism"}); err != nil {
		t.Error(err)
	}
}

// TestUnreadableFolderEndsTheRun, since a whole city could be in it.
func TestUnreadableFolderEndsTheRun(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read every folder")
	}
	root := t.TempDir()
	fixture.Cityscapes(t, root, 3, 0, 0)
	fixture.Write(t, root, "leftImg8bit/train/shut/x.png", nil)
	if err := os.Chmod(root+"/leftImg8bit/train/shut", 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(root+"/leftImg8bit/train/shut", 0o755)
	p, s := beam.NewPipelineWithRoot()
	Match(s, MatchParams{Sets: []plans.DataSet{{Kind: "cityscapes", Root: root, Domain: semidavil.Target, W: 8, H: 8}}})
	if _, err := runners.Run(t.Context(), p, runners.Options{Runner: "prism"}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Error(err)
	}
}

// TestMatchFaults: a folder that holds nothing, or nothing that may be read, is a fault of the run.
func TestMatchFaults(t *testing.T) {
	city, links := t.TempDir(), t.TempDir()
	fixture.Write(t, city, "a.png", nil)
	fixture.Write(t, links, "leftImg8bit/train/ulm/notes.txt", nil)
	if err := os.Symlink(city+"/a.png", links+"/leftImg8bit/train/ulm/a_leftImg8bit.png"); err != nil {
		t.Fatal(err)
	}
	for root, want := range map[string]string{city: "no images below " + city, links: "the first that cannot be read: store: list " + links} {
		err := runnerstest.Run(t, "prism", func(s beam.Scope) {
			Match(s, MatchParams{Sets: []plans.DataSet{{Kind: "cityscapes", Root: root, Domain: semidavil.Target}}})
		})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "--follow_links") != (root == links) {
			t.Errorf("%v", err)
		}
	}
}
