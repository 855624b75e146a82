package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/googleapi"

	"semidavil/internal/fixture/cloud"
)

func TestCloudAbort(t *testing.T) {
	cloud.Start(t)
	big := bytes.Repeat([]byte("0123456789abcdef"), 17<<16) // more than one chunk
	for i, content := range [][]byte{nil, []byte("few"), big} {
		name := fmt.Sprintf("gs://data/aborted%d", i)
		w, err := Create(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if content != nil {
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err == nil {
			t.Error("Commit after Abort succeeded")
		}
		if ok, err := Exists(t.Context(), name); ok || err != nil {
			t.Errorf("%s appeared although it was aborted (%v)", name, err)
		}
		if w, err = Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if ok, _ := Exists(t.Context(), name); ok {
			t.Errorf("%s appeared before Commit", name)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if data, err := ReadFile(t.Context(), name, 0); err != nil || !bytes.Equal(data, content) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(data), len(content), err)
		}
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		if ok, _ := Exists(t.Context(), name); !ok {
			t.Errorf("Abort after Commit removed %s", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	w, err := Create(ctx, "gs://data/cancelled")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("few"))
	cancel()
	if err := w.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit under a cancelled context: %v", err)
	}
	if ok, _ := Exists(t.Context(), "gs://data/cancelled"); ok {
		t.Error("the cancelled upload appeared")
	}
}

// large is content of three chunks and a bit, each unlike the others.
func large() []byte {
	data := make([]byte, 3*googleapi.DefaultUploadChunkSize+12_345)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16 ^ i>>24)
	}
	return data
}

// chunk reports whether a request brings a part of a large object, and which.
func chunk(r *http.Request) (string, bool) {
	part := r.Header.Get("Content-Range")
	return part, part != "" && r.URL.Query().Get("upload_id") != ""
}

// TestCloudChunks: a part of a large object fails once, in the middle of the upload and
// at its end, and the object has all bytes.
func TestCloudChunks(t *testing.T) {
	server, data := cloud.Start(t), large()
	for kind, fault := range map[string]cloud.Fault{"503": status(503), "429": status(429), "dropped": drop} {
		var mu sync.Mutex
		failed, parts := map[string]bool{}, 0
		server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			part, ok := chunk(r)
			fails := ok && !failed[part] && parts > 0 // the first part arrives at once
			if ok {
				failed[part] = true
				parts++
			}
			mu.Unlock()
			return fails && fault(w, r)
		})
		name := "gs://data/large-" + kind
		if err := WriteFile(t.Context(), name, data); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		server.SetFault(nil)
		if got, err := ReadFile(t.Context(), name, 0); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes of %d, %v", kind, len(got), len(data), err)
		}
		if parts != 1+2*3 {
			t.Errorf("%s: %d requests with parts, want one and three twice", kind, parts)
		}
	}
}

// TestCloudSession: the name of an upload, with which anybody could go on with it, is in
// no error.
func TestCloudSession(t *testing.T) {
	server := cloud.Start(t)
	shorten(t, &retryTimeout, 50*time.Millisecond)
	var mu sync.Mutex
	session := ""
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if _, ok := chunk(r); !ok {
			return false
		}
		mu.Lock()
		session = r.URL.Query().Get("upload_id")
		mu.Unlock()
		return drop(w, r)
	})
	err := WriteFile(t.Context(), "gs://data/large", large())
	mu.Lock()
	defer mu.Unlock()
	if err == nil || session == "" || strings.Contains(err.Error(), session) || !strings.Contains(err.Error(), "upload_id=...") || !strings.Contains(err.Error(), "gs://data/large") {
		t.Errorf("session %q: %v", session, err)
	}
}

// childVariable makes TestCloudKilled the writer that is killed.
const childVariable = "SEMIDAVIL_STORE_CHILD"

// TestCloudKilled kills a process in the middle of an upload: nothing is visible, and
// another process can write the object.
func TestCloudKilled(t *testing.T) {
	const name = "gs://data/killed/a.bin"
	if os.Getenv(childVariable) != "" {
		err := WriteFile(t.Context(), name, large())
		t.Fatalf("the upload ended: %v", err)
	}
	server := cloud.Start(t)
	second, killed := make(chan string, 1), make(chan struct{})
	var mu sync.Mutex
	parts := 0
	server.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		part, ok := chunk(r)
		if !ok {
			return false
		}
		mu.Lock()
		parts++
		n := parts
		mu.Unlock()
		if n == 1 {
			return false
		}
		second <- part // the first part is answered
		<-killed
		panic(http.ErrAbortHandler)
	})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCloudKilled$")
	child.Env = append(os.Environ(), childVariable+"=1")
	var said bytes.Buffer
	child.Stdout, child.Stderr = &said, &said
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case part := <-second:
		if !strings.HasPrefix(part, fmt.Sprintf("bytes %d-", googleapi.DefaultUploadChunkSize)) {
			t.Errorf("the second part is %q", part)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the child uploads nothing")
	}
	child.Process.Kill()
	err := child.Wait()
	close(killed)
	if err == nil || said.Len() > 0 {
		t.Errorf("the child ended by itself: %v\n%s", err, said.String())
	}
	server.SetFault(nil)
	if ok, err := Exists(t.Context(), name); ok || err != nil {
		t.Errorf("the object of the killed writer exists: %v", err)
	}
	if err := List(t.Context(), "gs://data", func(info Info, _ error) error { return fmt.Errorf("%s is listed", info.Path) }); err != nil {
		t.Error(err)
	}
	if names := server.Names(t, ""); len(names) > 0 {
		t.Errorf("the bucket has %q", names)
	}
	if err := WriteFile(t.Context(), name, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(t.Context(), name, 0); err != nil || string(data) != "whole" {
		t.Errorf("%q, %v", data, err)
	}
}
