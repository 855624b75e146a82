package shards

import "testing"

// TestNamesStayInTheFolder: a manifest or an index names no file elsewhere.
func TestNamesStayInTheFolder(t *testing.T) {
	for name, fine := range map[string]bool{"source-00000": true, "../../x": false, "/x": false, "gs://other/x": false, `..\x`: false, "a\x00": false, "": false, "a/b": false, "..": false} {
		shard := Shard{Name: name}
		m, err := EncodeJSON(Manifest{Format: Name, Version: Version, Classes: []Class{{Name: "a"}}, Shards: []Shard{shard}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeManifest(m); (err == nil) != fine {
			t.Errorf("manifest with %q: %v", name, err)
		}
		x, err := EncodeJSON(Index{Format: Name, Version: Version, Shard: shard})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeIndex(x); (err == nil) != fine {
			t.Errorf("index with %q: %v", name, err)
		}
	}
}
