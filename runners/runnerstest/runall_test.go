package runnerstest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"
)

func TestMain(m *testing.M) { Main(m) }

func init() {
	register.DoFn3x1[context.Context, int, func(string, int), error](&splitFn{})
	register.DoFn3x1[string, func(*int) bool, func(int), error](&sumFn{})
	register.Emitter2[string, int]()
	register.Emitter1[int]()
	register.Iter1[int]()
	register.DoFn1x2[int, int, error](&memoryFn{})
}

type splitFn struct{ Mod int }

func (f *splitFn) ProcessElement(_ context.Context, n int, emit func(string, int)) error {
	emit([]string{"even", "odd"}[n%f.Mod], n)
	return nil
}

type sumFn struct{}

func (sumFn) ProcessElement(_ string, values func(*int) bool, emit func(int)) error {
	var v, sum int
	for values(&v) {
		sum += v
	}
	emit(sum)
	return nil
}

func TestRunAll(t *testing.T) {
	RunAll(t, func(s beam.Scope) {
		numbers := beam.CreateList(s, []int{1, 2, 3, 4, 5})
		sums := beam.ParDo(s, &sumFn{}, beam.GroupByKey(s, beam.ParDo(s, &splitFn{2}, numbers)))
		passert.Equals(s, sums, 6, 9)
	})
}

// TestWrongSumFails makes sure that the ways really run the pipeline.
func TestWrongSumFails(t *testing.T) {
	for _, way := range Ways[1:] {
		err := Run(t, way, func(s beam.Scope) {
			passert.Equals(s, beam.CreateList(s, []int{1, 2}), 1, 3)
		})
		if err == nil || !strings.Contains(err.Error(), "actual PCollection does not match") {
			t.Errorf("%s: error %v, want that of passert", way, err)
		}
	}
}

// loose is not registered, so that another process would not find it.
func loose(n int) int { return n + 1 }

func TestVetFindsMissingRegistrations(t *testing.T) {
	err := Run(t, "vet", func(s beam.Scope) { beam.ParDo(s, loose, beam.ParDo(s, &memoryFn{}, beam.CreateList(s, []int{1}))) })
	if err == nil || !strings.Contains(err.Error(), "loose NEED_FUNCTION") || strings.Contains(err.Error(), "memoryFn") {
		t.Errorf("vet: %v", err)
	}
}

// memory is set by the test only, so that it is missing in another process.
var memory bool

type memoryFn struct{}

func (memoryFn) ProcessElement(n int) (int, error) {
	if !memory {
		return 0, errors.New("the package variable is not set")
	}
	return n, nil
}

func TestPackageVariableFailsInWorkerOnly(t *testing.T) {
	memory = true
	defer func() { memory = false }()
	build := func(s beam.Scope) { beam.ParDo(s, &memoryFn{}, beam.CreateList(s, []int{1})) }
	for _, way := range Ways {
		err := Run(t, way, build)
		if fails := err != nil; fails != (way == "worker") {
			t.Errorf("%s: error %v", way, err)
		} else if fails && err.Error() != "the package variable is not set" {
			t.Errorf("%s: error %q", way, err)
		}
	}
}
