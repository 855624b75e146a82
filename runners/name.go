package runners

import (
	"flag"
	"fmt"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	beamrunners "github.com/apache/beam/sdks/v2/go/pkg/beam/runners"
	// The runners register themselves with Beam, as do the file systems for
	// local paths and gs:// URLs.
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
)

// Default is the runner of a command without --runner: Beam's local runner, in
// this process.
const Default = "prism"

// Names lists the runners that --runner accepts, the default first. Beam's
// longer names (PrismRunner, DataflowRunner, portable and so on) are accepted
// too.
var Names = []string{"prism", "direct", "dataflow", "flink", "spark", "universal", "dot"}

// aliases maps Beam's longer names to the short ones.
var aliases = map[string]string{
	"PrismRunner": "prism", "DirectRunner": "direct", "DataflowRunner": "dataflow",
	"FlinkRunner": "flink", "SparkRunner": "spark", "PortableRunner": "universal", "portable": "universal",
}

// Canonical returns the short name of a runner: Default for the empty name, an
// error that lists the valid names for an unknown one.
func Canonical(name string) (string, error) {
	if name == "" {
		return Default, nil
	}
	if short, ok := aliases[name]; ok {
		return short, nil
	}
	for _, valid := range Names {
		if name == valid {
			return name, nil
		}
	}
	return "", Usagef("unknown runner %q; valid: %s", name, strings.Join(Names, ", "))
}

// Selected returns the short name of the runner that --runner selects.
func Selected() (string, error) { return Canonical(*beamrunners.Runner) }

// IsRemote reports whether the named runner executes DoFns where local paths of
// this machine are not visible: always for dataflow, and for flink, spark and
// universal unless --environment_type=loopback makes this process their
// worker. Unknown names count as remote.
func IsRemote(name string) bool {
	short, err := Canonical(name)
	if err != nil {
		return true
	}
	switch short {
	case "prism", "flink", "spark", "universal":
		return !inProcess(short)
	case "dataflow":
		return true
	}
	return false
}

// inProcess reports whether the workers of a portable runner live in this
// process.
func inProcess(short string) bool {
	return jobopts.IsLoopback() || short == "prism" && *jobopts.EnvironmentType == ""
}

// Validate checks that the flags that the named runner needs are set. All
// faults are reported in one *UsageError.
//
// Dataflow takes --region from CLOUDSDK_COMPUTE_REGION as well, as Beam does.
// Values that gcloud keeps in its own configuration are not consulted, so that
// a run does not depend on them.
func Validate(name string) error {
	short, err := Canonical(name)
	if err != nil {
		return err
	}
	var faults []string
	if dryRun() && short != "dataflow" {
		faults = append(faults, fmt.Sprintf("--dry_run: only --runner=dataflow has it, not %s", short))
	}
	switch short {
	case "prism":
		if *jobopts.Async {
			faults = append(faults, "--async: a prism job ends with this process, so it has to be waited for")
		}
	case "flink", "spark", "universal":
		if *jobopts.Endpoint == "" {
			faults = append(faults, fmt.Sprintf("--endpoint: runner %s needs the address of its job server, such as --endpoint=localhost:8099", short))
		}
	case "dataflow":
		faults = dataflowFaults()
	case "dot":
		if flagValue("dot_file") == "" {
			faults = append(faults, "--dot_file: runner dot needs the file to write the graph to")
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &UsageError{Message: strings.Join(faults, "\n")}
}

// flagValue returns the value of a flag whose variable Beam keeps to itself.
func flagValue(name string) string {
	if f := flag.Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}
