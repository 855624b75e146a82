package store

import (
	"bytes"
	"os"
	"testing"
	"time"

	"semidavil/internal/fixture"
)

// FuzzHolder: whatever a lock holds says who holds it, or nothing, and is written and read again.
func FuzzHolder(f *testing.F) {
	f.Add(holder{ID: "a", Host: "h", Boot: "b", PID: os.Getpid(), PIDs: "p", Start: "1", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}.encode())
	f.Add([]byte(`{"id":"a","pid":-1,"since":"9999-12-31T23:59:59Z"}`))
	f.Add([]byte(`{"id":"a","pid":1099511627776,"start":"x"} and more`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 4<<20, func() {
			h := decodeHolder(bytes.NewReader(data))
			if h.String() == "" {
				t.Errorf("%+v says nothing", h)
			}
			h.dead()
			if again := decodeHolder(bytes.NewReader(h.encode())); !again.Since.Equal(h.Since) || again.String() != h.String() {
				t.Fatalf("%+v reads back as %+v", h, again)
			}
		})
	})
}
