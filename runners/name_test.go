package runners

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/gcpopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
)

// setNamedFlag sets a flag of Beam by its name until the test ends.
func setNamedFlag(t *testing.T, name, value string) {
	f := flag.Lookup(name)
	old := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(old) })
}

func TestCanonical(t *testing.T) {
	for name, want := range map[string]string{"": "prism", "prism": "prism", "PrismRunner": "prism", "DataflowRunner": "dataflow", "portable": "universal", "spark": "spark"} {
		if got, err := Canonical(name); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
	_, err := Canonical("prsm")
	var usage *UsageError
	if !errors.As(err, &usage) || err.Error() != `unknown runner "prsm"; valid: prism, direct, dataflow, flink, spark, universal, dot` {
		t.Errorf("error %v", err)
	}
}

func TestIsRemote(t *testing.T) {
	want := map[string]bool{"": false, "prism": false, "direct": false, "dataflow": true, "DataflowRunner": true, "flink": true, "spark": true, "universal": true, "dot": false, "vet": true, "nonsense": true}
	for name, remote := range want {
		if IsRemote(name) != remote {
			t.Errorf("%q: remote %v", name, !remote)
		}
	}
	setFlag(t, jobopts.EnvironmentType, "Loopback")
	for _, name := range []string{"prism", "flink", "spark", "universal"} {
		if IsRemote(name) {
			t.Errorf("%s with loopback workers is remote", name)
		}
	}
	if !IsRemote("dataflow") {
		t.Error("dataflow is not remote")
	}
	setFlag(t, jobopts.EnvironmentType, "DOCKER")
	if !IsRemote("prism") {
		t.Error("prism with workers in containers is not remote")
	}
}

func TestValidateDataflow(t *testing.T) {
	t.Setenv("CLOUDSDK_COMPUTE_REGION", "")
	faults := func() []string {
		err := Validate("dataflow")
		if err == nil {
			return nil
		}
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Fatalf("error %v", err)
		}
		var names []string
		for _, line := range strings.Split(err.Error(), "\n") {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
		return names
	}
	if got := strings.Join(faults(), " "); got != "--project --region --staging_location" {
		t.Errorf("faults %q", got)
	}
	setFlag(t, gcpopts.Project, "p")
	setNamedFlag(t, "staging_location", "/tmp/x")
	if got := strings.Join(faults(), " "); got != "--region --staging_location" {
		t.Errorf("faults %q", got)
	}
	setNamedFlag(t, "staging_location", "gs://b/x")
	t.Setenv("CLOUDSDK_COMPUTE_REGION", "europe-west1")
	if got := faults(); got != nil {
		t.Errorf("faults %q", got)
	}
}

func TestValidateOthers(t *testing.T) {
	for _, name := range []string{"flink", "spark", "universal"} {
		if err := Validate(name); err == nil || !strings.Contains(err.Error(), "--endpoint") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := Validate("dot"); err == nil || !strings.Contains(err.Error(), "--dot_file") {
		t.Errorf("dot: error %v", err)
	}
	if err := Validate("prism"); err != nil {
		t.Errorf("prism: %v", err)
	}
	setNamedFlag(t, "dry_run", "true")
	if err := Validate("prism"); err == nil || !strings.Contains(err.Error(), "--dry_run: only") {
		t.Errorf("prism --dry_run: error %v", err)
	}
	setNamedFlag(t, "dry_run", "false")
	*jobopts.Async = true
	defer func() { *jobopts.Async = false }()
	if err := Validate("prism"); err == nil || !strings.Contains(err.Error(), "--async") {
		t.Errorf("prism --async: error %v", err)
	}
}
