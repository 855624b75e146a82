package captionservice

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"semidavil/internal/parallel"
)

// Endpoint describes a service with the chat interface of OpenAI, whose model
// takes images. A zero field stands for its default.
type Endpoint struct {
	// URL is what comes before /chat/completions, such as
	// "http://127.0.0.1:8000/v1".
	URL string
	// Model is the name that the service knows the model by.
	Model string
	// Prompt is the question put to the model; by default one for a sentence about a street scene.
	Prompt string
	// MaxTokens is the greatest length of the answer; 60 by default.
	MaxTokens int
	// KeyVariable names the environment variable that holds the key of the
	// service, sent as a bearer token; empty for a service without one. The key
	// is neither stored nor shown in errors.
	KeyVariable string
	// MaxSide is the greatest side in pixels of the image that is sent: larger
	// ones are shrunk and every one is sent as a JPEG. 1024 by default.
	MaxSide int
	// Quality is that of the JPEG, 1 to 100; 90 by default.
	Quality int
	// Attempts is how many requests are made for one caption at most; 5 by
	// default.
	Attempts int
	// Timeout is how long one request may take; one minute by default.
	Timeout time.Duration
	// MaxWait is the longest pause between two attempts; 2 minutes by default. If a
	// service asks for a longer one, the attempts end.
	MaxWait time.Duration
	// Concurrency is how many requests this process makes at a time to the
	// endpoint; 4 by default.
	Concurrency int
}

// defaultPrompt asks for what the text encoder can take: one sentence.
const defaultPrompt = "Describe this street scene in one sentence, naming the objects that can be seen."

// prepare fills in the defaults and checks the fields. It returns the full URL.
func (e *Endpoint) prepare() (string, error) {
	e.MaxTokens = cmp.Or(e.MaxTokens, 60)
	e.MaxSide = cmp.Or(e.MaxSide, 1024)
	e.Quality = cmp.Or(e.Quality, 90)
	e.Attempts = cmp.Or(e.Attempts, 5)
	e.Concurrency = cmp.Or(e.Concurrency, 4)
	e.Timeout = cmp.Or(e.Timeout, time.Minute)
	e.MaxWait = cmp.Or(e.MaxWait, 2*time.Minute)
	e.Prompt = cmp.Or(e.Prompt, defaultPrompt)
	var faults []error
	if e.MaxTokens < 0 || e.MaxSide < 0 || e.Attempts < 0 || e.Concurrency < 0 || e.Timeout < 0 || e.MaxWait < 0 {
		faults = append(faults, errors.New("max tokens, max side, attempts, concurrency, timeout and max wait must be positive"))
	}
	if e.Quality < 1 || e.Quality > 100 {
		faults = append(faults, fmt.Errorf("quality %d is not in 1..100", e.Quality))
	}
	odd := func(r rune) bool { return r == ';' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if e.Model == "" || strings.IndexFunc(e.Model, odd) >= 0 {
		faults = append(faults, fmt.Errorf("model %q: want a name without spaces and semicolons", e.Model))
	}
	full, err := chatURL(e.URL)
	return full, errors.Join(append(faults, err)...)
}

// chatURL returns the address that requests go to. Its errors do not repeat the
// URL, which may hold a password.
func chatURL(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", errors.New("url: want http(s)://host[:port]/path")
	}
	if u.User != nil {
		return "", errors.New("url: holds a user or password; put the key into an environment variable and name that")
	}
	u.Fragment = ""
	return u.JoinPath("chat", "completions").String(), nil
}

// IsVariable reports whether a text is the name of the environment variable of a key, and
// hardly the key itself: capitals and digits with a '_', or a variable that is set.
func IsVariable(name string) bool {
	if name == "" || len(name) > 64 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	_, set := os.LookupEnv(name)
	return set || strings.Contains(name, "_")
}

// key returns the key of the service, or "".
func (e *Endpoint) key() (string, error) {
	if e.KeyVariable == "" {
		return "", nil
	}
	if !IsVariable(e.KeyVariable) { // not repeated: it may be the key itself
		return "", errors.New("key: want the name of an environment variable, of capitals, digits and '_', and not the key itself")
	}
	key := strings.TrimSpace(os.Getenv(e.KeyVariable))
	if key == "" {
		return "", fmt.Errorf("key: environment variable %s is not set", e.KeyVariable)
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return "", fmt.Errorf("key: environment variable %s holds characters that no key has", e.KeyVariable)
		}
	}
	return key, nil
}

// sharedClient is shared by all captioners of this process that ask one endpoint.
type sharedClient struct {
	http  *http.Client
	slots chan struct{} // holds an element for each request under way
}

var sharedClients parallel.Cache[*sharedClient] // by concurrency and URL

func clientFor(url string, concurrency int) (*sharedClient, error) {
	return sharedClients.Get(fmt.Sprint(concurrency, " ", url), func() (*sharedClient, error) {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = concurrency
		return &sharedClient{
			http: &http.Client{
				Transport: transport,
				// A redirected POST would lose its body or take it to another host.
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
			slots: make(chan struct{}, concurrency),
		}, nil
	})
}
