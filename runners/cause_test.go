package runners

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestCauseOfRealFailures runs failing pipelines on both local runners.
func TestCauseOfRealFailures(t *testing.T) {
	tests := []struct{ mode, want, where string }{
		{"error", "stages: read sample 3: no such file", ""},
		{"lines", "stages: read sample 3:\n  first\n  second", ""},
		{"setup", "model: open weights: no such file", ""},
		{"finish", "shards: flush: no such file", ""},
		{"panic", "assignment to entry in nil map", "runners.(*workFn).ProcessElement (pipelines_test.go:"},
		{"panic error", "decode: no such file", "runners.(*workFn).ProcessElement (pipelines_test.go:"},
		{"index", "runtime error: index out of range [3] with length 2", "runners.(*workFn).ProcessElement (pipelines_test.go:"},
	}
	for _, runner := range []string{"prism", "direct"} {
		for _, test := range tests {
			t.Run(runner+"/"+test.mode, func(t *testing.T) {
				_, err := Run(context.Background(), pipeline(test.mode, 6, 0), Options{Runner: runner})
				var failure *Failure
				if !errors.As(err, &failure) {
					t.Fatalf("error %v, want a *Failure", err)
				}
				if failure.Message != test.want {
					t.Errorf("message %q, want %q", failure.Message, test.want)
				}
				if failure.Panic != (test.where != "") || !strings.HasPrefix(failure.Where, test.where) {
					t.Errorf("panic %v at %q, want %q", failure.Panic, failure.Where, test.where)
				}
				if !failure.Panic && failure.DoFn != "semidavil/runners.workFn" {
					t.Errorf("DoFn %q", failure.DoFn)
				}
				if full := failure.Unwrap().Error(); !strings.Contains(full, "Plan[") || !strings.Contains(full, test.want) {
					t.Errorf("the whole error is not kept: %q", full)
				}
			})
		}
	}
}

// TestCauseOfTexts has the texts that no local runner produces.
func TestCauseOfTexts(t *testing.T) {
	plain := errors.New("prepare: read config: no such file")
	tests := []struct{ name, text, want string }{
		{"dial", "connecting to job service\n\tcaused by:\nfailed to dial server at localhost:1\n\tcaused by:\ncontext deadline exceeded", "context deadline exceeded"},
		{"grpc", "rpc error: code = Unavailable desc = connection refused", "connection refused"},
		{"job", "job x failed:\nout of memory", "out of memory"},
		{"file error in a DoFn", "while executing Process for Plan[p]:\n1: Discard\n\tcaused by:\nDoFn[UID:6, PID:x, Name: a.B] failed:\nfailed to open gs://b/f\n\tcaused by:\nno such bucket", "failed to open gs://b/f: no such bucket"},
		{"Flink", "job x failed:\njava.util.concurrent.ExecutionException: java.lang.RuntimeException: Error received from SDK harness for instruction 2: process bundle failed for instruction 2 using plan 1 : while executing Process for Plan[1]:\n1: Discard\n\tcaused by:\nDoFn[UID:2, PID:e, Name: main.Fn] failed:\nread sample 3: no such file\n\tat java.base/java.util.concurrent.CompletableFuture.reportGet(CompletableFuture.java:395)\n\tat org.apache.beam.Foo.bar(Foo.java:1)\nCaused by: java.lang.RuntimeException: x", "read sample 3: no such file"},
	}
	for _, test := range tests {
		if got := Cause(errors.New(test.text)).Error(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got := Cause(plain); got != plain {
		t.Errorf("an error that Beam did not wrap became %v", got)
	}
	if Cause(nil) != nil || Explain(nil) != "" {
		t.Error("nil is not nil")
	}
	wrapped := fmt.Errorf("prepare: %w", Cause(errors.New(tests[3].text)))
	if got := Explain(wrapped); got != "prepare: failed to open gs://b/f: no such bucket" {
		t.Errorf("wrapped: %q", got)
	}
	if got := Explain(errors.New(tests[3].text)); got != "a.B: failed to open gs://b/f: no such bucket" {
		t.Errorf("with DoFn: %q", got)
	}
}

// TestPlain: names of packages go, settings of the same form stay.
func TestPlain(t *testing.T) {
	for message, want := range map[string]string{
		"stages: split: 9 are asked for":          "split: 9 are asked for",
		"train: configs: read YAML: a.yaml [1:2]": "read YAML: a.yaml [1:2]",
		"stages: read a: store: read a: gone":     "read a: read a: gone",
		"loss: unknown \"x\"\nstages: y":          "loss: unknown \"x\"\ny",
		"labels: 3 of infer: none":                "labels: 3 of infer: none",
		"cannot read data/stages: weights: x":     "cannot read data/stages: x",
	} {
		if got := plain("train", message); got != want {
			t.Errorf("%q became %q, want %q", message, got, want)
		}
	}
	if got := Explain(errors.New("DoFn[UID:2, PID:e5, Name: semidavil/stages.splitFn] failed:\nstages: split: no")); got != "stages: split: no" {
		t.Errorf("a DoFn of this program is named: %q", got)
	}
}

func FuzzCause(f *testing.F) {
	f.Add("DoFn[UID:6, PID:x, Name: a.B] failed:\nx\n\tcaused by:\ny")
	f.Add("panic: x goroutine 1 [running]:\npanic(1)\n\t/a.go:1\nmain.f()\n\t/b/c.go:2 +1")
	f.Add("job a failed:\nrpc error: code = X desc = \n\tat a.b(c)")
	f.Fuzz(func(t *testing.T, text string) {
		if cause := Cause(errors.New(text)); cause == nil {
			t.Error("an error became nil")
		}
	})
}
