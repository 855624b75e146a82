package captioner

import (
	"strings"
	"testing"
)

func TestNewUnknown(t *testing.T) {
	for _, kind := range []string{"", "blip1", "Sidecar"} {
		_, err := New(Config{Kind: kind})
		if err == nil {
			t.Fatalf("New(%q) succeeded", kind)
		}
		for _, valid := range []string{"sidecar", "classnames", "http", "blip", "blip2"} {
			if !strings.Contains(err.Error(), valid) {
				t.Errorf("New(%q): %v does not list %s", kind, err, valid)
			}
		}
	}
	if _, err := New(Config{Kind: BLIP2}); err == nil || !strings.Contains(err.Error(), "is a network") {
		t.Errorf("blip2: %v", err)
	}
}
