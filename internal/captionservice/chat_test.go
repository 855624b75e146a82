package captionservice

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"

	"semidavil/transforms/captions"
)

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
		if text, err := c.Caption(t.Context(), req); !errors.Is(err, captions.ErrEmpty) || !errors.Is(err, ErrService) {
			t.Errorf("content %v: %q, %v", content, text, err)
		}
	}
	content = 7
	if text, err := c.Caption(t.Context(), req); err == nil {
		t.Errorf("content 7: %q", text)
	}
	if len(*pauses) != 4*4 {
		t.Errorf("four answers without text: %d further attempts", len(*pauses))
	}
}

// TestHTTPNoSentence: such an answer is a failure of the service, and asked for again;
// what the model says about one image is neither.
func TestHTTPNoSentence(t *testing.T) {
	calls := 0
	said := []string{"<think>A road, and I", "```\n", `{"caption":`, "<think>Well.</think> **Caption:** A road."}
	c, req, _ := asker(t, Endpoint{Attempts: 4}, func(w http.ResponseWriter, r *http.Request) {
		answer(w, said[calls])
		calls++
	})
	if text, err := c.Caption(t.Context(), req); text != "A road." || err != nil || calls != 4 {
		t.Errorf("%q, %v after %d calls", text, err, calls)
	}
	calls, said[3] = 0, said[0]+secret
	_, err := c.Caption(t.Context(), req)
	noSecrets(t, "thoughts", err)
	if calls != 4 || !errors.Is(err, ErrService) || !strings.Contains(err.Error(), "thoughts and no sentence") || !strings.Contains(err.Error(), "A road, and I") {
		t.Errorf("%v after %d calls", err, calls)
	}
	calls = 0
	c, req, _ = asker(t, Endpoint{Attempts: 4}, func(w http.ResponseWriter, r *http.Request) {
		calls++
		io.WriteString(w, `{"choices":[{"message":{"content":null,"refusal":"Not this one."}}]}`)
	})
	if _, err := c.Caption(t.Context(), req); calls != 1 || errors.Is(err, ErrService) || !errors.Is(err, captions.ErrEmpty) || !strings.Contains(err.Error(), "Not this one.") {
		t.Errorf("%v after %d calls", err, calls)
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

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"choices":[{"message":{"content":"x"}}]}`))
	f.Add([]byte(`{"choices":[{"message":{"content":[{"type":"text","text":"x"}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := parseAnswer(data, secret)
		if err == nil && (text == "" || captions.Normalise(text) != text) {
			t.Errorf("%q", text)
		}
	})
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		`"a road"`:          "a road",
		"“a ‘big’ road”":    "a ‘big’ road",
		"'`a`'":             "a",
		`"a" and "b"`:       `"a" and "b"`,
		`the driver's car'`: `the driver's car'`,
		`"`:                 `"`,
		`""`:                "",
		` " spaced " `:      "spaced",
	} {
		if got := unquote(in); got != want {
			t.Errorf("unquote(%q) = %q, want %q", in, got, want)
		}
	}
}
