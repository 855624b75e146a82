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

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
