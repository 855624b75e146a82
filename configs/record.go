package configs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// Record is run.json: what made an output.
type Record struct {
	Command     string          `json:"command"`
	Runner      string          `json:"runner"`
	Revision    string          `json:"revision"`
	Go          string          `json:"go"`
	Fingerprint string          `json:"fingerprint"`
	Config      json.RawMessage `json:"config"`
	Started     time.Time       `json:"started"`
	// Seconds is the wall time, 0 during the run, and for good if it was killed.
	Seconds float64 `json:"seconds"`
}

// NewRecord returns the record of a run that begins now. Identity is the part
// of the configuration that decides the output; its fingerprint shows whether
// an existing output is that of the same configuration.
func NewRecord(command, runner string, config, identity any) (Record, error) {
	full, err := json.Marshal(config)
	if err != nil {
		return Record{}, fmt.Errorf("configs: record: %w", err)
	}
	fingerprint, err := Fingerprint(identity)
	if err != nil {
		return Record{}, err
	}
	return Record{Command: command, Runner: runner, Revision: revision(), Go: runtime.Version(),
		Fingerprint: fingerprint, Config: full, Started: time.Now().UTC().Truncate(time.Second)}, nil
}

// Fingerprint returns 32 hexadecimal digits of a hash of a value's JSON.
func Fingerprint(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("configs: fingerprint: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16]), nil
}

// Version says in one line what the program was built from and with.
func Version() string { return "semidavil, revision " + revision() + ", " + runtime.Version() }

// revision is the commit that the program was built from, where the build knows
// it (go build does, go run does not).
func revision() string {
	rev, dirty := "unknown", ""
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return rev
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " with changes"
		}
	}
	return rev + dirty
}

// Changes lists the keys in which two JSON objects differ, for the message that
// refuses to mix two configurations.
func Changes(a, b json.RawMessage) []string {
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return nil
	}
	all := maps.Clone(x)
	maps.Copy(all, y)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if before, now := string(x[key]), string(y[key]); before != now {
			out = append(out, fmt.Sprintf("%s: %s -> %s", key, cmp.Or(before, "none"), cmp.Or(now, "none")))
		}
	}
	return out
}
