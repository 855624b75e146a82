package captionstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/captions"
)

// file is a caption file.
func file(t *testing.T, rows ...captions.Row) (data []byte) {
	t.Helper()
	for _, row := range rows {
		var err error
		if data, err = captions.AppendRow(data, row); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func row(key, caption, captioner string) captions.Row {
	return captions.Row{Key: key, Image: key + ".png", Caption: caption, Captioner: captioner}
}

// asker counts how often it is asked.
type asker struct {
	times int
	err   error
}

func (a *asker) ask() (string, error) {
	a.times++
	return fmt.Sprint("answer ", a.times), a.err
}

// TestCache: what any file of an output holds is an answer of its captioner to the
// image as it was when the file was written; files that are no captions count for nothing.
func TestCache(t *testing.T) {
	t.Cleanup(func() { shared.Clear(func(string) {}) })
	out, written := t.TempDir(), time.Unix(1e9, 0)
	whole := file(t, row("a", "a street", "eye"), row("b", "a road", "eye"))
	fixture.Write(t, out, "source-00000.jsonl", whole)
	fixture.Write(t, out, "val-00000.jsonl", append(file(t, row("c", "a bus", "other")), whole[:20]...)) // cut by an interruption
	fixture.Write(t, out, "val-00001.jsonl", []byte("no captions\n"))
	fixture.Write(t, out, "val-00002.json", file(t, row("d", "a tram", "eye")))
	for _, name := range []string{"source-00000.jsonl", "val-00000.jsonl"} {
		if err := os.Chtimes(filepath.Join(out, name), written, written); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := ReadCache(t.Context(), out)
	if err != nil || len(cache) != 3 {
		t.Fatalf("%v %v", cache, err)
	}
	for _, c := range []struct {
		captioner, key string
		changed        int64
		want           string
	}{
		{"eye", "a", 0, "a street"},
		{"eye", "b", written.UnixNano(), "a road"},
		{"eye", "b", written.UnixNano() + 1, "answer 1"},
		{"eye", "c", 0, "answer 1"},
		{"other", "c", 0, "a bus"},
		{"eye", "d", 0, "answer 1"},
	} {
		var a asker
		got, err := cache.Get(t.Context(), c.captioner, semidavil.Ref{Key: c.key, Changed: c.changed}, a.ask)
		if err != nil || got != c.want {
			t.Errorf("%+v: %q %v", c, got, err)
		}
	}
	if cache, err := ReadCache(t.Context(), out+"/absent"); err != nil || len(cache) != 0 {
		t.Errorf("an output that is not there: %v %v", cache, err)
	}
}

// TestAskedOnce: a process asks once about an image as it is, and again after a failure.
func TestAskedOnce(t *testing.T) {
	t.Cleanup(func() { shared.Clear(func(string) {}) })
	var a asker
	get := func(captioner string, ref semidavil.Ref) string {
		t.Helper()
		text, err := Cache{}.Get(t.Context(), captioner, ref, a.ask)
		if (err == nil) != (a.err == nil) {
			t.Error(err)
		}
		return text
	}
	a.err = errors.New("no answer")
	get("eye", semidavil.Ref{Key: "k"})
	a.err = nil
	ref := semidavil.Ref{Key: "k", Root: "/r", Image: "of no matter"}
	for _, want := range []string{"answer 2", "answer 2"} {
		if got := get("eye", semidavil.Ref{Key: "k"}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	ref.Changed = 1
	for want, get := range map[string]func() string{
		"another captioner": func() string { return get("ear", semidavil.Ref{Key: "k"}) },
		"another root":      func() string { return get("eye", semidavil.Ref{Key: "k", Root: "/r"}) },
		"a changed image":   func() string { return get("eye", ref) },
	} {
		before := a.times
		if get(); a.times != before+1 {
			t.Errorf("%s: asked %d times", want, a.times-before)
		}
	}
	shared.Clear(func(string) {})
	before := a.times
	if get("eye", semidavil.Ref{Key: "k"}); a.times != before+1 {
		t.Error("what was forgotten is known")
	}
}

// TestAnswerOfACancelledBundle: whoever waits for a question of another bundle that is
// cancelled asks again; whoever is cancelled does not.
func TestAnswerOfACancelledBundle(t *testing.T) {
	t.Cleanup(func() { shared.Clear(func(string) {}) })
	times := 0
	cancelledOnce := func() (string, error) {
		if times++; times == 1 {
			return "", fmt.Errorf("asking: %w", context.Canceled)
		}
		return "a street", nil
	}
	if got, err := (Cache{}).Get(t.Context(), "eye", semidavil.Ref{Key: "k"}, cancelledOnce); got != "a street" || err != nil || times != 2 {
		t.Errorf("%q %v, asked %d times", got, err, times)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	times = 0
	if _, err := (Cache{}).Get(ctx, "eye", semidavil.Ref{Key: "l"}, cancelledOnce); !errors.Is(err, context.Canceled) || times != 1 {
		t.Errorf("%v, asked %d times", err, times)
	}
}

// TestReadGiven: a file, or all caption files of a folder; what is none is a fault that
// names it.
func TestReadGiven(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "all/a.jsonl", file(t, row("a", "a street", "me")))
	fixture.Write(t, root, "all/deep/B.JSONL", file(t, row("b", "a road", "me")))
	fixture.Write(t, root, "all/notes.txt", []byte("no captions"))
	fixture.Write(t, root, "one.txt", file(t, row("c", "a bus", "me")))
	for from, want := range map[string]string{"all": "map[a:{a a.png a street me} b:{b b.png a road me}]", "one.txt": "map[c:{c c.png a bus me}]"} {
		for range 2 {
			if got, err := ReadGiven(t.Context(), filepath.Join(root, from)); err != nil || fmt.Sprint(got) != want {
				t.Errorf("%s: %v %v", from, got, err)
			}
		}
	}
	whole := file(t, row("a", "a street", "me"))
	fixture.Write(t, root, "bad/cut.jsonl", whole[:len(whole)-5])
	if _, err := ReadGiven(t.Context(), root+"/bad"); err == nil || !strings.Contains(err.Error(), "bad/cut.jsonl: caption: read rows: line 1") {
		t.Error(err)
	}
	fixture.Write(t, root, "bad/cut.jsonl", whole) // mended
	if got, err := ReadGiven(t.Context(), root+"/bad"); err != nil || len(got) != 1 {
		t.Errorf("%v %v", got, err)
	}
	fixture.Write(t, root, "byPath.jsonl", []byte(`{"image":"a.png","caption":"a street"}`+"\n"))
	if _, err := ReadGiven(t.Context(), root+"/byPath.jsonl"); err == nil || !strings.Contains(err.Error(), "belong into a captions.jsonl") {
		t.Error(err)
	}
	if _, err := ReadGiven(t.Context(), root+"/absent"); err == nil || !strings.Contains(err.Error(), "/absent") {
		t.Error(err)
	}
}
