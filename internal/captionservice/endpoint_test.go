package captionservice

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

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
	again, err := New(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			if _, err := []*Service{c, again}[i%2].Caption(t.Context(), req); err != nil {
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
		c.client.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Caption(ctx, req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a place: %v", err)
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
		"side":          func(e *Endpoint) { e.MaxSide = -1 },
		"attempts":      func(e *Endpoint) { e.Attempts = -1 },
		"unset key":     func(e *Endpoint) { e.KeyVariable = secretVariable + "_ABSENT" },
		"key of spaces": func(e *Endpoint) { e.KeyVariable = secretVariable },
	} {
		cfg := good
		change(&cfg)
		_, err := New(cfg)
		noSecrets(t, what, err)
	}
	ids := map[string]bool{}
	for _, change := range []func(*Endpoint){
		func(*Endpoint) {},
		func(e *Endpoint) { e.Model = "n" },
		func(e *Endpoint) { e.Prompt = "other" },
		func(e *Endpoint) { e.MaxTokens = 5 },
		func(e *Endpoint) { e.MaxSide = 5 },
		func(e *Endpoint) { e.Quality = 5 },
	} {
		cfg := good
		change(&cfg)
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if ids[c.ID()] {
			t.Errorf("ID %s stands for two configurations", c.ID())
		}
		ids[c.ID()] = true
	}
	good.URL, good.Attempts, good.Concurrency = "https://other/v2", 9, 9
	c, err := New(good)
	if err != nil || !ids[c.ID()] {
		t.Errorf("the ID depends on what changes no caption: %v", err)
	}
}
