package clip

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/transforms/pixels"
)

// Mean and Std normalise RGB values of 0 to 1 for CLIP.
var (
	Mean = pixels.CLIPMean
	Std  = pixels.CLIPStd
)

// Normalise is (x/255 - Mean)/Std for each channel.
//
//	image   u8[B,H,W,3]  RGB
//	return  f32[B,H,W,3]
func Normalise(image *graph.Node) *graph.Node {
	image.AssertDims(-1, -1, -1, 3)
	d := image.Shape().Dimensions
	// One product and one sum a value, x·(1/(255·Std)) - Mean/Std, along whole rows of the
	// image: three channels alone would not fill a vector register.
	scale, shift := make([]float32, 3*d[2]), make([]float32, 3*d[2])
	for i := range scale {
		std, mean := float64(Std[i%3]), float64(Mean[i%3])
		scale[i], shift[i] = float32(1/(255*std)), float32(-mean/std)
	}
	x := graph.Reshape(graph.ConvertDType(image, dtypes.Float32), d[0]*d[1], 3*d[2])
	row := func(v []float32) *graph.Node { return graph.Reshape(graph.Const(x.Graph(), v), 1, 3*d[2]) }
	return graph.Reshape(graph.Add(graph.Mul(x, row(scale)), row(shift)), d...)
}

// VisionFeatures is what the segmentation networks take from the image tower.
//
//	Dense  [B,h,w,Embed]        features of each patch in the space shared with text
//	Skip   [B,h,w,VisionWidth]  low-level features, of block VisionLayers/3
//
// Both are in the compute type.
type VisionFeatures struct{ Dense, Skip *graph.Node }

// DenseVision gives features for each patch as MaskCLIP does (Zhou et al. 2022): in
// the last block a patch keeps its own value vector instead of attending to others,
// with the residual and the MLP as usual. Skip is the same way out of block
// VisionLayers/3, while the tower itself goes on with attention.
//
// The parameters are those of "vision" below s.
//
//	image  f32[B,H,W,3]  normalised, H and W multiples of the patch size
func DenseVision(s params.Scope, c Config, image *graph.Node) VisionFeatures {
	last := c.VisionLayers - 1
	x, height, width := c.visionInputs(s.At("vision"), image, last)
	return c.denseVision(s.At("vision"), x, height, width)
}

// denseVision is DenseVision after the inputs of the blocks.
func (c Config) denseVision(v params.Scope, x []*graph.Node, height, width int) VisionFeatures {
	last := c.VisionLayers - 1
	grid := func(x *graph.Node) *graph.Node {
		return graph.Reshape(x, x.Shape().Dimensions[0], height, width, x.Shape().Dimensions[2])
	}
	final := c.visionBlock(v, last).Value(patchTokens(x[last]))
	skip := final
	if i := c.VisionLayers / 3; i < last {
		skip = c.visionBlock(v, i).Value(patchTokens(x[i]))
	}
	return VisionFeatures{Dense: grid(c.projectVision(v, final)), Skip: grid(skip)}
}

// PooledVision is the ordinary embedding of whole images, taken from the class token.
//
//	image   f32[B,H,W,3]  normalised
//	return  [B,Embed]
func PooledVision(s params.Scope, c Config, image *graph.Node) *graph.Node {
	x, _, _ := c.visionInputs(s.At("vision"), image, c.VisionLayers)
	return c.pooledVision(s.At("vision"), x)
}

// Vision is PooledVision and the features of DenseVision of the same images.
func Vision(s params.Scope, c Config, image *graph.Node) (pooled *graph.Node, features VisionFeatures) {
	x, height, width := c.visionInputs(s.At("vision"), image, c.VisionLayers)
	return c.pooledVision(s.At("vision"), x), c.denseVision(s.At("vision"), x, height, width)
}

// pooledVision is PooledVision after the blocks.
func (c Config) pooledVision(v params.Scope, x []*graph.Node) *graph.Node {
	class := graph.Squeeze(graph.SliceAxis(x[c.VisionLayers], 1, graph.AxisElem(0)), 1)
	return c.projectVision(v, class)
}

// visionInputs runs the first blocks of the tower. It returns the input of each, and
// the output of the last of them.
//
//	x  [B,1+h·w,VisionWidth] each
func (c Config) visionInputs(v params.Scope, image *graph.Node, blocks int) (x []*graph.Node, height, width int) {
	first, height, width := embedImage(v, c, image)
	x = append(x, first)
	for i := range blocks {
		x = append(x, c.visionBlock(v, i).Apply(x[i]))
	}
	return x, height, width
}

// projectVision is ln_post and the projection.
func (c Config) projectVision(v params.Scope, x *graph.Node) *graph.Node {
	x = layer.LayerNorm(v.At("ln_post"), x)
	return layer.Project(v.At("proj"), x, c.Embed, params.Normal(1/math.Sqrt(float64(c.VisionWidth))))
}

// embedImage cuts the image into patches, projects them, puts the class token before
// them, adds the positions and normalises (ln_pre).
//
//	image   f32[B,H,W,3]
//	return  [B,1+h·w,VisionWidth], h, w
func embedImage(v params.Scope, c Config, image *graph.Node) (x *graph.Node, height, width int) {
	image.AssertDims(-1, -1, -1, 3)
	d, p := image.Shape().Dimensions, c.PatchSize
	batch, height, width := d[0], d[1]/p, d[2]/p
	if d[1] != height*p || d[2] != width*p || height < 1 || width < 1 {
		panic(fmt.Errorf("clip: embed image of %dx%d pixels: sides must be multiples of the patch size %d", d[2], d[1], p))
	}
	std := 1 / math.Sqrt(float64(c.VisionWidth))
	x = layer.Patches(graph.ConvertDType(image, v.Compute), p)
	// torch.nn.Conv2d's initial values, U(±1/√(3P²)): OpenAI leaves conv1 with them.
	x = layer.Project(v.At("patch"), x, c.VisionWidth, uniform(1/math.Sqrt(float64(3*p*p))))
	class := graph.Reshape(v.Weight("class", params.Normal(std), c.VisionWidth), 1, 1, c.VisionWidth)
	class = graph.BroadcastToDims(class, batch, 1, c.VisionWidth)
	x = graph.Concatenate([]*graph.Node{class, x}, 1)
	x = graph.Add(x, positions(v, c, height, width))
	return layer.LayerNorm(v.At("ln_pre"), x), height, width
}

// positions is the position table for a grid: its first row is the class token's, the
// rest is interpolated as MaskCLIP does where the grid is another than the table's.
//
//	return  [1,1+height·width,VisionWidth]
func positions(v params.Scope, c Config, height, width int) *graph.Node {
	g, w := c.Grid(), c.VisionWidth
	table := v.Variable("positions", params.Normal(1/math.Sqrt(float64(w))), 1+g*g, w).NodeValue(v.Graph())
	if height != g || width != g {
		rest := graph.Reshape(graph.SliceAxis(table, 0, graph.AxisRangeToEnd(1)), 1, g, g, w)
		rest = layer.Resize(rest, height, width, layer.Bicubic)
		table = graph.Concatenate([]*graph.Node{graph.SliceAxis(table, 0, graph.AxisElem(0)), graph.Reshape(rest, height*width, w)}, 0)
	}
	return graph.ConvertDType(graph.Reshape(table, 1, 1+height*width, w), v.Compute)
}

// patchTokens drops the class token.
func patchTokens(x *graph.Node) *graph.Node { return graph.SliceAxis(x, 1, graph.AxisRangeToEnd(1)) }
