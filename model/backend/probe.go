package backend

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Probe is what a backend computes on, and how fast it multiplies.
type Probe struct {
	// Description is the backend's own, and Devices has one a device.
	Description string
	Devices     []string
	Products    []Product
}

// Product is a timed product of two square matrices.
type Product struct {
	Type dtypes.DType
	Side int
	// Time is the median of several, without compilation.
	Time time.Duration
	// Err is why there is none: the type is not supported, memory is short, or the result is
	// wrong.
	Err error
}

// FLOPs is the number of multiplications and additions a second.
func (p Product) FLOPs() float64 {
	n := float64(p.Side)
	return 2 * n * n * n / p.Time.Seconds()
}

// Probe asks the backend for its devices and times products in float32 and bfloat16, of growing
// matrices until one takes as long as enough.
func (c Choice) Probe(enough time.Duration) Probe {
	p := Probe{Description: c.Backend.Description()}
	for i := range c.Backend.NumDevices() {
		p.Devices = append(p.Devices, c.Backend.DeviceDescription(compute.DeviceNum(i)))
	}
	for _, kind := range []dtypes.DType{dtypes.Float32, dtypes.BFloat16} {
		var last Product
		for side := 256; side <= 8192; side *= 2 {
			next := timeProduct(c.Backend, kind, side)
			if next.Err != nil {
				if side == 256 || next.wrong() {
					last = next
				}
				break // the largest that worked counts
			}
			if last = next; last.Time > enough {
				break
			}
		}
		p.Products = append(p.Products, last)
	}
	return p
}

// wrongResult is a product that is not what it should be.
type wrongResult struct{ got, want float32 }

func (w wrongResult) Error() string {
	return fmt.Sprintf("the result is wrong: %v in the place of %v", w.got, w.want)
}

func (p Product) wrong() bool { return errors.As(p.Err, new(wrongResult)) }

// timeProduct multiplies a matrix of ones and one whose rows are their number modulo 4, which
// every type holds exactly, and looks at the result.
func timeProduct(b compute.Backend, kind dtypes.DType, side int) (p Product) {
	p = Product{Type: kind, Side: side}
	values := make([]float32, side*side)
	for i := range values {
		values[i] = float32(i / side % 4)
	}
	exec, err := graph.NewExec(b, func(x *graph.Node) *graph.Node {
		x = graph.ConvertDType(x, kind)
		y := graph.MatMul(graph.OnesLike(x), x)
		// A number stands for all: the matrix would have to be copied to the host.
		return graph.ReduceAllMax(graph.ConvertDType(y, dtypes.Float32))
	})
	if err != nil {
		p.Err = err
		return p
	}
	defer exec.Finalize()
	input := tensors.FromFlatDataAndDimensions(values, side, side)
	defer input.FinalizeAll()
	var times []time.Duration
	for range 4 { // the first compiles
		begin := time.Now()
		out, err := exec.Call1(input)
		if err != nil {
			p.Err = err
			return p
		}
		got := tensors.ToScalar[float32](out)
		times = append(times, time.Since(begin))
		out.FinalizeAll()
		if want := float32(side/4) * 6; got < want*0.99 || got > want*1.01 { // bfloat16 rounds the sum
			p.Err = wrongResult{got, want}
			return p
		}
	}
	times = times[1:]
	slices.Sort(times)
	p.Time = times[len(times)/2]
	return p
}
