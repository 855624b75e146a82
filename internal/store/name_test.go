package store

import (
	"path/filepath"
	"testing"
)

func TestJoinRefuses(t *testing.T) {
	for _, root := range []string{t.TempDir(), "gs://data/x", "relative", filepath.Join(t.TempDir(), "absent")} {
		for _, rel := range []string{"", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", ".", "a/./b", "a//b", "a/", `a\b`, `..\x`, "a\x00b"} {
			if name, err := Join(root, rel); err == nil {
				t.Errorf("Join(%s, %q) = %s", root, rel, name)
			}
		}
		if _, err := Join(root, "a/..b/c..", FollowLinks); err != nil {
			t.Error(err)
		}
	}
	for _, root := range []string{"", "gs://", "s3://x"} {
		if name, err := Join(root, "a"); err == nil {
			t.Errorf("Join(%q) = %s", root, name)
		}
	}
}

func FuzzJoin(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a/..", `\`, "\x00", "a//b", "...", "a/.../b"} {
		f.Add(s)
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, rel string) {
		name, err := Join(root, rel)
		if err != nil {
			return
		}
		back, err := filepath.Rel(root, name)
		if err != nil || filepath.ToSlash(back) != rel {
			t.Errorf("Join(%q) = %q, which is %q from the root (%v)", rel, name, back, err)
		}
	})
}
