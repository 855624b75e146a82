package caption

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	secretVariable = "SEMIDAVIL_TEST_CAPTION_KEY"
	secret         = "sk-Geheim-0123456789abcdefghijklmnopqrstuvwxyz"
)

func pngFile(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, color.NRGBA{200, 30, 60, 255})
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// asker returns a captioner that asks a server with the given handler, a request
// for a small image, and the pauses it made, which take no time.
func asker(t *testing.T, cfg Endpoint, handler http.HandlerFunc) (*httpCaptioner, Request, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Setenv(secretVariable, secret)
	cfg.URL, cfg.KeyVariable = server.URL+"/v1?token=query-secret", secretVariable
	if cfg.Model == "" {
		cfg.Model = "org/model-7b"
	}
	c, err := New(Config{Kind: HTTP, Endpoint: cfg})
	if err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	h := c.(*httpCaptioner)
	h.sleep = func(ctx context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return ctx.Err()
	}
	file := pngFile(t, 8, 4)
	return h, Request{Key: "frame_1", ReadImage: func(context.Context) ([]byte, error) { return file, nil }}, &pauses
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

func TestHTTPSuccess(t *testing.T) {
	var got struct {
		Model    string
		Messages []struct {
			Role    string
			Content []struct {
				Type, Text string
				ImageURL   struct{ URL string } `json:"image_url"`
			}
		}
		MaxTokens   int  `json:"max_tokens"`
		Temperature *int `json:"temperature"`
	}
	var head http.Header
	var path string
	c, req, _ := asker(t, Endpoint{Prompt: "What?", MaxTokens: 33, MaxSide: 16}, func(w http.ResponseWriter, r *http.Request) {
		head, path = r.Header, r.Method+" "+r.URL.String()
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		answer(w, "  \"A street\nwith  two cars.\"\n")
	})
	file := pngFile(t, 64, 32)
	reads := 0
	req.ReadImage = func(context.Context) ([]byte, error) { reads++; return file, nil }
	text, err := c.Caption(t.Context(), req)
	if text != "A street with two cars." || err != nil {
		t.Fatalf("Caption = %q, %v", text, err)
	}
	if reads != 1 || path != "POST /v1/chat/completions?token=query-secret" || head.Get("Authorization") != "Bearer "+secret ||
		got.Model != "org/model-7b" || got.MaxTokens != 33 || got.Temperature == nil || *got.Temperature != 0 {
		t.Errorf("%d reads, %s, %+v, %+v", reads, path, head, got)
	}
	if len(got.Messages) != 1 || len(got.Messages[0].Content) != 2 || got.Messages[0].Content[0].Text != "What?" {
		t.Fatalf("messages %+v", got.Messages)
	}
	data, ok := strings.CutPrefix(got.Messages[0].Content[1].ImageURL.URL, "data:image/jpeg;base64,")
	raw, err := base64.StdEncoding.DecodeString(data)
	if !ok || err != nil {
		t.Fatal("no JPEG data URL", err)
	}
	img, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil || img.Bounds().Dx() != 16 || img.Bounds().Dy() != 8 {
		t.Fatalf("sent image: %v, %v", img.Bounds(), err)
	}
	if r, g, b, _ := img.At(8, 4).RGBA(); absDiff(r>>8, 200) > 6 || absDiff(g>>8, 30) > 6 || absDiff(b>>8, 60) > 6 {
		t.Errorf("sent colour %d %d %d", r>>8, g>>8, b>>8)
	}
}

func absDiff(a, b uint32) uint32 { return max(a, b) - min(a, b) }

func TestHTTPContent(t *testing.T) {
	var content any
	c, req, pauses := asker(t, Endpoint{}, func(w http.ResponseWriter, r *http.Request) { answer(w, content) })
	content = []any{map[string]any{"type": "text", "text": "A road"}, map[string]any{"type": "text", "text": "and a bus."}}
	if text, err := c.Caption(t.Context(), req); text != "A road and a bus." || err != nil {
		t.Errorf("parts: %q, %v", text, err)
	}
	for _, content = range []any{"", " \" \" ", nil, []any{}} {
		if text, err := c.Caption(t.Context(), req); !errors.Is(err, ErrEmpty) {
			t.Errorf("content %v: %q, %v", content, text, err)
		}
	}
	content = 7
	if text, err := c.Caption(t.Context(), req); err == nil {
		t.Errorf("content 7: %q", text)
	}
	if len(*pauses) != 0 {
		t.Errorf("answers were asked for again: %v", *pauses)
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
		if p <= 0 || p > firstPause<<i {
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

func TestHTTPBadAnswers(t *testing.T) {
	body := ""
	calls := 0
	c, req, _ := asker(t, Endpoint{}, func(w http.ResponseWriter, r *http.Request) {
		calls++
		io.WriteString(w, body)
	})
	// The key lies across the place at which messages are cut.
	across := strings.Repeat("x", 190) + secret
	for _, body = range []string{"", "<html>" + secret, across, `{"choices":[]}`, `{"choices":7}`, `{"error":{"message":"` + across + `"}}`, "null", strings.Repeat(" ", maxResponse+1)} {
		calls = 0
		_, err := c.Caption(t.Context(), req)
		noSecrets(t, body[:min(20, len(body))], err)
		if calls != 1 {
			t.Errorf("answer %.20q: %d calls", body, calls)
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
	c, err := newHTTP(Endpoint{URL: url, Model: "m", Attempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	pauses := 0
	c.sleep = func(context.Context, time.Duration) error { pauses++; return nil }
	_, err = c.Caption(t.Context(), Request{ReadImage: func(context.Context) ([]byte, error) { return pngFile(t, 1, 1), nil }})
	noSecrets(t, "unreachable", err)
	if pauses != 2 || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%d pauses, %v", pauses, err)
	}
}

// Captioners of one process share the limit of an endpoint.
func TestHTTPConcurrency(t *testing.T) {
	var now, most atomic.Int32
	c, req, _ := asker(t, Endpoint{Concurrency: 3}, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
		answer(w, "Fine.")
	})
	again, err := newHTTP(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			if _, err := []*httpCaptioner{c, again}[i%2].Caption(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != 3 {
		t.Errorf("%d requests at a time, want 3", most.Load())
	}
	// Whoever waits for a place can be cancelled.
	for range 3 {
		c.lane.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Caption(ctx, req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a place: %v", err)
	}
}

func TestHTTPImage(t *testing.T) {
	c, req, _ := asker(t, Endpoint{}, func(w http.ResponseWriter, r *http.Request) { answer(w, "Fine.") })
	boom := errors.New("boom")
	for what, read := range map[string]func(context.Context) ([]byte, error){
		"none":    nil,
		"failing": func(context.Context) ([]byte, error) { return nil, boom },
		"text":    func(context.Context) ([]byte, error) { return []byte("no image"), nil },
		"cut":     func(context.Context) ([]byte, error) { return pngFile(t, 40, 40)[:60], nil },
	} {
		req.ReadImage = read
		if _, err := c.Caption(t.Context(), req); err == nil || what == "failing" && !errors.Is(err, boom) {
			t.Errorf("%s: %v", what, err)
		}
	}
	file := pngFile(t, 3, 2)
	got, err := dataURL(file, -1, 90)
	if want := "data:image/png;base64," + base64.StdEncoding.EncodeToString(file); got != want || err != nil {
		t.Errorf("as it is: %.40s, %v", got, err)
	}
	if _, err := dataURL([]byte("text"), -1, 90); err == nil {
		t.Error("text was sent as it is")
	}
	// A header that announces 60000 x 60000 pixels.
	huge := bytes.Clone(file)
	copy(huge[16:], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	if _, err := dataURL(huge, 16, 90); err == nil {
		t.Error("a huge image was decoded")
	}
}

func TestHTTPConfig(t *testing.T) {
	t.Setenv(secretVariable, "two words "+secret)
	good := Endpoint{URL: "http://h/v1", Model: "m"}
	for what, change := range map[string]func(*Endpoint){
		"no url":        func(e *Endpoint) { e.URL = "" },
		"other scheme":  func(e *Endpoint) { e.URL = "ftp://h/v1" },
		"password":      func(e *Endpoint) { e.URL = "http://u:" + secret + "@h/v1" },
		"bad url":       func(e *Endpoint) { e.URL = "http://h:" + secret + "/" },
		"no model":      func(e *Endpoint) { e.Model = "" },
		"odd model":     func(e *Endpoint) { e.Model = "a;b" },
		"quality":       func(e *Endpoint) { e.Quality = 101 },
		"attempts":      func(e *Endpoint) { e.Attempts = -1 },
		"unset key":     func(e *Endpoint) { e.KeyVariable = secretVariable + "_ABSENT" },
		"key of spaces": func(e *Endpoint) { e.KeyVariable = secretVariable },
	} {
		cfg := good
		change(&cfg)
		_, err := New(Config{Kind: HTTP, Endpoint: cfg})
		noSecrets(t, what, err)
	}
	ids := map[string]bool{}
	for _, change := range []func(*Endpoint){
		func(*Endpoint) {},
		func(e *Endpoint) { e.Model = "n" },
		func(e *Endpoint) { e.Prompt = "other" },
		func(e *Endpoint) { e.MaxTokens = 5 },
		func(e *Endpoint) { e.MaxSide = 5 },
		func(e *Endpoint) { e.MaxSide = -1 },
		func(e *Endpoint) { e.Quality = 5 },
	} {
		cfg := good
		change(&cfg)
		c, err := New(Config{Kind: HTTP, Endpoint: cfg})
		if err != nil {
			t.Fatal(err)
		}
		if ids[c.ID()] {
			t.Errorf("ID %s stands for two configurations", c.ID())
		}
		ids[c.ID()] = true
	}
	good.URL, good.Attempts, good.Concurrency = "https://other/v2", 9, 9
	c, err := New(Config{Kind: HTTP, Endpoint: good})
	if err != nil || !ids[c.ID()] {
		t.Errorf("the ID depends on what changes no caption: %v", err)
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
	if pause("a", 1) == pause("b", 1) {
		t.Error("two samples pause alike")
	}
	for attempt := range 100 {
		if p := pause("a", attempt+1); p <= 0 || p > longestPause {
			t.Errorf("pause before attempt %d: %v", attempt+2, p)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"choices":[{"message":{"content":"x"}}]}`))
	f.Add([]byte(`{"choices":[{"message":{"content":[{"type":"text","text":"x"}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := parseAnswer(data, secret)
		if err == nil && (text == "" || Normalise(text) != text) {
			t.Errorf("%q", text)
		}
	})
}
