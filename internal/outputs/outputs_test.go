package outputs

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"semidavil/configs"
	"semidavil/internal/fixture"
)

// FuzzDecode: any bytes are a record, which is read again when written, or an error.
func FuzzDecode(f *testing.F) {
	record, err := configs.NewRecord("prepare", "prism", configs.DefaultPrepare(), "x")
	if err != nil {
		f.Fatal(err)
	}
	record.Started, record.Seconds = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 1.5
	data, err := json.Marshal(record)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"command":"train","fingerprint":"a","config":{"seed":1099511627776,"source":null}}`))
	f.Add([]byte(`{"command":"x","fingerprint":"y","config":[{}],"started":"9999-12-31T23:59:60Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20+100*len(data), func() {
			a, cfg, err := decode[configs.Prepare](data)
			ours := IsRecord(data)
			if err != nil {
				return
			}
			if ours != (a.Command != "" && a.Fingerprint != "") {
				t.Errorf("%+v is a record: %v", a, ours)
			}
			again, err := encode(a)
			if err != nil {
				t.Fatal(err)
			}
			b, cfg2, err := decode[configs.Prepare](again)
			if err != nil {
				t.Fatal(err)
			}
			if !a.Started.Equal(b.Started) {
				t.Fatalf("began %v, then %v", a.Started, b.Started)
			}
			if x, y := marshal(t, cfg), marshal(t, cfg2); !bytes.Equal(x, y) {
				t.Fatalf("settings %s, then %s", x, y)
			}
			a.Started, b.Started, a.Config, b.Config = time.Time{}, time.Time{}, nil, nil
			if x, y := marshal(t, a), marshal(t, b); !bytes.Equal(x, y) {
				t.Fatalf("%s, then %s", x, y)
			}
		})
	})
}

// TestAround: the nearest output above a folder is found, the folder's own is not meant.
func TestAround(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "a/"+RecordFile, []byte(`{"command":"prepare","fingerprint":"x","config":{}}`))
	fixture.Write(t, root, "a/b/"+RecordFile, []byte(`{"command":"train","fingerprint":"x","config":{}}`))
	fixture.Write(t, root, "c/"+RecordFile, []byte(`no record`))
	for folder, want := range map[string][2]string{"a": {}, "a/b": {root + "/a", "prepare"}, "a/b/c/d": {root + "/a/b", "train"}, "c/d": {}, "e": {}} {
		if output, command := Around(t.Context(), root+"/"+folder); output != want[0] || command != want[1] {
			t.Errorf("%s lies in %q of %q, want %q", folder, output, command, want)
		}
	}
	for _, folder := range []string{"", "gs://bucket", "relative"} {
		if output, command := Around(t.Context(), folder); output+command != "" {
			t.Errorf("%q lies in %q of %q", folder, output, command)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
