package runnerstest

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/vet"
)

var (
	// stepLine is a step in the report of Beam's vet.
	stepLine = regexp.MustCompile(`(?m)^(?:pardo|combine) (\S+)(.*(?:\n\t.*)*)`)
	// missing is a registration without which another process does not find a type or a
	// function. The report also asks for what package register generates (NEED_SHIM, NEED_EMIT,
	// NEED_INPUT), which is faster by a reflective call an element, of which there are few:
	// generated for the stages it takes the compiler 54 s and 4.6 GB, without it a second.
	missing = regexp.MustCompile(`NEED_(?:TYPE|FUNCTION)(?:\[[^\n]*?\])?`)
	// beamsOwn are steps of Beam's test and utility packages, which do not
	// register everything themselves.
	beamsOwn = regexp.MustCompile(`struct\[\[\*?(?:passert|beam|stats|top|filter|textio|fileio|debug)\.`)
)

// vetPipeline returns an error that names each step of the pipeline for which
// Beam's vet finds a type or function unregistered.
func vetPipeline(p *beam.Pipeline) error {
	_, err := vet.Execute(context.Background(), p)
	if err == nil {
		return nil
	}
	report := err.Error()
	steps := stepLine.FindAllStringSubmatch(report, -1)
	if steps == nil {
		return fmt.Errorf("runnerstest: vet: %w", err)
	}
	var faults []string
	for _, step := range steps {
		if beamsOwn.MatchString(step[2]) || strings.HasPrefix(step[1], "github.com/apache/beam/") {
			continue
		}
		for _, need := range missing.FindAllString(step[2], -1) {
			faults = append(faults, step[1]+" "+need)
		}
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("runnerstest: vet: not registered (see beam.RegisterDoFn):\n%s", strings.Join(faults, "\n"))
}
