package loss

import (
	"errors"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil"
	"semidavil/model/layer"
	"semidavil/model/loss/internal/selection"
)

// DiceConfig is the soft Dice loss.
type DiceConfig struct {
	// Smooth > 0 is added to the numerator and the denominator of each class.
	Smooth float64
	// Squares takes the squares of the probabilities in the denominator.
	Squares bool `json:",omitempty"`
	// Background counts class 0 too.
	Background bool `json:",omitempty"`
}

// DiceConstants is the loss of DHC's and GenericSSL's scripts for volumes, whose smooth is 1.
// That of SSL4MIS is {Smooth: 1e-5, Squares: true, Background: true}.
func DiceConstants() DiceConfig { return DiceConfig{Smooth: 1} }

// Check reports everything that is invalid in c for that number of classes.
func (c DiceConfig) Check(classes int) error {
	var f faults
	f.within("dice smooth", c.Smooth, 1e-12, 1e6)
	if classes < 1 || classes > semidavil.Ignore {
		f.add("%d classes: not within 1 to %d", classes, semidavil.Ignore)
	} else if classes == 1 && !c.Background {
		f.add("the dice loss has no class beside the background")
	}
	return errors.Join(f...)
}

// Dice is the soft Dice loss over the valid pixels i of the whole batch,
//
//	1 - mean_c (2·Σ_i p_ic·y_ic + s) / (Σ_i p_ic + Σ_i y_ic + s)
//
// of the softmax p and the labels y as zeros and ones, as a mean over all classes but the
// background. (The cited scripts leave the 1 out.) A class that no pixel has counts as well.
// Without a valid pixel the loss and its gradient are 0. It panics where c does not pass
// Check or shapes do not fit; see the package comment for the input that makes it NaN.
//
//	logits  f32[K,B,D,H,W]  unnormalised, a plane per class; any axes after K, any float type
//	labels  u8[B,D,H,W]     the same axes; 255 is ignored
//	return  f32[]
func Dice(c DiceConfig, logits, labels *graph.Node) *graph.Node {
	return WeightedDice(c, logits, labels, nil)
}

// WeightedDice is [Dice] with a weight of each class, as DHC has it: the mean over the classes
// of w_c·(1 - dice_c).
//
//	weights  f32[K]  constants in the backward pass; nil stands for ones
func WeightedDice(c DiceConfig, logits, labels, weights *graph.Node) *graph.Node {
	logits, n, classes := flatLogits(logits, labels, "labels")
	if err := c.Check(classes); err != nil {
		panic(err)
	}
	return c.of(labelled(logits, graph.Reshape(labels, n)), weights)
}

// of takes the loss with its gradient. With the share 1/K' of each class that counts, or w_c/K',
// numerator N_c and denominator D_c,
//
//	∂L/∂p_ic = N_c/(K'·D_c²)·(1 or 2·p_ic) - 2/(K'·D_c)·y_ic
func (c DiceConfig) of(x pixels, weights *graph.Node) *graph.Node {
	g := x.p.Graph()
	share := make([]float32, x.classes) // of each class in the mean
	for i := range share {
		share[i] = 1 / float32(x.classes)
		if !c.Background {
			share[i] = 1 / float32(x.classes-1)
		}
	}
	if !c.Background {
		share[0] = 0
	}
	shares := graph.Const(g, share)
	if weights != nil {
		shares = graph.Mul(shares, weights)
	}

	p := where(graph.BroadcastToDims(row(x.counted), x.p.Shape().Dimensions...), x.p)
	predicted := p
	if c.Squares {
		predicted = graph.Square(p)
	}
	there := graph.ConvertDType(selection.Histogram(x.label, x.counted, x.classes), dtypes.Float32)
	numerator := graph.AddScalar(graph.MulScalar(x.perClass(where(x.counted, x.pLabel)), 2), c.Smooth)
	denominator := graph.AddScalar(graph.Add(sumRows(predicted), there), c.Smooth)
	missed := graph.OneMinus(graph.Div(numerator, denominator)) // f32[K]
	loss := graph.ReduceAllSum(graph.Mul(shares, missed))
	loss = graph.Where(x.bad, graph.Const(g, float32(math.NaN())), loss)

	return layer.WithGradient([]*graph.Node{x.logits}, loss, func(v *graph.Node) []*graph.Node {
		down := graph.Div(graph.Mul(v, shares), denominator) // f32[K]
		up := graph.Mul(down, graph.Div(numerator, denominator))
		// The slopes s_k = p_k·∂L/∂p_k of all classes, and what the labelled one has beside.
		weight := graph.ExpandAxes(up, -1)
		slopes := graph.Mul(p, weight)
		if c.Squares {
			slopes = graph.Mul(graph.MulScalar(slopes, 2), p)
		}
		label := where(x.counted, graph.Mul(graph.MulScalar(x.pLabel, -2), selection.LookUp(down, x.label)))
		all := graph.Add(graph.ReduceSum(slopes, 0), label)
		d := graph.Sub(slopes, graph.Mul(p, row(all)))
		return []*graph.Node{graph.ScatterSum(d, x.at, label, false, true)}
	})
}

// sumPart is how many values are added one after the other.
const sumPart = 4096

// perClass sums a value over the pixels of each class, in parts as [layer.Sum] does. It
// scatters, which is cheaper than to compare and select in each plane.
//
//	value   f32[N] 0 where not counted
//	return  f32[K]
func (x pixels) perClass(value *graph.Node) *graph.Node {
	g, n := value.Graph(), value.Shape().Size()
	parts := (n + sumPart - 1) / sumPart
	part := graph.Div(graph.Iota(g, shapes.Make(dtypes.Int32, n, 1), 0), graph.Const(g, int32(sumPart)))
	label := graph.ExpandAxes(graph.ConvertDType(x.label, dtypes.Int32), -1)
	at := graph.Concatenate([]*graph.Node{label, part}, -1)
	none := graph.Zeros(g, shapes.Make(dtypes.Float32, x.classes, parts))
	return sumRows(graph.ScatterSum(none, at, value, false, false))
}

// sumRows is the sum of each row, in parts as [layer.Sum] does.
//
//	x       f32[K,N]
//	return  f32[K]
func sumRows(x *graph.Node) *graph.Node {
	const part = 64
	for x.Shape().Dimensions[1] > part {
		d := x.Shape().Dimensions
		if rest := d[1] % part; rest != 0 {
			zeros := graph.Zeros(x.Graph(), shapes.Make(x.DType(), d[0], part-rest))
			x = graph.Concatenate([]*graph.Node{x, zeros}, 1)
		}
		x = graph.ReduceSum(graph.Reshape(x, d[0], -1, part), -1)
	}
	return graph.ReduceSum(x, -1)
}
