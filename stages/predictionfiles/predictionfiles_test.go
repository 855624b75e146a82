package predictionfiles

import "testing"

// TestImageOf: a file is that of the image with the longest name that begins its own.
func TestImageOf(t *testing.T) {
	images := map[string]bool{"cam_1": true, "cam_1_left": true}
	for bare, want := range map[string]string{
		"cam_1": "cam_1", "cam_1_pred": "cam_1", "cam_1_left": "cam_1_left", "cam_1_left.v2": "cam_1_left", "cam_10": "", "other_cam_1": "",
	} {
		if got := imageOf(bare, images); got != want {
			t.Errorf("%s: %q, want %q", bare, got, want)
		}
	}
}
