package prepare

import (
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/transforms/shards"
)

// TestSwapped: drawn data as the target of real data is suspicious, the paper's ways are not.
func TestSwapped(t *testing.T) {
	for _, test := range []struct {
		source, target []string
		want           bool
	}{
		{[]string{"cityscapes:/a"}, []string{"gta5:/b"}, true},
		{[]string{"camvid:/a", "gta5:/c"}, []string{"synthia:/b", "gta5:/d"}, true},
		{[]string{"gta5:/a"}, []string{"cityscapes:/b"}, false},
		{[]string{"gta5:/a"}, []string{"synthia:/b"}, false},
		{nil, []string{"gta5:/b"}, false},
		{nil, nil, false},
	} {
		got := swapped(t.Context(), configs.Prepare{Source: test.source, Target: test.target})
		if len(got) > 0 != test.want {
			t.Errorf("%v to %v: %q", test.source, test.target, got)
		}
	}
}

// TestLostSplit: the limit holds for each split, although the sum is below it.
func TestLostSplit(t *testing.T) {
	splits := []shards.Split{{Dataset: "gta5", Split: "train", Images: 995, Rejects: 5}, {Dataset: "cityscapes", Split: "val", Images: 2, Rejects: 3}}
	if err := lostSplit(splits, "images", 0.05); err == nil || !strings.Contains(err.Error(), "3 of the 5 images of cityscapes's split val") || strings.Contains(err.Error(), "gta5") {
		t.Error(err)
	}
	if err := lostSplit(splits, "images", 0.6); err != nil {
		t.Error(err)
	}
	if err := lostSplit([]shards.Split{{Dataset: "a", Split: "val", Rejects: 1}, {Dataset: "b", Split: "val"}}, "images", 0.5); err == nil {
		t.Error("a split without images is not lost")
	}
}
