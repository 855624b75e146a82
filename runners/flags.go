package runners

import (
	"flag"
	"fmt"
	"strings"
)

// common holds the flags that every command has beside Beam's.
type common struct {
	verbose, quiet, version, helpRunner bool
}

// addCommon defines the flags of every command and gives --runner its default.
func addCommon(fs *flag.FlagSet) *common {
	c := &common{}
	fs.BoolVar(&c.verbose, "v", false, "show the logs of the runner, and errors in full")
	fs.BoolVar(&c.quiet, "q", false, "show no progress")
	fs.BoolVar(&c.quiet, "quiet", false, "show no progress")
	fs.BoolVar(&c.version, "version", false, "show the revision that the program was built from")
	fs.BoolVar(&c.helpRunner, "help-runner", false, "list the other flags of Beam and its runners")
	if f := fs.Lookup("runner"); f != nil {
		f.DefValue = Default
		f.Usage = "the Beam `runner`: " + strings.Join(Names, ", ")
	}
	return c
}

// ParseFlags parses the arguments into the flag set, as flag.FlagSet.Parse does. It returns
// flag.ErrHelp for -h and --help where no such flag is defined, and a *UsageError of one
// line otherwise, with the flag that was probably meant where a name is unknown. It writes
// nothing and never exits, whatever the flag set's ErrorHandling.
func ParseFlags(fs *flag.FlagSet, args []string) error {
	for len(args) > 0 {
		arg := args[0]
		if len(arg) < 2 || arg[0] != '-' {
			break
		}
		args = args[1:]
		if arg == "--" {
			break
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		if name == "" || name[0] == '-' {
			return Usagef("bad flag syntax: %s", arg)
		}
		f := fs.Lookup(name)
		switch {
		case f == nil && (name == "h" || name == "help"):
			return flag.ErrHelp
		case f == nil:
			if meant := closestFlag(fs, name); meant != "" {
				return Usagef("unknown flag %s; did you mean %s?", dashed(name), dashed(meant))
			}
			return Usagef("unknown flag %s", dashed(name))
		case hasValue:
		case isBool(f):
			value = "true"
		case len(args) == 0:
			return Usagef("%s: value missing", dashed(name))
		default:
			value, args = args[0], args[1:]
		}
		if err := fs.Set(name, value); err != nil {
			return Usagef("%s: invalid value %q: %v", dashed(name), value, err)
		}
	}
	return fs.Parse(append([]string{"--"}, args...)) // only the arguments after the flags
}

// isBool reports whether a flag needs no value.
func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// dashed writes a flag as on the command line: one dash before a letter.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// closestFlag returns the flag whose name is closest to an unknown one, "" where
// none is close: within two edits and a third of its length, or longer by the
// end only.
func closestFlag(fs *flag.FlagSet, name string) string {
	best, bestDistance := "", 1<<30
	plain := strings.ReplaceAll(name, "-", "_")
	fs.VisitAll(func(f *flag.Flag) {
		if internalFlags[f.Name] {
			return
		}
		candidate := strings.ReplaceAll(f.Name, "-", "_")
		distance := editDistance(plain, candidate)
		if distance > min(2, len(name)/3) {
			if len(name) < 3 || !strings.HasPrefix(candidate, plain) {
				return
			}
			distance += 2
		}
		if distance < bestDistance {
			best, bestDistance = f.Name, distance
		}
	})
	return best
}

// editDistance returns the Damerau-Levenshtein distance (adjacent letters may be
// swapped) of two strings of bytes.
func editDistance(a, b string) int {
	before, previous := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, previous = previous, row
	}
	return previous[len(b)]
}

// internalFlags are set by Beam when it starts a worker, never by a person.
var internalFlags = map[string]bool{
	"worker": true, "id": true, "logging_endpoint": true, "control_endpoint": true,
	"semi_persist_dir": true, "options": true,
}

// runnerFlags returns the names of the flags that matter for a runner.
func runnerFlags(short string) []string {
	names := []string{"runner"}
	switch short {
	case "dataflow":
		names = append(names, "project", "region", "staging_location", "temp_location", "job_name",
			"num_workers", "max_num_workers", "worker_machine_type", "sdk_container_image", "worker_binary", "dry_run")
	case "flink", "spark", "universal":
		names = append(names, "endpoint", "environment_type", "environment_config", "parallelism", "job_name", "worker_binary")
	case "dot":
		names = append(names, "dot_file")
	}
	return append(names, "v", "q", "version", "help-runner")
}

// Example is a command line of the help, with what it does.
type Example struct{ Text, Command string }

// Group is a titled list of flags of the help.
type Group struct {
	Title string
	// Names are names of flags without dashes, in the order of the help.
	Names []string
}

// check returns an error that names the flags of the groups that do not exist.
func check(fs *flag.FlagSet, groups []Group) error {
	var missing []string
	for _, g := range groups {
		for _, name := range g.Names {
			if fs.Lookup(name) == nil {
				missing = append(missing, fmt.Sprintf("%s (%s)", dashed(name), g.Title))
			}
		}
	}
	if missing != nil {
		return fmt.Errorf("runners: group flags: no such flag: %s", strings.Join(missing, ", "))
	}
	return nil
}
