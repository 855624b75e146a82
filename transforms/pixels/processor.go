package pixels

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"semidavil"
	"semidavil/transforms/pixels/resize"
)

// Processor makes of an image what the vision tower of a network reads, as the file
// preprocessor_config.json of a Hugging Face folder says: resize, crop, scale, normalise, in
// this order.
//
//	p, err := pixels.ParseProcessor(data)  // BLIP, BLIP-2, CLIP, ViT
//	x, err := p.Tensor(img)                // f32[3,H,W]
//
// Resizing is Pillow's, to the bit; the "fast" processors of transformers, which resize
// with torchvision, differ in the last bits of a few pixels.
type Processor struct {
	// Width and Height are the size to which images of any shape are resized. Where they are
	// 0, ShortestEdge is that of the shorter side, and the shape stays; where that is 0 too,
	// images keep their size.
	Width, Height, ShortestEdge int
	// Filter is that of resizing.
	Filter resize.Filter
	// CropWidth and CropHeight are those of the middle of the resized image that is kept,
	// with black around it where the image is smaller; 0 keeps all.
	CropWidth, CropHeight int
	// A pixel x of 0 to 255 becomes (x·Scale - Mean)/Std.
	Scale     float64
	Mean, Std [3]float32
}

// The mean and deviation of the colours, 0 to 1, of CLIP's training images, with which BLIP works too.
var (
	CLIPMean = [3]float32{0.48145466, 0.4578275, 0.40821073}
	CLIPStd  = [3]float32{0.26862954, 0.26130258, 0.27577711}
)

// CLIPProcessor is that of a CLIP whose images have the given side.
func CLIPProcessor(side int) Processor {
	return Processor{ShortestEdge: side, Filter: resize.Bicubic, CropWidth: side, CropHeight: side, Scale: 1.0 / 255, Mean: CLIPMean, Std: CLIPStd}
}

// maxSide bounds the sides that a file may ask for.
const maxSide = 8192

// family is what the keys that a file leaves out mean.
type family struct {
	square bool // a size of one number is that of both sides, and not of the shorter one
	crop   bool // do_center_crop
	filter int
}

// families are the known processors, without the endings that transformers gave them over time.
var families = map[string]family{
	"Blip": {square: true, filter: 3},
	"CLIP": {crop: true, filter: 3},
	"ViT":  {square: true, filter: 2},
}

// pillow are the filters by Pillow's numbers.
var pillow = []resize.Filter{resize.Nearest, resize.Lanczos, resize.Bilinear, resize.Bicubic, resize.Area}

// processorJSON is preprocessor_config.json.
type processorJSON struct {
	ImageType   string     `json:"image_processor_type,omitempty"`
	FeatureType string     `json:"feature_extractor_type,omitempty"`
	Class       string     `json:"processor_class,omitempty"` // written; that of image and text together
	ConvertRGB  bool       `json:"do_convert_rgb"`            // written; images are RGB always
	DoResize    *bool      `json:"do_resize"`
	Size        *sizeJSON  `json:"size,omitempty"`
	Resample    *int       `json:"resample"`
	DoCrop      *bool      `json:"do_center_crop"`
	CropSize    *sizeJSON  `json:"crop_size,omitempty"`
	DoRescale   *bool      `json:"do_rescale"`
	Factor      *float64   `json:"rescale_factor"`
	DoNormalize *bool      `json:"do_normalize"`
	Mean        channelsOf `json:"image_mean,omitempty"`
	Std         channelsOf `json:"image_std,omitempty"`
}

// sizeJSON is a size as one number, as [height, width] or as an object.
type sizeJSON struct {
	Both     int `json:"-"`
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Shortest int `json:"shortest_edge,omitempty"`
	Longest  int `json:"longest_edge,omitempty"`
}

func (s *sizeJSON) UnmarshalJSON(data []byte) error {
	switch {
	case len(data) > 0 && data[0] == '[':
		var pair []int
		if err := json.Unmarshal(data, &pair); err != nil {
			return err
		}
		if len(pair) != 2 {
			return fmt.Errorf("size of %d numbers: want height and width", len(pair))
		}
		*s = sizeJSON{Height: pair[0], Width: pair[1]}
		return nil
	case len(data) > 0 && data[0] != '{':
		return json.Unmarshal(data, &s.Both)
	}
	type plain sizeJSON
	return json.Unmarshal(data, (*plain)(s))
}

// channelsOf are one number for all channels or one for each.
type channelsOf []float32

func (c *channelsOf) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]float32)(c))
	}
	var all *float32
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		return err
	}
	*c = channelsOf{*all, *all, *all}
	return nil
}

// ParseProcessor reads preprocessor_config.json. The error says which key is at fault: a kind of
// processor that is none of BLIP's, CLIP's and ViT's, sizes below 1 or above 8192 or of a form that the kind has
// not, an unknown filter, a scale, mean or deviation that is no number.
func ParseProcessor(data []byte) (Processor, error) {
	var f processorJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return Processor{}, fmt.Errorf("pixels: read image processor: %w", err)
	}
	p, err := f.processor()
	if err != nil {
		return Processor{}, fmt.Errorf("pixels: read image processor: %w", err)
	}
	return p, nil
}

func (f *processorJSON) processor() (p Processor, err error) {
	kind := f.ImageType
	if kind == "" {
		kind = f.FeatureType
	}
	name := strings.TrimSuffix(kind, "Fast")
	name = strings.TrimSuffix(strings.TrimSuffix(name, "ImageProcessor"), "FeatureExtractor")
	known, ok := families[name]
	if !ok {
		return p, fmt.Errorf("image_processor_type %q: unknown; valid: BlipImageProcessor, CLIPImageProcessor, ViTImageProcessor", kind)
	}
	if value(f.DoResize, true) {
		if p.Width, p.Height, p.ShortestEdge, err = f.Size.sides(known.square); err != nil {
			return p, fmt.Errorf("size: %w", err)
		}
		id := value(f.Resample, known.filter)
		if id < 0 || id >= len(pillow) {
			return p, fmt.Errorf("resample %d: want 0 (nearest), 1 (lanczos), 2 (bilinear), 3 (bicubic) or 4 (box)", id)
		}
		p.Filter = pillow[id]
	}
	if value(f.DoCrop, known.crop) {
		if p.CropWidth, p.CropHeight, _, err = f.CropSize.sides(true); err != nil {
			return p, fmt.Errorf("crop_size: %w", err)
		}
	}
	p.Scale, p.Std = 1, [3]float32{1, 1, 1}
	if value(f.DoRescale, true) {
		p.Scale = value(f.Factor, 1.0/255)
		if !(math.Abs(p.Scale) <= math.MaxFloat32/255) {
			return p, fmt.Errorf("rescale_factor %v: not a number for pixels", p.Scale)
		}
	}
	if value(f.DoNormalize, true) {
		if err := fill(&p.Mean, f.Mean, CLIPMean, false); err != nil {
			return p, fmt.Errorf("image_mean: %w", err)
		}
		if err := fill(&p.Std, f.Std, CLIPStd, true); err != nil {
			return p, fmt.Errorf("image_std: %w", err)
		}
	}
	return p, nil
}

func value[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}

// fill sets the channels. What is missing means CLIP's for BLIP and CLIP; ViT's files have it.
func fill(to *[3]float32, from channelsOf, absent [3]float32, divisor bool) error {
	if from == nil {
		*to = absent
		return nil
	}
	if len(from) != 3 {
		return fmt.Errorf("%d numbers: want 3", len(from))
	}
	for i, x := range from {
		if divisor && math.Abs(float64(x)) < 1e-6 {
			return fmt.Errorf("%v: too close to 0 to divide by", x)
		}
		to[i] = x
	}
	return nil
}

// sides returns width and height, or the shortest edge.
func (s *sizeJSON) sides(square bool) (width, height, shortest int, err error) {
	switch {
	case s == nil:
		return 0, 0, 0, fmt.Errorf("it is missing")
	case s.Longest != 0:
		return 0, 0, 0, fmt.Errorf("longest_edge is not supported")
	case s.Both != 0 && square:
		width, height = s.Both, s.Both
	case s.Both != 0:
		shortest = s.Both
	case s.Shortest != 0 && square:
		return 0, 0, 0, fmt.Errorf("want height and width, not shortest_edge")
	case s.Shortest != 0:
		shortest = s.Shortest
	default:
		width, height = s.Width, s.Height
	}
	if shortest == 0 && min(width, height) < 1 || shortest < 0 || max(width, height, shortest) > maxSide {
		return 0, 0, 0, fmt.Errorf("%dx%d, shortest edge %d: want sides of 1 to %d", width, height, shortest, maxSide)
	}
	return width, height, shortest, nil
}

// MarshalJSON writes p as the preprocessor_config.json of a CLIP, or of a BLIP where the shape of
// images is not kept; ParseProcessor reads it back.
func (p Processor) MarshalJSON() ([]byte, error) {
	yes, crop, resized := true, p.CropWidth > 0, p.Width > 0 || p.ShortestEdge > 0
	id := slices.Index(pillow, p.Filter)
	f := processorJSON{
		ImageType: "CLIPImageProcessor", FeatureType: "CLIPFeatureExtractor", Class: "CLIPProcessor", ConvertRGB: true, DoResize: &resized, Resample: &id,
		DoCrop: &crop, DoRescale: &yes, Factor: &p.Scale, DoNormalize: &yes, Mean: p.Mean[:], Std: p.Std[:],
	}
	switch {
	case p.Width > 0:
		f.ImageType, f.FeatureType, f.Class = "BlipImageProcessor", "", ""
		f.Size = &sizeJSON{Width: p.Width, Height: p.Height}
	case resized:
		f.Size = &sizeJSON{Shortest: p.ShortestEdge}
	}
	if crop {
		f.CropSize = &sizeJSON{Width: p.CropWidth, Height: p.CropHeight}
	}
	return json.Marshal(f)
}

// resized returns the size of an image of w x h before the crop.
func (p Processor) resized(w, h int) (int, int) {
	switch s := p.ShortestEdge; {
	case p.Width > 0:
		return p.Width, p.Height
	case s > 0 && w <= h:
		return s, int(float64(s*h) / float64(w))
	case s > 0:
		return int(float64(s*w) / float64(h)), s
	}
	return w, h
}

// Size returns the size of what an image of w x h becomes.
func (p Processor) Size(w, h int) (width, height int) {
	if p.CropWidth > 0 {
		return p.CropWidth, p.CropHeight
	}
	return p.resized(w, h)
}

// Image resizes and crops an image, which it leaves alone. An error means pixels that are not
// w x h, or a resized image of more than DefaultMaxPixels.
func (p Processor) Image(img *semidavil.Image) (*semidavil.Image, error) {
	if img.W < 1 || img.H < 1 || len(img.Pix) != 3*img.W*img.H {
		return nil, fmt.Errorf("pixels: process image: %dx%d with %d bytes of pixels", img.W, img.H, len(img.Pix))
	}
	w, h := p.resized(img.W, img.H)
	if w > DefaultMaxPixels/h {
		return nil, fmt.Errorf("pixels: process image: %dx%d resized to %dx%d: more than %d pixels", img.W, img.H, w, h, DefaultMaxPixels)
	}
	out := &semidavil.Image{W: w, H: h}
	var r resize.Resizer
	if err := r.Resize(out, img, p.Filter); err != nil {
		return nil, err
	}
	if p.CropWidth == 0 || p.CropWidth == w && p.CropHeight == h {
		return out, nil
	}
	cropped := semidavil.NewImage(p.CropWidth, p.CropHeight)
	// Rounded down, also where the image is smaller and the corner lies outside of it.
	left, top := (w-cropped.W)>>1, (h-cropped.H)>>1
	from, to := max(0, left), min(w, left+cropped.W)
	for y := range cropped.H {
		if sy := top + y; sy >= 0 && sy < h {
			copy(cropped.Pix[3*(y*cropped.W+from-left):], out.Pix[3*(sy*w+from):3*(sy*w+to)])
		}
	}
	return cropped, nil
}

// Tensor returns what the network reads of an image: f32[3,H,W], the planes of red, green and blue
// one after another, of the size that Size says. Errors are those of Image.
func (p Processor) Tensor(img *semidavil.Image) ([]float32, error) {
	made, err := p.Image(img)
	if err != nil {
		return nil, err
	}
	var table [3][256]float32
	for c := range table {
		for x := range table[c] {
			// Rounded to float32 after each step, as NumPy does it in transformers.
			scaled := float32(float64(x) * p.Scale)
			table[c][x] = float32(scaled-p.Mean[c]) / p.Std[c]
		}
	}
	n := made.W * made.H
	out := make([]float32, 3*n)
	for i := range n {
		for c := range 3 {
			out[c*n+i] = table[c][made.Pix[3*i+c]]
		}
	}
	return out, nil
}
