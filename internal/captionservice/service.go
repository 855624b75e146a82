// Package captionservice asks a vision model for captions, through an HTTP service with
// the chat interface of OpenAI.
package captionservice

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"semidavil/transforms/captions"
)

// maxResponse is the greatest length of an answer, in bytes.
const maxResponse = 1 << 20

// The pause before attempt n+1 is drawn from (0, firstBackoff * 2^(n-1)], and no
// longer than maxBackoff unless the service asks for more.
const (
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 30 * time.Second
)

// ErrService matches, by errors.Is, failures of the service, as opposed to faults
// of the image.
var ErrService = errors.New("the service failed")

// Service asks a vision model. It may be used by several goroutines at a time.
type Service struct {
	cfg  Endpoint
	url  string // with its query
	name string // for errors, without the query, which may hold a key
	key  string
	// proxy holds the secrets of the environment's proxy, which must not be shown.
	proxy  []string
	client *sharedClient
	// sleep is replaced in tests.
	sleep func(context.Context, time.Duration) error
}

// New returns a captioner that asks an endpoint. It makes no connection yet, but the key must
// be in the environment.
func New(cfg Endpoint) (*Service, error) {
	full, err := cfg.prepare()
	key, keyErr := cfg.key()
	if err := errors.Join(err, keyErr); err != nil {
		return nil, fmt.Errorf("caption: captioner http: %w", err)
	}
	// Errors, stored captions and run.json show these.
	if shown := full + "\n" + cfg.Model + "\n" + cfg.Prompt; len(key) >= keyGram && redact(shown, key) != shown {
		return nil, fmt.Errorf("caption: captioner http: url, model or prompt hold the key of the environment variable %s; leave it out there", cfg.KeyVariable)
	}
	name, _, _ := strings.Cut(full, "?")
	client, err := clientFor(full, cfg.Concurrency)
	return &Service{cfg: cfg, url: full, name: name, key: key, proxy: proxySecrets(full), client: client, sleep: sleep}, err
}

// ID names the model and what is asked of it. It leaves out the address: the same model elsewhere gives the same captions.
func (s *Service) ID() string {
	return fmt.Sprintf("http:model=%s;prompt=%s;max_tokens=%d;max_side=%d;quality=%d",
		s.cfg.Model, captions.Digest(s.cfg.Prompt), s.cfg.MaxTokens, s.cfg.MaxSide, s.cfg.Quality)
}

// Caption asks about one image.
func (s *Service) Caption(ctx context.Context, req captions.Request) (string, error) {
	text, err := s.caption(ctx, req)
	if err != nil {
		return "", fmt.Errorf("caption: ask %s about %s: %w", s.name, req.Key, err)
	}
	return text, nil
}

func (s *Service) caption(ctx context.Context, req captions.Request) (string, error) {
	if req.ReadImage == nil {
		return "", errors.New("the request gives no image")
	}
	file, err := req.ReadImage(ctx)
	if err != nil {
		return "", err
	}
	image, err := dataURL(file, s.cfg.MaxSide, s.cfg.Quality)
	if err != nil {
		return "", fmt.Errorf("image: %w", err)
	}
	body, err := chatRequest(s.cfg, image)
	if err != nil {
		return "", err
	}
	text, err := s.askWithRetries(ctx, req.Key, body)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errRefuses) {
		err = &serviceError{err}
	}
	return text, err
}

// askWithRetries asks until there is an answer, or an error that another attempt cannot fix.
func (s *Service) askWithRetries(ctx context.Context, key string, body []byte) (string, error) {
	for attempt := 1; ; attempt++ {
		answer, err := s.ask(ctx, body)
		var text string
		if err == nil {
			text, err = parseAnswer(answer, s.key)
		}
		if err == nil {
			return text, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		var again *transient
		if !errors.As(err, &again) {
			return "", err
		}
		if attempt >= s.cfg.Attempts {
			return "", fmt.Errorf("gave up after attempt %d: %w", attempt, err)
		}
		if again.after > s.cfg.MaxWait {
			return "", fmt.Errorf("gave up after attempt %d: the service asks to wait %v, more than %v: %w",
				attempt, again.after, s.cfg.MaxWait, err)
		}
		wait := again.after + min(backoff(key, attempt), s.cfg.MaxWait)
		if err := s.sleep(ctx, wait); err != nil {
			return "", err
		}
	}
}

// serviceError marks a failure of the service, not of the image.
type serviceError struct{ error }

func (e *serviceError) Unwrap() error        { return e.error }
func (e *serviceError) Is(target error) bool { return target == ErrService }

// transient is a failure after which another attempt may succeed.
type transient struct {
	err   error
	after time.Duration // the pause that the service asked for, or 0
}

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// ask makes one request and returns the body of a successful answer.
func (s *Service) ask(ctx context.Context, body []byte) ([]byte, error) {
	select {
	case s.client.slots <- struct{}{}:
		defer func() { <-s.client.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	req.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}
	resp, err := s.client.http.Do(req)
	if err != nil {
		return nil, s.transportError(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if resp.StatusCode != http.StatusOK {
		return nil, s.statusError(resp, answer)
	}
	if err != nil {
		return nil, s.transportError(err)
	}
	if len(answer) > maxResponse {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxResponse)
	}
	return answer, nil
}

// transportError describes a request without an answer. Everything but an untrusted
// certificate is transient.
func (s *Service) transportError(err error) error {
	// url.Error repeats the address with its query.
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v: %w", s.cfg.Timeout, err)
	}
	var cert *tls.CertificateVerificationError
	lasting := errors.As(err, &cert)
	// The error repeats a response that is not HTTP, which may contain the key.
	if text := err.Error(); s.redact(text) != text {
		err = errors.New(s.redact(text))
	}
	if lasting {
		return err
	}
	return &transient{err: err}
}

// redact redacts the key and the password of a proxy.
func (s *Service) redact(text string) string {
	text = redact(text, s.key)
	for _, secret := range s.proxy {
		text = redact(text, secret)
	}
	return text
}

// proxySecrets are the password of the proxy that the environment names for an address,
// and the two as basic authentication sends them.
func proxySecrets(address string) []string {
	req, err := http.NewRequest(http.MethodPost, address, nil)
	if err != nil {
		return nil
	}
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil || proxy == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	if password == "" {
		return nil
	}
	return []string{password, base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))}
}

// statusError describes an answer with a status other than 200.
func (s *Service) statusError(resp *http.Response, body []byte) error {
	err := fmt.Errorf("status %d: %s", resp.StatusCode, s.redact(firstLine(body, s.key)))
	code := resp.StatusCode
	if code == http.StatusTooManyRequests || code == http.StatusRequestTimeout ||
		code >= 500 && code != http.StatusNotImplemented {
		return &transient{err: err, after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	return err
}

// retryAfter reads a header that holds seconds or a date; 0 where it is neither.
func retryAfter(value string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// backoff depends on the key, so that samples that failed together are not tried
// again together.
func backoff(key string, attempt int) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(key))
	limit := maxBackoff
	if attempt < 8 {
		limit = min(limit, firstBackoff<<(attempt-1))
	}
	return 1 + time.Duration(rand.New(rand.NewPCG(h.Sum64(), uint64(attempt))).Int64N(int64(limit)))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
