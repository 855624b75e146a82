package store

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"cloud.google.com/go/storage"
)

// retryTimeout is how long a request that fails for a passing reason (408, 429, 5xx, a
// lost connection) is repeated, with pauses that grow from a second to half a minute,
// before its error is returned, and how long a read waits for its next bytes. The
// library itself would retry for as long as the context lives. It is a variable for
// tests, which set it before their first request.
var retryTimeout = 2 * time.Minute

// warnAfter is how long a failing upload is repeated without a warning.
var warnAfter = 5 * time.Second

// warnAttempt is the attempt at which any other request warns: after the pauses before it,
// seven seconds at most.
const warnAttempt = 4

// errStalled is the cause of a read that was abandoned.
var errStalled = errors.New("no bytes came for too long")

// limitRetries makes the requests of a client end, and warn before that.
func limitRetries(c *storage.Client) { c.SetRetry(retries(storage.RetryIdempotent)...) }

func retries(policy storage.RetryPolicy) []storage.RetryOption {
	return []storage.RetryOption{
		storage.WithPolicy(policy), storage.WithMaxRetryDuration(retryTimeout), storage.WithErrorFuncWithContext(shouldRetry),
	}
}

// shouldRetry reports whether a failed request is to be repeated.
func shouldRetry(err error, c *storage.RetryContext) bool {
	again := storage.ShouldRetry(err)
	if again && c != nil && c.Attempt == warnAttempt {
		warn("gs://"+c.Bucket+"/"+c.Object, err)
	}
	return again
}

func warn(name string, err error) {
	slog.Warn("Cloud Storage does not answer as it should; trying again for a while", "name", name, "error", redact(err))
}

// upload decides about the retries of one upload, whose first request has no limit in
// the library: retryTimeout counts from the first failure, and anew after each chunk that
// arrives.
type upload struct {
	name   string
	mu     sync.Mutex
	failed time.Time
	warned bool
}

// shouldRetry reports whether a failed request of the upload is to be repeated.
func (u *upload) shouldRetry(err error) bool {
	if !storage.ShouldRetry(err) {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed.IsZero() {
		u.failed = time.Now()
	}
	waited := time.Since(u.failed)
	if waited > warnAfter && !u.warned {
		u.warned = true
		warn(u.name, err)
	}
	return waited < retryTimeout
}

// progress notes that a chunk has arrived.
func (u *upload) progress(int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed, u.warned = time.Time{}, false
}

// reader is a download. The library reopens a broken connection where it broke, and
// does so forever where that does not help, so each read has a time limit.
type reader struct {
	*storage.Reader
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (r reader) Read(p []byte) (int, error) {
	limit := time.AfterFunc(retryTimeout, func() { r.cancel(errStalled) })
	n, err := r.Reader.Read(p)
	limit.Stop()
	if err != nil && errors.Is(context.Cause(r.ctx), errStalled) {
		err = errStalled
	}
	return n, classify(err)
}

func (r reader) Close() error {
	defer r.cancel(nil)
	return r.Reader.Close()
}

// session matches the ID of an upload in the URL of a request. Whoever knows it can
// write to the upload, so it is a credential.
var session = regexp.MustCompile(`(upload_id=)[^&"\s]+`)

// redacted is an error without credentials in its text.
type redacted struct {
	text string
	err  error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.err }

// redact takes credentials out of the text of an error.
func redact(err error) error {
	if err == nil || !session.MatchString(err.Error()) {
		return err
	}
	return &redacted{session.ReplaceAllString(err.Error(), "${1}..."), err}
}
