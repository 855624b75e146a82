package runnerstest

import (
	"context"
	"errors"
	"reflect"
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
	// What the vet has to find: the DoFn, without the type that it emits.
	beam.RegisterType(reflect.TypeFor[looseFn]())
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

// looseFn is registered, the type that it emits is not: prism runs it in this process.
type looseFn struct{}

type loose struct{ N int }

func (looseFn) ProcessElement(n int, emit func(loose)) { emit(loose{n}) }

func TestVetFindsMissingRegistrations(t *testing.T) {
	build := func(s beam.Scope) {
		passert.Count(s, beam.ParDo(s, &looseFn{}, beam.CreateList(s, []int{1})), "loose", 1)
	}
	if err := Run(t, "prism", build); err != nil {
		t.Errorf("prism: %v, expected to run in this process", err)
	}
	err := Run(t, "vet", build)
	if err == nil {
		t.Fatal("vet: no error")
	}
	for _, want := range []string{"looseFn", "NEED_TYPE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("vet: %v; want %s", err, want)
		}
	}
	for _, line := range strings.Split(err.Error(), "\n")[1:] {
		if !strings.Contains(line, "looseFn") {
			t.Errorf("vet reports another step: %s", line)
		}
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
