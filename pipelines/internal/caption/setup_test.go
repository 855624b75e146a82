package caption

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/transforms/captions"
	"semidavil/transforms/shards"
)

// childVariable makes the test binary the command itself, to be killed.
const childVariable = "SEMIDAVIL_CAPTION_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		Command(pipelines.Caption).Main()
	}
	runnerstest.Main(m)
}

// command runs the command's own code and returns what it prints.
func command(t testing.TB, cfg configs.Caption) (string, error) {
	t.Helper()
	return commandstest.Run(Command(pipelines.Caption), "prism", cfg)
}

func must(t testing.TB, cfg configs.Caption) string {
	t.Helper()
	out, err := command(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refused expects an error with some words.
func refused(t testing.TB, cfg configs.Caption, words ...string) {
	t.Helper()
	_, err := command(t, cfg)
	for _, want := range words {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// settings caption a folder by the texts in it.
func settings(t testing.TB, input string) configs.Caption {
	cfg := configs.DefaultCaption()
	cfg.Input, cfg.Output, cfg.GroupSize = input, t.TempDir(), 3
	return cfg
}

// photos writes n images with captions, in two folders.
func photos(t testing.TB, n int) string {
	t.Helper()
	root := t.TempDir()
	for i := range n {
		photo(t, root, i, i)
		fixture.Write(t, root, place(i)+".txt", fmt.Appendf(nil, "a street with %d cars and a bus", i))
	}
	return root
}

func place(i int) string { return fmt.Sprintf("day%d/p%02d", i%2, i) }

func photo(t testing.TB, root string, i, looks int) {
	t.Helper()
	fixture.Write(t, root, place(i)+".png", fixture.PNG(t, fixture.Picture(48-9*(i%3/2), 40, looks)))
}

// service is a vision model that says of each image a sentence made from what is sent, and counts
// its answers.
type service struct {
	*httptest.Server
	answers atomic.Int64
	busy    sync.WaitGroup
	// most is the number of answers from which it makes those who ask wait until they give up;
	// 0 is without end.
	most atomic.Int64
	// fault, where not nil, may answer instead.
	fault func(w http.ResponseWriter) bool
}

func newService(t testing.TB) *service {
	s := &service{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.busy.Add(1)
	defer s.busy.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil || s.fault != nil && s.fault(w) {
		return
	}
	n, most := s.answers.Add(1), s.most.Load()
	if most > 0 && n > most {
		s.answers.Add(-1)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":"A street of number %x."}}]}`, sum[:4])
}

// ask makes settings ask the service.
func (s *service) ask(cfg *configs.Caption) {
	cfg.Captions, cfg.CaptionURL, cfg.CaptionModel, cfg.CaptionConcurrency = "http", s.URL, "eye", 2
}

// look makes settings take a BLIP-2 of a folder.
func look(folder string) func(*configs.Caption) {
	return func(cfg *configs.Caption) {
		cfg.Captions, cfg.CaptionWeights, cfg.CaptionBackend, cfg.CaptionBatch = "blip2", folder, "go", 2
	}
}

// rows are the captions of an output by image.
func rows(t testing.TB, output string) map[string]captions.Row {
	t.Helper()
	out := map[string]captions.Row{}
	names, err := filepath.Glob(filepath.Join(output, "captions", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := captions.ReadRows(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, row := range list {
			out[row.Image] = row
		}
	}
	return out
}

// rejects reads rejects.jsonl: reasons by path.
func rejects(t testing.TB, output string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, stages.RejectsFile))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out[r.Path] = r.Stage + ": " + r.Reason
	}
	return out
}

func page(t testing.TB, output string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, stages.SheetFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
