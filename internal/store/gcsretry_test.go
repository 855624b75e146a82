package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"semidavil/internal/fixture/cloud"
)

// content is what an operation of the tables below reads or writes.
func content() []byte {
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(i*i>>7 ^ i)
	}
	return data
}

// operations work on the object of a folder and check what they get.
var operations = map[string]func(t *testing.T, dir string) error{
	"write": func(t *testing.T, dir string) error { return WriteFile(t.Context(), dir+"/a.bin", content()) },
	"stream": func(t *testing.T, dir string) error {
		w, err := Create(t.Context(), dir+"/a.bin")
		if err != nil {
			return err
		}
		for part := range slices.Chunk(content(), 70_000) {
			if _, err := w.Write(part); err != nil {
				return errors.Join(err, w.Abort())
			}
		}
		return w.Commit()
	},
	"read": func(t *testing.T, dir string) error {
		data, err := ReadFile(t.Context(), dir+"/a.bin", 0)
		return want(err, bytes.Equal(data, content()), len(data))
	},
	"list": func(t *testing.T, dir string) error {
		var names []string
		err := List(t.Context(), dir, func(info Info, err error) error { names = append(names, info.Rel); return err })
		return want(err, len(names) == 1 && names[0] == "a.bin", names)
	},
	"stat": func(t *testing.T, dir string) error {
		info, err := Stat(t.Context(), dir+"/a.bin")
		return want(err, info.Size == int64(len(content())), info)
	},
	"remove": func(t *testing.T, dir string) error { return Remove(t.Context(), dir+"/a.bin") },
}

func want(err error, ok bool, got any) error {
	if err == nil && !ok {
		return fmt.Errorf("no error, but another result: %v", got)
	}
	return err
}

// status is a failure with a status of HTTP.
func status(code int) cloud.Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, fmt.Sprintf(`{"error":{"code":%d,"message":"the stand-in says no"}}`, code), code)
		return true
	}
}

// drop ends the connection without an answer to a request that was not looked at.
func drop(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// cut answers a request with the first share of the answer's bytes, and ends the
// connection.
func cut(server *cloud.Server, share float64) cloud.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		answer := httptest.NewRecorder()
		server.HTTPHandler().ServeHTTP(answer, r)
		if share == 0 {
			panic(http.ErrAbortHandler)
		}
		body := answer.Body.Bytes()
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(answer.Code)
		w.Write(body[:int(share*float64(len(body)))])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// concerns reports whether a request is about a folder of the bucket.
func concerns(r *http.Request, folder string) bool {
	q := r.URL.Query()
	return strings.Contains(r.URL.Path+"|"+q.Get("prefix")+"|"+q.Get("name"), folder+"/") || strings.Contains(body(r), `"`+folder+"/")
}

// body is the beginning of the body of a request, which can still be read whole.
func body(r *http.Request) string {
	start, _ := io.ReadAll(io.LimitReader(r.Body, 2000))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), r.Body), r.Body}
	return string(start)
}

// TestCloudTransient lets the first request of every operation fail in every way that
// passes.
func TestCloudTransient(t *testing.T) {
	server := cloud.Start(t)
	faults := map[string]cloud.Fault{"dropped": drop, "answer-lost": cut(server, 0), "answer-cut": cut(server, 0.5), "answer-short": cut(server, 0.99)}
	for _, code := range []int{408, 429, 500, 502, 503, 504} {
		faults[fmt.Sprint(code)] = status(code)
	}
	type item struct {
		folder string
		fault  cloud.Fault
		run    func(*testing.T, string) error
	}
	var items []item
	for kind, fault := range faults {
		for op, run := range operations {
			folder := "f-" + kind + "-" + op
			items = append(items, item{folder, fault, run})
			if op != "write" && op != "stream" {
				server.Put(folder+"/a.bin", string(content()))
			}
		}
	}
	var mu sync.Mutex
	failed := map[string]bool{}
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		for _, i := range items {
			if concerns(r, i.folder) {
				mu.Lock()
				again := failed[i.folder]
				failed[i.folder] = true
				mu.Unlock()
				return !again && i.fault(w, r)
			}
		}
		t.Errorf("an unexpected request: %s %s", r.Method, r.URL)
		return false
	})
	var wg sync.WaitGroup
	for _, i := range items {
		wg.Go(func() {
			if err := i.run(t, "gs://data/"+i.folder); err != nil {
				t.Errorf("%s: %v", i.folder, err)
			}
		})
	}
	wg.Wait()
	server.SetFault(nil)
	for _, i := range items {
		if !failed[i.folder] {
			t.Errorf("%s: nothing failed", i.folder)
		}
		o, err := server.GetObject(cloud.Bucket, i.folder+"/a.bin")
		switch {
		case strings.HasSuffix(i.folder, "-remove"):
			if err == nil {
				t.Errorf("%s: the object is still there", i.folder)
			}
		case err != nil || !bytes.Equal(o.Content, content()):
			t.Errorf("%s: %v, or other bytes", i.folder, err)
		}
	}
}

// TestCloudPermanent: what does not pass is told at once, with the name.
func TestCloudPermanent(t *testing.T) {
	server := cloud.Start(t)
	for code, kind := range map[int]error{400: nil, 401: fs.ErrPermission, 403: fs.ErrPermission, 404: fs.ErrNotExist, 412: nil} {
		for op, run := range operations {
			folder := fmt.Sprintf("p-%d-%s", code, op)
			var mu sync.Mutex
			requests := 0
			server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				mu.Lock()
				requests++
				mu.Unlock()
				return status(code)(w, r)
			})
			begin := time.Now()
			err := run(t, "gs://data/"+folder)
			most := 1
			if code == 404 && op == "stat" {
				most = 2 // it may be a folder
			}
			if requests > most || time.Since(begin) > retryTimeout/2 {
				t.Errorf("%s: %d requests in %v", folder, requests, time.Since(begin))
			}
			if code == 404 && op == "remove" {
				if err != nil {
					t.Errorf("%s: %v", folder, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), "gs://data/"+folder) || kind != nil && !errors.Is(err, kind) {
				t.Errorf("%s: %v", folder, err)
			}
			if code != 404 && !strings.Contains(err.Error(), "the stand-in says no") {
				t.Errorf("%s: the service's own words are missing: %v", folder, err)
			}
		}
	}
}
