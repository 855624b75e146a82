package captionservice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"semidavil/transforms/captions"
)

const (
	secretVariable = "SEMIDAVIL_TEST_CAPTION_KEY"
	secret         = "sk-Geheim-0123456789abcdefghijklmnopqrstuvwxyz"
)

// asker returns a captioner that asks a server with the given handler, a request
// for a small image, and the pauses it made, which take no time.
func asker(t *testing.T, cfg Endpoint, handler http.HandlerFunc) (*Service, captions.Request, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Setenv(secretVariable, secret)
	cfg.URL, cfg.KeyVariable = server.URL+"/v1?token=query-secret", secretVariable
	if cfg.Model == "" {
		cfg.Model = "org/model-7b"
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	c.sleep = func(ctx context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return ctx.Err()
	}
	file := pngFile(t, 8, 4)
	return c, captions.Request{Key: "frame_1", ReadImage: func(context.Context) ([]byte, error) { return file, nil }}, &pauses
}

func answer(w http.ResponseWriter, content any) {
	json.NewEncoder(w).Encode(map[string]any{
		"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": content}}},
	})
}

func noSecrets(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	text := fmt.Sprintf("%v %+v", err, err)
	if strings.Contains(text, secret[:12]) || strings.Contains(text, "query-secret") {
		t.Errorf("%s: the error shows a secret: %v", what, err)
	}
}

func TestHTTPRetries(t *testing.T) {
	calls := 0
	var script []func(http.ResponseWriter)
	c, req, pauses := asker(t, Endpoint{Attempts: 4}, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); !bytes.Contains(body, []byte("base64,")) {
			t.Error("an attempt has no image")
		}
		calls++
		if calls <= len(script) {
			script[calls-1](w)
			return
		}
		answer(w, "Fine.")
	})
	status := func(code int, after string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"error":{"message":"not now, %s\nsecond line"}}`, secret)
		}
	}
	run := func(steps ...func(http.ResponseWriter)) (string, error) {
		calls, script, *pauses = 0, steps, nil
		return c.Caption(t.Context(), req)
	}
	hangUp := func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"choices":[`)
	}

	text, err := run(status(429, "7"))
	if text != "Fine." || err != nil || len(*pauses) != 1 || (*pauses)[0] < 7*time.Second || (*pauses)[0] > 8*time.Second {
		t.Errorf("429 with Retry-After: %q, %v, pauses %v", text, err, *pauses)
	}
	text, err = run(status(500, ""), hangUp, cut)
	if text != "Fine." || err != nil || len(*pauses) != 3 {
		t.Errorf("three failures: %q, %v, pauses %v", text, err, *pauses)
	}
	for i, p := range *pauses {
		if p <= 0 || p > firstBackoff<<i {
			t.Errorf("pause %d is %v", i, p)
		}
	}
	bad := status(503, "")
	_, err = run(bad, bad, bad, bad, bad)
	noSecrets(t, "503 for ever", err)
	if calls != 4 || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "not now, [key]") ||
		strings.Contains(err.Error(), "second line") || !strings.Contains(err.Error(), c.name) || !strings.Contains(err.Error(), "frame_1") {
		t.Errorf("%d calls, %v", calls, err)
	}
	_, err = run(status(429, "3600"))
	if err == nil || calls != 1 || !strings.Contains(err.Error(), "1h0m0s") {
		t.Errorf("a pause of an hour: %d calls, %v", calls, err)
	}
	for _, code := range []int{400, 401, 403, 404, 413, 422, 501, 302} {
		_, err = run(status(code, ""))
		noSecrets(t, fmt.Sprint(code), err)
		if calls != 1 || !strings.Contains(err.Error(), fmt.Sprint(code)) {
			t.Errorf("status %d: %d calls, %v", code, calls, err)
		}
	}
}

func TestHTTPTimeout(t *testing.T) {
	release := make(chan struct{})
	var calls atomic.Int32
	c, req, _ := asker(t, Endpoint{Attempts: 2, Timeout: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	_, err := c.Caption(t.Context(), req)
	noSecrets(t, "timeout", err)
	if calls.Load() != 2 || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "50ms") {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}

	// A cancelled context ends a request and a pause at once.
	c.cfg.Timeout = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	start := time.Now()
	if _, err := c.Caption(ctx, req); !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("cancelled request: %v after %v", err, time.Since(start))
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	start = time.Now()
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("cancelled pause: %v", err)
	}
}

func TestHTTPUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String() + "/v1?token=query-secret"
	l.Close()
	c, err := New(Endpoint{URL: url, Model: "m", Attempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	pauses := 0
	c.sleep = func(context.Context, time.Duration) error { pauses++; return nil }
	_, err = c.Caption(t.Context(), captions.Request{ReadImage: func(context.Context) ([]byte, error) { return pngFile(t, 1, 1), nil }})
	noSecrets(t, "unreachable", err)
	if pauses != 2 || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%d pauses, %v", pauses, err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "soon": 0, "99999999999999": 1 << 31 * time.Second,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
	if backoff("a", 1) == backoff("b", 1) {
		t.Error("two samples pause alike")
	}
	for attempt := range 100 {
		if p := backoff("a", attempt+1); p <= 0 || p > maxBackoff {
			t.Errorf("pause before attempt %d: %v", attempt+2, p)
		}
	}
}
