package configs

import (
	"strings"
	"testing"
)

// TestLabelledOfScenes: more labels than scenes are refused before the scenes are drawn; how
// many images a folder has is not known yet.
func TestLabelledOfScenes(t *testing.T) {
	for labelled, fault := range map[string]string{"120": "", "121": "121 of the 120 scenes", "all": "", "few": "want a number of images or all", "-1": "want a number"} {
		c := DefaultPrepare()
		c.Labelled = labelled
		if err := c.Validate(); (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, want %q", labelled, err, fault)
		}
		c.Target = []string{"cityscapes:/data"}
		if err := c.Validate(); labelled == "121" && err != nil && strings.Contains(err.Error(), "scenes") {
			t.Errorf("%s of a folder: %v", labelled, err)
		}
	}
}
