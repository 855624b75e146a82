// Package infer runs a trained network on whole images.
package infer

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
	"semidavil/model/segmenter"
)

// Window is how images are covered: as a whole (Width 0), or by windows of one size
// whose softmax is averaged where they overlap.
type Window struct{ Width, Height, Stride int }

// Config says what runs.
type Config struct {
	Segmenter segmenter.Config
	// Network is the root of the parameters: "student" or "teacher".
	Network string
	// Vision is the root of the vision tower; it differs from Network where the
	// teacher shares the student's frozen one.
	Vision  string
	Window  Window
	Compute dtypes.DType
}

// Predictor segments batches of images of one size. Every new size is compiled once.
type Predictor struct {
	config Config
	exec   *model.Exec
}

// New makes a predictor over the parameters in store.
func New(backend compute.Backend, store *model.Store, c Config) (*Predictor, error) {
	if w := c.Window; w != (Window{}) && (w.Width < 1 || w.Height < 1 || w.Stride < 1 || w.Stride > min(w.Width, w.Height)) {
		return nil, fmt.Errorf("infer: make predictor: window %dx%d with stride %d: want a stride of 1 up to the shorter side, or no window at all", w.Width, w.Height, w.Stride)
	}
	p := &Predictor{config: c}
	exec, err := model.NewExec(backend, store, func(_ *model.Scope, image, text, count *graph.Node) []*graph.Node {
		probabilities := p.probabilities(store, image, segmenter.Caption{Text: text, Count: count})
		label := graph.ArgMax(probabilities, -1, dtypes.Int32)
		return []*graph.Node{graph.ConvertDType(label, dtypes.Uint8), graph.ReduceMax(probabilities, -1)}
	})
	if err != nil {
		return nil, fmt.Errorf("infer: make predictor: %w", err)
	}
	p.exec = exec
	return p, nil
}

// Close releases the compiled graphs.
func (p *Predictor) Close() { p.exec.Finalize() }

// Prediction is the most probable class of each pixel and its probability.
type Prediction struct {
	Label      []uint8   // [B,H,W]
	Confidence []float32 // [B,H,W], 0 to 1
}

// Predict segments images.
//
//	images  u8[B,H,W,3]
//	text    f32[B,n,E]
//	count   i32[B]
func (p *Predictor) Predict(images, text, count *tensors.Tensor) (Prediction, error) {
	out, err := p.exec.Call(images, text, count)
	if err != nil {
		return Prediction{}, fmt.Errorf("infer: predict: %w", err)
	}
	label, err := tensors.CopyFlatData[uint8](out[0])
	if err != nil {
		return Prediction{}, fmt.Errorf("infer: predict: %w", err)
	}
	confidence, err := tensors.CopyFlatData[float32](out[1])
	if err != nil {
		return Prediction{}, fmt.Errorf("infer: predict: %w", err)
	}
	return Prediction{label, confidence}, nil
}

// probabilities is f32[B,H,W,K].
func (p *Predictor) probabilities(store *model.Store, image *graph.Node, caption segmenter.Caption) *graph.Node {
	g, c := image.Graph(), p.config
	network := params.In(store, g, c.Network, params.Options{Compute: c.Compute})
	vision := params.In(store, g, c.Vision, params.Options{Compute: c.Compute})
	d := image.Shape().Dimensions
	height, width := d[1], d[2]
	segment := func(x *graph.Node) *graph.Node {
		d := x.Shape().Dimensions
		if err := c.Segmenter.CheckSize(d[2], d[1]); err != nil {
			panic(err)
		}
		return graph.Softmax(c.Segmenter.Logits(network, c.Segmenter.Features(vision, x), caption, d[1], d[2]), -1)
	}
	w := c.Window
	if w.Width == 0 || w.Width >= width && w.Height >= height {
		return segment(image)
	}
	w.Width, w.Height = min(w.Width, width), min(w.Height, height)
	var sum, times *graph.Node
	for _, y := range Starts(height, w.Height, w.Stride) {
		for _, x := range Starts(width, w.Width, w.Stride) {
			part := segment(graph.Slice(image, graph.AxisRange(), graph.AxisRange(y, y+w.Height), graph.AxisRange(x, x+w.Width)))
			part = place(part, y, x, height, width)
			once := place(graph.Ones(g, shapes.Make(dtypes.Float32, 1, w.Height, w.Width, 1)), y, x, height, width)
			if sum == nil {
				sum, times = part, once
				continue
			}
			sum, times = graph.Add(sum, part), graph.Add(times, once)
		}
	}
	return graph.Div(sum, times)
}

// place surrounds a window with zeros.
func place(x *graph.Node, top, left, height, width int) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), compute.PadAxis{},
		compute.PadAxis{Start: top, End: height - top - d[1]}, compute.PadAxis{Start: left, End: width - left - d[2]})
}

// Starts are the first positions of windows of that size along an axis; the last one
// is moved back so that it ends with the axis.
func Starts(length, size, stride int) []int {
	starts := []int{0}
	for at := stride; starts[len(starts)-1]+size < length; at += stride {
		starts = append(starts, min(at, length-size))
	}
	return starts
}
