package outputs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"semidavil/configs"
	"semidavil/internal/fixture"
)

// FuzzRead: any bytes are a record or an error that names the file, and a record is written
// and read again.
func FuzzRead(f *testing.F) {
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
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Write(t, dir, RecordFile, data)
		fixture.Modest(t, 4<<20+100*len(data), func() {
			record, cfg, err := Read[configs.Prepare](t.Context(), dir)
			ours := IsRecord(data)
			if err != nil {
				if !strings.Contains(err.Error(), dir+"/"+RecordFile) {
					t.Errorf("the error names no file: %v", err)
				}
				return
			}
			if ours != (record.Command != "" && record.Fingerprint != "") {
				t.Errorf("%+v is a record: %v", record, ours)
			}
			if err := Write(t.Context(), dir, *record); err != nil {
				t.Fatal(err)
			}
			again, cfg2, err := Read[configs.Prepare](t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			a, b := *record, *again
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

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
