package prepare

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"google.golang.org/protobuf/proto"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/pipelines"
	"semidavil/runners"
)

const (
	keyVariable = "SEMIDAVIL_TEST_PREPARE_KEY"
	secretKey   = "sk-SECRET-0123456789-abcdefghijkl"
)

// holdsSecret looks for parts of the key, also in base64, as Beam stores DoFns.
func holdsSecret(data string) bool {
	for i := 0; i+12 <= len(secretKey); i++ {
		part := secretKey[i : i+12]
		if strings.Contains(data, part) {
			return true
		}
	}
	for shift := range 3 {
		coded := base64.StdEncoding.EncodeToString([]byte("..."[:shift] + secretKey))
		if strings.Contains(data, coded[4:len(coded)-4]) {
			return true
		}
	}
	return false
}

// TestNoSecretIsShown: whatever a service answers, its key is in no file of the output,
// in nothing that is printed in verbose mode, and not in the pipeline.
func TestNoSecretIsShown(t *testing.T) {
	t.Setenv(keyVariable, secretKey)
	if !holdsSecret(base64.StdEncoding.EncodeToString([]byte(`{"a":"` + secretKey + `"}`))) {
		t.Fatal("the search finds nothing")
	}
	var stolen atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	defer other.Close()
	good := `{"choices":[{"message":{"content":"A street with a red car."}}]}`
	var asked atomic.Int64
	for name, handler := range map[string]http.HandlerFunc{
		"401": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "bad key "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		},
		"401 in halves": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "bad key "+secretKey[:20]+"***", http.StatusUnauthorized)
		},
		"429 once": func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				http.Error(w, `{"error":{"message":"slow down, `+r.Header.Get("Authorization")+`"}}`, http.StatusTooManyRequests)
				return
			}
			fmt.Fprint(w, good)
		},
		"success": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, good) },
		"echo": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"choices":[{"message":{"content":"A street. %s"}}]}`, r.Header.Get("Authorization"))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/?"+r.Header.Get("Authorization"), http.StatusTemporaryRedirect)
		},
		"no http": func(w http.ResponseWriter, r *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprintf(c, "%s\r\n\r\n", r.Header.Get("Authorization"))
				c.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			service := httptest.NewServer(handler)
			defer service.Close()
			root := t.TempDir()
			images := 2 // below the number of failures that ends a run
			switch name {
			case "401":
				images = 6
			case "no http": // each image is asked about five times
				images = 1
			}
			fixture.GTA5(t, root, images)
			cfg := configs.DefaultPrepare()
			cfg.Output, cfg.Source, cfg.SourceSize = t.TempDir(), []string{"gta5:" + root}, "24x15"
			cfg.Captions, cfg.CaptionURL, cfg.CaptionModel, cfg.CaptionKeyEnv = "http", service.URL, "eye", keyVariable
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			display := runners.NewDisplay(&stderr, "prepare", false)
			runners.SetLogs(display, true)
			defer runners.SetLogs(runners.NewDisplay(&bytes.Buffer{}, "test", true), false)
			err := Command(pipelines.Prepare).Run(context.Background(), &runners.Session{Runner: "prism", Display: display, Stdout: &stdout}, cfg)
			shown := map[string]string{"stdout": stdout.String(), "stderr": stderr.String(), "the error": fmt.Sprintf("%v %+v %s", err, err, runners.Explain(err))}
			for file, f := range fixture.Tree(t, cfg.Output) {
				shown[file] = f.Data
			}
			if len(shown["run.json"]) == 0 {
				t.Error("no run.json")
			}
			for where, text := range shown {
				if holdsSecret(text) {
					t.Errorf("%s shows the key: %q", where, text)
				}
			}
			if fine := name == "success" || name == "429 once"; fine != (err == nil) {
				t.Errorf("%v", err)
			}
		})
	}
	if stolen.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// TestNoSecretInThePipeline: workers get the name of the variable.
func TestNoSecretInThePipeline(t *testing.T) {
	t.Setenv(keyVariable, secretKey)
	root := t.TempDir()
	fixture.GTA5(t, root, 1)
	cfg := configs.DefaultPrepare()
	cfg.Output, cfg.Source = t.TempDir(), []string{"gta5:" + root}
	cfg.Captions, cfg.CaptionURL, cfg.CaptionModel, cfg.CaptionKeyEnv = "http", "http://localhost:1/v1", "eye", keyVariable
	p, err := newPlan(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, scope := beam.NewPipelineWithRoot()
	pipelines.Prepare(scope, p)
	edges, _, err := pipeline.Build()
	if err != nil {
		t.Fatal(err)
	}
	graph, err := graphx.Marshal(edges, &graphx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(graph)
	if err != nil {
		t.Fatal(err)
	}
	if holdsSecret(string(data)) {
		t.Error("the pipeline holds the key")
	}
}
