// Package dataflowtest is a stand-in for the Dataflow service in tests: it takes jobs over
// HTTP as Google's API does, and can execute what was staged, on a job server and workers
// in processes of their own.
package dataflowtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	dataflow "google.golang.org/api/dataflow/v1b3"
)

// Token is the access token that the service gives out and wants to see. A log or an output
// that holds it leaks a credential.
const Token = "ya29.secret-of-the-stand-in"

// Executor executes a job and returns its metrics.
type Executor func(job *dataflow.Job) ([]*dataflow.MetricUpdate, error)

// Service is the stand-in.
type Service struct {
	url string
	key string

	mu      sync.Mutex
	jobs    []*dataflow.Job
	faults  []string
	execute Executor
	// What became of the executed jobs, by their id.
	metrics  map[string][]*dataflow.MetricUpdate
	failures map[string]string
}

// Start starts the service for the time of a test, and gives this process, and those that it
// starts, credentials for it. A job is done at once where execute is nil.
func Start(t testing.TB, execute Executor) *Service {
	t.Helper()
	s := &Service{execute: execute, metrics: map[string][]*dataflow.MetricUpdate{}, failures: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, Token)
	})
	const jobs = "/v1b3/projects/{project}/locations/{region}/jobs"
	mux.HandleFunc("POST "+jobs, s.guarded(s.create))
	mux.HandleFunc("GET "+jobs+"/{id}", s.guarded(s.get))
	mux.HandleFunc("GET "+jobs+"/{id}/metrics", s.guarded(s.getMetrics))
	mux.HandleFunc("GET "+jobs+"/{id}/messages", s.guarded(s.getMessages))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL + "/"
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", s.credentials(t, server.URL+"/token"))
	return s
}

// Flags are the flags that make a command submit to this service, and stage in the bucket.
func (s *Service) Flags(bucket string) []string {
	return []string{"--runner=dataflow", "--project=project", "--region=europe-west1",
		"--staging_location=gs://" + bucket + "/staging", "--dataflow_endpoint=" + s.url}
}

// Jobs returns the jobs that were created.
func (s *Service) Jobs() []*dataflow.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*dataflow.Job(nil), s.jobs...)
}

// Faults returns what was wrong with requests and executions.
func (s *Service) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.faults...)
}

// PrivateKey is the key of the credentials: nothing may show it.
func (s *Service) PrivateKey() string { return s.key }

// credentials writes the file of a service account with a key of its own.
func (s *Service) credentials(t testing.TB, tokenURL string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	data, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "project", "private_key_id": "1",
		"private_key": s.key, "client_email": "tester@project.iam.gserviceaccount.com", "client_id": "1", "token_uri": tokenURL})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (s *Service) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// guarded refuses requests without the token.
func (s *Service) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Token {
			s.fault("%s %s: no token", r.Method, r.URL.Path)
			http.Error(w, `{"error":{"code":401,"message":"no token"}}`, http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var job dataflow.Job
	if err := json.NewDecoder(r.Body).Decode(&job); err != nil {
		s.fault("create: %v", err)
		http.Error(w, `{"error":{"code":400,"message":"bad job"}}`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	job.Id = fmt.Sprintf("2026-01-01_00_00_00-%d", len(s.jobs)+1)
	job.CurrentState = "JOB_STATE_PENDING"
	job.Location = r.PathValue("region")
	s.jobs = append(s.jobs, &job)
	s.mu.Unlock()
	answer(w, &job)
}

// get answers when the job has ended: Beam asks again only after half a minute.
func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	job := s.job(r.PathValue("id"))
	if job == nil {
		http.NotFound(w, r)
		return
	}
	ended := *job
	ended.CurrentState = "JOB_STATE_DONE"
	if s.execute != nil {
		metrics, err := s.execute(job)
		s.mu.Lock()
		s.metrics[job.Id] = metrics
		if err != nil {
			ended.CurrentState = "JOB_STATE_FAILED"
			s.failures[job.Id] = err.Error()
			s.faults = append(s.faults, "execute: "+err.Error())
		}
		s.mu.Unlock()
	}
	answer(w, &ended)
}

func (s *Service) getMetrics(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, &dataflow.JobMetrics{Metrics: s.metrics[r.PathValue("id")]})
}

// getMessages returns what went wrong with the execution of a job.
func (s *Service) getMessages(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out dataflow.ListJobMessagesResponse
	if text := s.failures[r.PathValue("id")]; text != "" {
		out.JobMessages = append(out.JobMessages, &dataflow.JobMessage{MessageImportance: "JOB_MESSAGE_ERROR", MessageText: text})
	}
	answer(w, &out)
}

func (s *Service) job(id string) *dataflow.Job {
	for _, job := range s.Jobs() {
		if job.Id == id {
			return job
		}
	}
	return nil
}

// Staged returns the names of the objects that a job was staged to, below their bucket: the
// pipeline, a Beam model proto, and the program of the workers.
func Staged(job *dataflow.Job) (bucket, model, worker string, err error) {
	var options struct {
		Options struct {
			PipelineURL string `json:"pipelineUrl"`
		} `json:"options"`
	}
	if err := json.Unmarshal(job.Environment.SdkPipelineOptions, &options); err != nil {
		return "", "", "", fmt.Errorf("dataflowtest: job: %w", err)
	}
	var names [2]string
	for i, url := range []string{options.Options.PipelineURL, job.Environment.WorkerPools[0].Packages[0].Location} {
		path, ok := strings.CutPrefix(url, "gs://")
		if !ok {
			return "", "", "", fmt.Errorf("dataflowtest: job: staged at %q", url)
		}
		bucket, names[i], _ = strings.Cut(path, "/")
	}
	return bucket, names[0], names[1], nil
}
