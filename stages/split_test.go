package stages

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/runners/runnerstest"
	"semidavil/stages/plans"
)

func refs(n int) []semidavil.Ref {
	var out []semidavil.Ref
	for i := range n {
		out = append(out, semidavil.Ref{Key: fmt.Sprintf("k%03d", i), Domain: semidavil.Target, Split: "train", Image: fmt.Sprintf("a/i%03d.png", i), Label: "l"})
	}
	return out
}

func keysOf(list []plans.Assigned, subset semidavil.Subset) map[string]bool {
	out := map[string]bool{}
	for _, a := range list {
		if a.Subset == subset {
			out[a.Ref.Key] = true
		}
	}
	return out
}

func TestSplitIsNested(t *testing.T) {
	var smaller map[string]bool
	for _, n := range []int{0, 1, 10, 50, 100} {
		got, _, err := split(SplitParams{Labelled: n, Seed: 42}, refs(100))
		if err != nil {
			t.Fatal(err)
		}
		labelled, unlabelled := keysOf(got, semidavil.Labelled), keysOf(got, semidavil.Unlabelled)
		if len(labelled) != n || len(unlabelled) != 100-n && n != 100 || n == 100 && len(unlabelled) != 100 {
			t.Fatalf("n=%d: %d labelled, %d unlabelled", n, len(labelled), len(unlabelled))
		}
		for key := range smaller {
			if !labelled[key] {
				t.Errorf("n=%d: %s of the smaller list is missing", n, key)
			}
		}
		for _, a := range got {
			if a.Subset == semidavil.Unlabelled && a.Ref.Label != "" {
				t.Fatal("an unlabelled sample kept its label")
			}
		}
		smaller = labelled
	}
	other, _, _ := split(SplitParams{Labelled: 10, Seed: 43}, refs(100))
	this, _, _ := split(SplitParams{Labelled: 10, Seed: 42}, refs(100))
	if fmt.Sprint(keysOf(other, semidavil.Labelled)) == fmt.Sprint(keysOf(this, semidavil.Labelled)) {
		t.Error("the seed changes nothing")
	}
	if _, _, err := split(SplitParams{Labelled: 101}, refs(100)); err == nil {
		t.Error("more labelled images than there are were accepted")
	}
}

func TestSplitByList(t *testing.T) {
	got, _, err := split(SplitParams{List: []string{"# two", "k003", "leftImg8bit/train/x/i007.png gtFine/y.png", ""}}, refs(10))
	if err != nil {
		t.Fatal(err)
	}
	if l := keysOf(got, semidavil.Labelled); len(l) != 2 || !l["k003"] || !l["k007"] {
		t.Errorf("%v", l)
	}
	if _, _, err := split(SplitParams{List: []string{"nobody"}}, refs(3)); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("%v", err)
	}
}

func TestSplitRefusesAmbiguousLists(t *testing.T) {
	two := refs(2)
	two[0].Image, two[1].Image = "a/0001.png", "b/0001.png"
	if _, _, err := split(SplitParams{List: []string{"x/y/0001"}}, two); err == nil || !strings.Contains(err.Error(), "several images") {
		t.Errorf("%v", err)
	}
	got, _, err := split(SplitParams{List: []string{"b/0001.png"}}, two)
	if l := keysOf(got, semidavil.Labelled); err != nil || len(l) != 1 || !l["k001"] {
		t.Errorf("%v %v", l, err)
	}
	if _, _, err := split(SplitParams{List: []string{"# nobody"}}, two); err == nil {
		t.Error("a list of comments was accepted")
	}
}

// TestSplitByNamesOfSeveralWords: the whole line is a name before its first word is.
func TestSplitByNamesOfSeveralWords(t *testing.T) {
	named := refs(3)
	named[0].Image, named[1].Image, named[2].Image = "a/street.png", "a/street 2.png", "a/#cam.png"
	got, _, err := split(SplitParams{List: []string{"street 2\r", "#cam", "# a comment"}}, named)
	if l := keysOf(got, semidavil.Labelled); err != nil || len(l) != 2 || !l["k001"] || !l["k002"] {
		t.Errorf("%v %v", l, err)
	}
	if _, _, err := split(SplitParams{List: []string{"street", "", "nobody"}}, named); err == nil || !strings.Contains(err.Error(), `line 3: "nobody"`) {
		t.Error(err)
	}
}

func TestSplitRejectsDuplicates(t *testing.T) {
	twice := append(refs(2), refs(1)...)
	twice[2].Root = "/other"
	got, rejects, err := split(SplitParams{Labelled: -1}, twice)
	if err != nil || len(keysOf(got, semidavil.Labelled)) != 2 || len(rejects) != 1 || !strings.Contains(rejects[0].Reason, "duplicate key") {
		t.Errorf("%v %v %v", got, rejects, err)
	}
}

func TestSplitPropagatesErrors(t *testing.T) {
	gta, city := t.TempDir(), t.TempDir()
	fixture.GTA5(t, gta, 1)
	fixture.Cityscapes(t, city, 1, 1, 0)
	err := runnerstest.Run(t, "prism", pipeline(gta, city, t.TempDir(), 5))
	if err == nil || !strings.Contains(err.Error(), "5 labelled target images are asked for, 1 have labels") {
		t.Errorf("%v", errors.Unwrap(err))
	}
}
