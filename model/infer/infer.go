// Package infer runs a trained network on whole images: a Model is a checkpoint that
// segments images with their captions, a Predictor the compiled graph behind it.
package infer

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/segmenter"
)

// Window is how images are covered: as a whole (Width 0), or by windows of one size
// whose softmax is averaged where they overlap.
type Window struct{ Width, Height, Stride int }

// View says what predictions are averaged over, beside windows.
type View struct {
	// Scales are the sizes, as factors of the image's, at which the network sees it;
	// none is the size itself.
	Scales []float64
	// Flip adds the mirror image at each scale.
	Flip bool
}

// Config says what runs.
type Config struct {
	Segmenter segmenter.Config
	// Network is the root of the parameters: "student" or "teacher".
	Network string
	// Vision is the root of the vision tower; it differs from Network where the
	// teacher shares the student's frozen one.
	Vision  string
	Window  Window
	View    View
	Compute dtypes.DType
	// Width and Height are the size of the predictions; 0 is that of the images.
	Width, Height int
	// Second also predicts the second best class.
	Second bool
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
	if len(c.View.Scales) == 0 {
		c.View.Scales = []float64{1}
	}
	for _, s := range c.View.Scales {
		if !(s >= 1.0/16 && s <= 16) {
			return nil, fmt.Errorf("infer: make predictor: scale %v: want 1/16 to 16", s)
		}
	}
	p := &Predictor{config: c}
	exec, err := model.NewExec(backend, store, func(_ *model.Scope, image, text, count *graph.Node) []*graph.Node {
		return p.best(p.probabilities(store, image, segmenter.Caption{Text: text, Count: count}))
	})
	if err != nil {
		return nil, fmt.Errorf("infer: make predictor: %w", err)
	}
	p.exec = exec
	return p, nil
}

// Close releases the compiled graphs.
func (p *Predictor) Close() { p.exec.Finalize() }

// Prediction is the most probable class of each pixel and its probability, and where
// requested those of the second.
type Prediction struct {
	Label      []uint8   // [B,H,W]
	Confidence []float32 // [B,H,W], 0 to 1

	Second           []uint8
	SecondConfidence []float32
}

// Predict segments images.
//
//	images  u8[B,H,W,3]
//	text    f32[B,n,E]
//	count   i32[B]
func (p *Predictor) Predict(images, text, count *tensors.Tensor) (out Prediction, err error) {
	results, err := p.exec.Call(images, text, count)
	if err != nil {
		return Prediction{}, fmt.Errorf("infer: predict: %w", err)
	}
	for i, to := range []struct {
		label      *[]uint8
		confidence *[]float32
	}{{&out.Label, &out.Confidence}, {&out.Second, &out.SecondConfidence}}[:len(results)/2] {
		if *to.label, err = tensors.CopyFlatData[uint8](results[2*i]); err != nil {
			return Prediction{}, fmt.Errorf("infer: predict: %w", err)
		}
		if *to.confidence, err = tensors.CopyFlatData[float32](results[2*i+1]); err != nil {
			return Prediction{}, fmt.Errorf("infer: predict: %w", err)
		}
	}
	return out, nil
}

// best returns label and confidence, and those of the second best class if requested.
func (p *Predictor) best(probabilities *graph.Node) []*graph.Node {
	label := graph.ArgMax(probabilities, 0, dtypes.Int32)
	out := []*graph.Node{graph.ConvertDType(label, dtypes.Uint8), graph.ReduceMax(probabilities, 0)}
	if !p.config.Second {
		return out
	}
	class := graph.Iota(probabilities.Graph(), shapes.Make(dtypes.Int32, probabilities.Shape().Dimensions...), 0)
	taken := graph.Equal(class, graph.BroadcastToShape(graph.InsertAxes(label, 0), class.Shape()))
	others := graph.Where(taken, graph.Scalar(probabilities.Graph(), probabilities.DType(), -1), probabilities)
	second := graph.ArgMax(others, 0, dtypes.Int32)
	return append(out, graph.ConvertDType(second, dtypes.Uint8), graph.ReduceMax(others, 0))
}

// probabilities is f32[K,B,Height,Width], the mean over scales and mirror images.
func (p *Predictor) probabilities(store *model.Store, image *graph.Node, caption segmenter.Caption) *graph.Node {
	d := image.Shape().Dimensions
	height, width := d[1], d[2]
	outHeight, outWidth := p.config.Height, p.config.Width
	if outWidth == 0 {
		outHeight, outWidth = height, width
	}
	patch := p.config.Segmenter.CLIP.PatchSize
	multiple := func(n int, scale float64) int {
		return max(1, int(math.Round(float64(n)*scale/float64(patch)))) * patch
	}
	var sum *graph.Node
	times := 0
	add := func(x *graph.Node) {
		if times++; sum == nil {
			sum = x
			return
		}
		sum = graph.Add(sum, x)
	}
	for _, scale := range p.config.View.Scales {
		scaled := image
		if scale != 1 {
			scaled = layer.Resize(graph.ConvertDType(image, dtypes.Float32), multiple(height, scale), multiple(width, scale), layer.Bilinear)
		}
		add(p.predictView(store, scaled, caption, outHeight, outWidth))
		if p.config.View.Flip {
			add(graph.Reverse(p.predictView(store, graph.Reverse(scaled, 2), caption, outHeight, outWidth), 3))
		}
	}
	if times == 1 {
		return sum
	}
	return graph.DivScalar(sum, float64(times))
}

// predictView is f32[K,B,outHeight,outWidth] of one view of the images. Of a whole view, logits are
// upsampled before the softmax; of windows, the averaged softmax is upsampled.
func (p *Predictor) predictView(store *model.Store, image *graph.Node, caption segmenter.Caption, outHeight, outWidth int) *graph.Node {
	g, c := image.Graph(), p.config
	options := params.Options{Compute: c.Compute, Constant: true}
	network, vision := params.In(store, g, c.Network, options), params.In(store, g, c.Vision, options)
	d := image.Shape().Dimensions
	height, width := d[1], d[2]
	image = pad(image, c.Segmenter.CLIP.PatchSize)
	cut := func(x *graph.Node) *graph.Node {
		return graph.Slice(x, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(0, height), graph.AxisRange(0, width))
	}
	logits := func(x *graph.Node) *graph.Node {
		d := x.Shape().Dimensions
		if err := c.Segmenter.CheckSize(d[2], d[1]); err != nil {
			panic(err)
		}
		return c.Segmenter.Logits(network, c.Segmenter.Features(vision, x), caption, d[1], d[2])
	}
	d = image.Shape().Dimensions
	paddedHeight, paddedWidth := d[1], d[2]
	w := c.Window
	if w.Width == 0 || w.Width >= paddedWidth && w.Height >= paddedHeight {
		return layer.SoftmaxPlanes(layer.ResizePlanes(cut(logits(image)), outHeight, outWidth, layer.Bilinear))
	}
	w.Width, w.Height = min(w.Width, paddedWidth), min(w.Height, paddedHeight)
	var sum, times *graph.Node
	for _, y := range Starts(paddedHeight, w.Height, w.Stride) {
		for _, x := range Starts(paddedWidth, w.Width, w.Stride) {
			part := layer.SoftmaxPlanes(logits(graph.Slice(image, graph.AxisRange(), graph.AxisRange(y, y+w.Height), graph.AxisRange(x, x+w.Width))))
			part = place(part, y, x, paddedHeight, paddedWidth)
			once := place(graph.Ones(g, shapes.Make(dtypes.Float32, 1, 1, w.Height, w.Width)), y, x, paddedHeight, paddedWidth)
			if sum == nil {
				sum, times = part, once
				continue
			}
			sum, times = graph.Add(sum, part), graph.Add(times, once)
		}
	}
	return layer.ResizePlanes(cut(graph.Div(sum, times)), outHeight, outWidth, layer.Bilinear)
}

// pad repeats the last row and column until both sides are multiples of the patch.
func pad(image *graph.Node, patch int) *graph.Node {
	for axis := 1; axis <= 2; axis++ {
		d := image.Shape().Dimensions
		missing := (patch - d[axis]%patch) % patch
		if missing == 0 {
			continue
		}
		last := graph.SliceAxis(image, axis, graph.AxisRange(d[axis]-1, d[axis]))
		edge := append([]int(nil), d...)
		edge[axis] = missing
		image = graph.Concatenate([]*graph.Node{image, graph.BroadcastToDims(last, edge...)}, axis)
	}
	return image
}

// place surrounds a window with zeros.
func place(x *graph.Node, top, left, height, width int) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), compute.PadAxis{}, compute.PadAxis{},
		compute.PadAxis{Start: top, End: height - top - d[2]}, compute.PadAxis{Start: left, End: width - left - d[3]})
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

// Sliding are windows of a size that overlap by a third of the shorter side, as
// SemiVL's.
func Sliding(width, height int) Window {
	return Window{Width: width, Height: height, Stride: max(min(width, height)*2/3, 1)}
}
