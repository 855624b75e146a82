package caption

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
)

// maxResponse is the greatest length of an answer, in bytes.
const maxResponse = 1 << 20

// The pause before attempt n+1 is drawn from (0, firstPause * 2^n], and no
// longer than longestPause unless the service asks for more.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// httpCaptioner asks a vision model.
type httpCaptioner struct {
	cfg  Endpoint
	url  string // with its query
	name string // for errors, without the query, which may hold a key
	key  string
	// proxy holds what of the proxy in the environment must not be shown.
	proxy []string
	lane  *lane
	// sleep is replaced in tests.
	sleep func(context.Context, time.Duration) error
}

func newHTTP(cfg Endpoint) (*httpCaptioner, error) {
	full, err := cfg.prepare()
	key, keyErr := cfg.key()
	if err := errors.Join(err, keyErr); err != nil {
		return nil, fmt.Errorf("caption: captioner http: %w", err)
	}
	// Errors, stored captions and run.json show these.
	if shown := full + "\n" + cfg.Model + "\n" + cfg.Prompt; len(key) >= keyGram && blot(shown, key) != shown {
		return nil, fmt.Errorf("caption: captioner http: url, model or prompt hold the key of the environment variable %s; leave it out there", cfg.KeyVariable)
	}
	name, _, _ := strings.Cut(full, "?")
	return &httpCaptioner{
		cfg: cfg, url: full, name: name, key: key, proxy: proxySecrets(full), lane: laneTo(full, cfg.Concurrency), sleep: sleep,
	}, nil
}

// ID leaves the address out: the same model elsewhere gives the same captions.
func (c *httpCaptioner) ID() string {
	side := strconv.Itoa(c.cfg.MaxSide) + ";quality=" + strconv.Itoa(c.cfg.Quality)
	if c.cfg.MaxSide < 0 {
		side = "none"
	}
	return fmt.Sprintf("http:model=%s;prompt=%s;max_tokens=%d;max_side=%s",
		c.cfg.Model, digest(c.cfg.Prompt), c.cfg.MaxTokens, side)
}

func (c *httpCaptioner) Caption(ctx context.Context, req Request) (string, error) {
	text, err := c.caption(ctx, req)
	if err != nil {
		return "", fmt.Errorf("caption: ask %s about %s: %w", c.name, req.Key, err)
	}
	return text, nil
}

func (c *httpCaptioner) caption(ctx context.Context, req Request) (string, error) {
	if req.ReadImage == nil {
		return "", errors.New("the request gives no image")
	}
	file, err := req.ReadImage(ctx)
	if err != nil {
		return "", err
	}
	image, err := dataURL(file, c.cfg.MaxSide, c.cfg.Quality)
	if err != nil {
		return "", fmt.Errorf("image: %w", err)
	}
	body, err := chatRequest(c.cfg, image)
	if err != nil {
		return "", err
	}
	text, err := c.converse(ctx, req.Key, body)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrEmpty) {
		err = &serviceError{err}
	}
	return text, err
}

// converse asks until there is an answer or no hope of one.
func (c *httpCaptioner) converse(ctx context.Context, key string, body []byte) (string, error) {
	for attempt := 1; ; attempt++ {
		answer, err := c.ask(ctx, body)
		if err == nil {
			return parseAnswer(answer, c.key)
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		var again *transient
		if !errors.As(err, &again) {
			return "", err
		}
		if attempt >= c.cfg.Attempts {
			return "", fmt.Errorf("gave up after attempt %d: %w", attempt, err)
		}
		if again.after > c.cfg.MaxWait {
			return "", fmt.Errorf("gave up after attempt %d: the service asks to wait %v, more than %v: %w",
				attempt, again.after, c.cfg.MaxWait, err)
		}
		wait := again.after + min(pause(key, attempt), c.cfg.MaxWait)
		if err := c.sleep(ctx, wait); err != nil {
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
func (c *httpCaptioner) ask(ctx context.Context, body []byte) ([]byte, error) {
	select {
	case c.lane.slots <- struct{}{}:
		defer func() { <-c.lane.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	req.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.lane.client.Do(req)
	if err != nil {
		return nil, c.failed(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if resp.StatusCode != http.StatusOK {
		return nil, c.refused(resp, answer)
	}
	if err != nil {
		return nil, c.failed(err)
	}
	if len(answer) > maxResponse {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxResponse)
	}
	return answer, nil
}

// failed describes a request without an answer. All but certificates that cannot
// be trusted may pass.
func (c *httpCaptioner) failed(err error) error {
	// url.Error repeats the address with its query.
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v: %w", c.cfg.Timeout, err)
	}
	var cert *tls.CertificateVerificationError
	lasting := errors.As(err, &cert)
	// An answer that is no HTTP is repeated in the error, and may repeat the key.
	if text := err.Error(); c.hide(text) != text {
		err = errors.New(c.hide(text))
	}
	if lasting {
		return err
	}
	return &transient{err: err}
}

// hide blots out the key and the password of a proxy.
func (c *httpCaptioner) hide(text string) string {
	text = blot(text, c.key)
	for _, secret := range c.proxy {
		text = blot(text, secret)
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

// refused describes an answer other than 200.
func (c *httpCaptioner) refused(resp *http.Response, body []byte) error {
	err := fmt.Errorf("status %d: %s", resp.StatusCode, c.hide(firstLine(body, c.key)))
	code := resp.StatusCode
	if code == http.StatusTooManyRequests || code == http.StatusRequestTimeout ||
		code >= 500 && code != http.StatusNotImplemented {
		return &transient{err: err, after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	return err
}

// retryAfter reads a header that holds seconds or a date; 0 where it is neither.
func retryAfter(value string, now time.Time) time.Duration {
	if s, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(s, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// pause depends on the key, so that samples that failed together do not come
// back together.
func pause(key string, attempt int) time.Duration {
	h := fnv.New64a()
	io.WriteString(h, key)
	limit := longestPause
	if attempt < 8 {
		limit = min(limit, firstPause<<(attempt-1))
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
