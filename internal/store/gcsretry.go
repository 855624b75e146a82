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

// patience is how long a request that fails in passing (408, 429, 5xx, a lost
// connection) is repeated, with pauses that grow from a second to half a minute,
// before its error is returned, and how long a read waits for its next bytes. The
// library itself would go on for as long as the context lives. It is a variable for
// tests, which set it before their first request.
var patience = 2 * time.Minute

// silence is how long an upload that fails in passing is repeated without a warning.
var silence = 5 * time.Second

// warnAt is the attempt of another request that comes with a warning: after the pauses
// before it, seven seconds at most.
const warnAt = 4

// errStalled is the cause of a read that is given up.
var errStalled = errors.New("no bytes came for too long")

// limitRetries makes the requests of a client end, and warn before that.
func limitRetries(c *storage.Client) { c.SetRetry(retries(storage.RetryIdempotent)...) }

func retries(policy storage.RetryPolicy) []storage.RetryOption {
	return []storage.RetryOption{
		storage.WithPolicy(policy), storage.WithMaxRetryDuration(patience), storage.WithErrorFuncWithContext(passing),
	}
}

// passing reports whether a failed request is to be repeated.
func passing(err error, c *storage.RetryContext) bool {
	again := storage.ShouldRetry(err)
	if again && c != nil && c.Attempt == warnAt {
		warn("gs://"+c.Bucket+"/"+c.Object, err)
	}
	return again
}

func warn(name string, err error) {
	slog.Warn("Cloud Storage does not answer as it should; trying again for a while", "name", name, "error", redact(err))
}

// upload decides about the retries of one upload, whose first request has no limit in
// the library: patience begins at the first failure and anew with each chunk that
// arrives.
type upload struct {
	name   string
	mu     sync.Mutex
	failed time.Time
	warned bool
}

// passing reports whether a failed request of the upload is to be repeated.
func (u *upload) passing(err error) bool {
	if !storage.ShouldRetry(err) {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed.IsZero() {
		u.failed = time.Now()
	}
	waited := time.Since(u.failed)
	if waited > silence && !u.warned {
		u.warned = true
		warn(u.name, err)
	}
	return waited < patience
}

// progress notes that a chunk has arrived.
func (u *upload) progress(int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed, u.warned = time.Time{}, false
}

// reader is a download. The library opens a broken connection again where it broke,
// without an end where nothing comes of it, so each read has a limit.
type reader struct {
	*storage.Reader
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (r reader) Read(p []byte) (int, error) {
	limit := time.AfterFunc(patience, func() { r.cancel(errStalled) })
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

// session finds the name of an upload in the address of a request. Whoever knows it can
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
