package export

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"semidavil/model/weights"
)

// page is the contents of pageFile.
func (e exported) page() []byte {
	var b bytes.Buffer
	c := e.facts.Segmenter
	norm := ""
	if !c.Decoder.TakesLogits() {
		norm = ", " + c.Decoder.Norm + " normalisation"
	}
	fmt.Fprintf(&b, `# A segmentation network of semidavil

The %s of a training: guidance `+"`%s`, decoder `%s`"+`%s, %d classes (%s). Images are seen at
%dx%d pixels. Nothing here needs semidavil.

`+"```sh"+`
pip install torch safetensors numpy pillow
python segment.py --check                                     # the logits that semidavil computed
python segment.py image.png "a street with cars and a bus"    # labels and colours as PNG
`+"```"+`

`+"```python"+`
from transformers import CLIPModel, AutoProcessor   # pip install transformers
model, processor = CLIPModel.from_pretrained("clip"), AutoProcessor.from_pretrained("clip")
`+"```"+`

| file | content |
|---|---|
| `+"`segment.py`"+` | the network in PyTorch, and images in and labels out |
| `+"`config.json`"+` | its kinds and sizes, classes by train id, window (width, height, stride; empty: whole images) |
| `+"`segmenter.safetensors`"+` | guidance and decoder |
| `+"`clip/`"+` | both towers for transformers, tokeniser, preprocessor |
| `+"`check.safetensors`"+` | an image, the tokens of a caption, and the logits of both |

- The vision tower is that of the training, the text tower that of the CLIP which it started with. The
  segmentation network reads the tower's patches; where the tower was trained, its pooled image embedding,
  which no loss has looked at, is no longer that of the text.
- The table of positions has the size that it had in the CLIP at the start, and so has `+"`image_size`"+` (%d):
  it is interpolated (bicubic) for other images when the network runs, and what was trained is the table
  itself. With transformers: `+"`interpolate_pos_encoding=True`"+`.
- `+"`preprocessor_config.json`"+` is for CLIP's own square images. The network sees whole images at the
  size above, without a crop (`+"`segment.py`"+`).

`, e.options.Network, c.Guidance.Kind, c.Decoder.Kind, norm, c.Decoder.Classes, e.facts.ClassSet.Name, e.facts.Width, e.facts.Height, c.CLIP.ImageSize)
	table(&b, "`segmenter.safetensors`", weights.HeadEntries(c))
	table(&b, "`clip/model.safetensors`", weights.CLIPEntries(c.CLIP))
	return b.Bytes()
}

var layerNumber = regexp.MustCompile(`encoder\.layers\.(\d+)\.`)

// table lists tensors; layers of a tower, which are alike, have one row.
func table(b *bytes.Buffer, title string, entries []weights.Entry) {
	fmt.Fprintf(b, "## %s\n\nfloat32, matrices as in `nn.Linear` [out, in], kernels as in `nn.Conv2d` [out, in, height, width].\n\n| tensor | shape | parameter in a checkpoint of semidavil |\n|---|---|---|\n", title)
	layers := map[string]int{}
	for _, e := range entries {
		layers[layerNumber.ReplaceAllString(e.Name, "encoder.layers.N.")]++
	}
	for _, e := range entries {
		name := e.Name
		if m := layerNumber.FindStringSubmatch(name); m != nil {
			if m[1] != "0" {
				continue
			}
			name = layerNumber.ReplaceAllString(name, "encoder.layers.N.")
			name, e.Param = fmt.Sprintf("%s`, N = 0 to %d", name, layers[name]-1), strings.Replace(e.Param, "blocks/0/", "blocks/N/", 1)
		} else {
			name += "`"
		}
		fmt.Fprintf(b, "| `%s | %v | `%s` |\n", name, e.Shape, e.Param)
	}
	fmt.Fprintln(b)
}
