package store

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"semidavil/internal/fixture/cloud"
)

// TestCloudEnds: operations on a service that never recovers end, with the name and the
// reason, and not without a warning.
func TestCloudEnds(t *testing.T) {
	shorten(t, &retryTimeout, 400*time.Millisecond)
	shorten(t, &warnAfter, 100*time.Millisecond)
	warnings := captureWarnings(t)
	server := cloud.Start(t)
	server.Put("cut-read/a.bin", string(content()))
	server.Put("cut-range/a.bin", string(content()))
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.Contains(r.URL.Path, "cut-"):
			return cut(server, 1e-9)(w, r) // not one byte
		case strings.Contains(r.URL.Path+r.URL.Query().Get("name")+r.URL.Query().Get("prefix")+body(r), "dropped-"):
			return drop(w, r)
		}
		return status(503)(w, r)
	})
	var wg sync.WaitGroup
	begin := time.Now()
	for op, run := range operations {
		for kind, reason := range map[string]string{"503": "503", "dropped": "127.0.0.1", "cut": errStalled.Error()} {
			if kind == "cut" && op != "read" {
				continue
			}
			wg.Go(func() {
				name := "gs://data/" + kind + "-" + op
				if err := run(t, name); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), reason) {
					t.Errorf("%s: %v, want %q", name, err, reason)
				}
			})
		}
	}
	wg.Wait()
	if took := time.Since(begin); took < retryTimeout/2 || took > time.Minute {
		t.Errorf("took %v", took)
	}
	if text := warnings(); !strings.Contains(text, "gs://data/503-write/a.bin") || strings.Count(text, "gs://data/503-write/a.bin") != 1 {
		t.Errorf("not one warning of the upload in\n%s", text)
	}
}

func shorten(t *testing.T, d *time.Duration, to time.Duration) {
	before := *d
	*d = to
	t.Cleanup(func() { *d = before })
}

// captureWarnings keeps what is logged during a test.
func captureWarnings(t *testing.T) func() string {
	var mu sync.Mutex
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(locked{&mu, &b}, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}
}

type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
