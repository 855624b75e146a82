package pixels

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels/resize"
)

const processorData = "testdata/processor"

// TestProcessorGolden: the tensors are those of transformers (tools/golden_processor), to the bit.
func TestProcessorGolden(t *testing.T) {
	var golden struct {
		Configs map[string]json.RawMessage
		Tensors []struct {
			Config, Image string
			Height, Width int
		}
	}
	data, err := os.ReadFile(filepath.Join(processorData, "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(processorData, "golden.f32.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range golden.Tensors {
		want := make([]float32, 3*g.Height*g.Width)
		if err := binary.Read(values, binary.LittleEndian, want); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(processorData, g.Image+".png"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := new(Codec).DecodeRGB(data)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseProcessor(golden.Configs[g.Config])
		if err != nil {
			t.Fatal(g.Config, err)
		}
		got, err := p.Tensor(img)
		if w, h := p.Size(img.W, img.H); err != nil || w != g.Width || h != g.Height || len(got) != len(want) {
			t.Errorf("%s of %s: %dx%d, %d values, %v; want %dx%d", g.Config, g.Image, w, h, len(got), err, g.Width, g.Height)
			continue
		}
		far, n := 0.0, 0
		for i := range got {
			if d := math.Abs(float64(got[i]) - float64(want[i])); d > 0 {
				far, n = max(far, d), n+1
			}
		}
		if n > 0 {
			t.Errorf("%s of %s: %d of %d values differ, by up to %g", g.Config, g.Image, n, len(got), far)
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := ParseProcessor(again); err != nil || q != p {
			t.Errorf("%s: written and read again %+v, %v; want %+v", g.Config, q, err, p)
		}
	}
	if _, err := values.Read(make([]byte, 1)); err != io.EOF || len(golden.Tensors) != 64 {
		t.Errorf("%d tensors, then %v", len(golden.Tensors), err)
	}
}

// TestProcessorForms: what old files leave out and write otherwise.
func TestProcessorForms(t *testing.T) {
	blip := CLIPProcessor(0)
	blip.Width, blip.Height = 30, 20
	square := blip
	square.Width = 20
	vit := square
	vit.Filter, vit.Mean, vit.Std = resize.Bilinear, [3]float32{0.5, 0.5, 0.5}, [3]float32{0.25, 0.25, 0.25}
	for text, want := range map[string]Processor{
		`{"feature_extractor_type":"CLIPFeatureExtractor","size":20,"crop_size":20}`:                           CLIPProcessor(20),
		`{"image_processor_type":"CLIPImageProcessorFast","size":{"shortest_edge":20},"crop_size":[20,20]}`:    CLIPProcessor(20),
		`{"image_processor_type":"BlipImageProcessor","size":20}`:                                              square,
		`{"image_processor_type":"BlipImageProcessor","size":[20,30]}`:                                         blip,
		`{"image_processor_type":"ViTImageProcessor","size":20,"image_mean":0.5,"image_std":[0.25,0.25,0.25]}`: vit,
	} {
		if got, err := ParseProcessor([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestProcessorFaults(t *testing.T) {
	for text, want := range map[string]string{
		``:                                   "JSON",
		`{}`:                                 `""`,
		`{"image_processor_type":"SiglipX"}`: "SiglipX",
		`{"image_processor_type":"BlipImageProcessor"}`:                                    "size: it is missing",
		`{"image_processor_type":"BlipImageProcessor","size":{"shortest_edge":8}}`:         "shortest_edge",
		`{"image_processor_type":"BlipImageProcessor","size":{"longest_edge":8}}`:          "longest_edge",
		`{"image_processor_type":"BlipImageProcessor","size":{"height":8}}`:                "0x8",
		`{"image_processor_type":"BlipImageProcessor","size":{"height":8,"width":100000}}`: "100000x8",
		`{"image_processor_type":"BlipImageProcessor","size":-1}`:                          "-1",
		`{"image_processor_type":"BlipImageProcessor","size":[1,2,3]}`:                     "3 numbers",
		`{"image_processor_type":"CLIPImageProcessor","size":8}`:                           "crop_size",
		`{"image_processor_type":"BlipImageProcessor","size":8,"resample":5}`:              "resample 5",
		`{"image_processor_type":"BlipImageProcessor","size":8,"image_std":[1,0,1]}`:       "image_std",
		`{"image_processor_type":"BlipImageProcessor","size":8,"image_mean":[1,0]}`:        "image_mean",
		`{"image_processor_type":"BlipImageProcessor","size":8,"rescale_factor":1e300}`:    "rescale_factor",
	} {
		if p, err := ParseProcessor([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %s", text, p, err, want)
		}
	}
	for _, img := range []*semidavil.Image{{}, {W: 2, H: 2, Pix: make([]uint8, 3)}, semidavil.NewImage(1, 200_000)} {
		if _, err := CLIPProcessor(224).Tensor(img); err == nil {
			t.Errorf("%dx%d: no error", img.W, img.H)
		}
	}
}
