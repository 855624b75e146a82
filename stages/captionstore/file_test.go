package captionstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
)

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

// TestFile: what is saved is on the disk before long, and what is closed with is there in the
// end, whatever came before and whether the context has ended; a file that has it is not written.
func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "captions", "x.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	file, err := OpenFile(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", "ab", "abc"} {
		file.Save(ctx, []byte(text))
	}
	for begin := time.Now(); content(t, name) != "abc"; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("after a minute the file holds %q", content(t, name))
		}
	}
	cancel()
	file.Save(ctx, []byte("abcd"))
	if err := file.Close(ctx, []byte("abcde")); err != nil || content(t, name) != "abcde" {
		t.Errorf("%v, the file holds %q", err, content(t, name))
	}

	long := time.Unix(1e9, 0)
	if err := os.Chtimes(name, long, long); err != nil {
		t.Fatal(err)
	}
	if file, err = OpenFile(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(t.Context(), []byte("abcde")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(long) {
		t.Errorf("a file without news was written: %v", err)
	}
	if file, err = OpenFile(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(t.Context(), nil); err != nil || content(t, name) != "" {
		t.Errorf("%v, the file holds %q", err, content(t, name))
	}

	folder := filepath.Dir(name)
	if _, err := OpenFile(t.Context(), folder); err == nil {
		t.Error("a folder was opened")
	}
}

// TestFileInCloudStorage: however many answers come at once, one object is written once a second.
func TestFileInCloudStorage(t *testing.T) {
	server := cloud.Start(t)
	file, err := OpenFile(t.Context(), "gs://data/captions/x.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		file.Save(t.Context(), []byte{byte(i)})
	}
	if err := file.Close(t.Context(), []byte("all")); err != nil {
		t.Fatal(err)
	}
	if got := server.Tree(t, "captions"); got["x.jsonl"].Data != "all" {
		t.Errorf("%v", got)
	}
}

// TestReadGivenOutputs: rejects that lie beside captions are none.
func TestReadGivenOutputs(t *testing.T) {
	root := t.TempDir()
	fixture.Write(t, root, "one/captions/a.jsonl", file(t, row("a", "a street", "me")))
	fixture.Write(t, root, "two/captions/b.jsonl", file(t, row("b", "a road", "me")))
	fixture.Write(t, root, "two/rejects.jsonl", []byte(`{"key":"c","path":"c.png","stage":"caption","reason":"why"}`+"\n"))
	for from, want := range map[string]int{root: 2, root + "/two": 1} {
		if rows, err := ReadGiven(t.Context(), from); err != nil || len(rows) != want {
			t.Errorf("%s: %v %v", from, rows, err)
		}
	}
}

// TestFind: known is what was stored or kept for the image as it is.
func TestFind(t *testing.T) {
	t.Cleanup(func() { shared.Clear(func(string) {}) })
	ref := semidavil.Ref{Key: "k", Root: "/r", Changed: 5}
	cache := Cache{"eye\x00k": {"stored", 5}}
	find := func(captioner string, want string) {
		t.Helper()
		if text, ok := cache.Find(captioner, ref); text != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", captioner, text, ok, want)
		}
	}
	find("eye", "stored")
	find("ear", "")
	if err := Keep("ear", ref, "kept"); err != nil {
		t.Fatal(err)
	}
	find("ear", "kept")
	ref.Changed = 6
	find("eye", "")
	find("ear", "")
}
