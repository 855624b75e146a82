// Package samples turns the files of one image into the samples of a shard:
// decode, remap, resize, crop, count, encode. It is all that is done to pixels
// before training.
package samples

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"

	"semidavil"
	"semidavil/transforms/classstats"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

// Version is raised whenever the same input and Params give other bytes: shards
// of another version are rewritten.
const Version = 3

// Params are the choices of a run.
type Params struct {
	Filter resize.Filter
	// JPEG stores images with loss, at Quality 1 to 100; otherwise as PNG.
	JPEG        bool
	Quality     int
	Compression fastpng.Level
	// Crops random crops of CropW x CropH are stored of each training image, or
	// the whole image where Crops is 0.
	CropW, CropH, Crops int
	Seed                uint64
}

// Input is one image with all that belongs to it.
type Input struct {
	Ref     semidavil.Ref
	Subset  semidavil.Subset
	Adapter datasets.Adapter
	// Size is the prepared width and height.
	Size      [2]int
	Caption   string
	Captioner string
	// Tokens are the token ids without padding.
	Tokens []int32
	// Image and Label are the files; Label is nil for unlabelled samples.
	Image, Label []byte
}

// Maker makes samples and keeps its buffers between calls. The zero value with
// Params set is ready; it is for one goroutine.
type Maker struct {
	Params

	codec   pixels.Codec
	resizer resize.Resizer
	encoder fastpng.Encoder
	image   semidavil.Image
	small   semidavil.Image
	label   semidavil.LabelMap
}

// checkSource refuses a pseudo-label that was made of another image or volume.
func (in Input) checkSource(digest string) error {
	if want := in.Ref.ImageSHA256; want != "" && want != digest {
		return fmt.Errorf("samples: the pseudo-label is of another image of this name: that has SHA-256 %s, this one %s", want, digest)
	}
	return nil
}

// Make returns the samples of one image: one, or one a crop. The result depends
// on the input and Params only. Errors are faults of the files.
func (m *Maker) Make(in Input) ([]shards.Sample, error) {
	if err := m.codec.DecodeRGBInto(&m.image, in.Image); err != nil {
		return nil, fmt.Errorf("%s: %w", in.Ref.Image, err)
	}
	sum := sha256.Sum256(in.Image)
	digest := hex.EncodeToString(sum[:])
	w, h := in.Size[0], in.Size[1]
	var label *semidavil.LabelMap
	var exif string
	if in.Label != nil {
		if err := in.checkSource(digest); err != nil {
			return nil, fmt.Errorf("%s: %w", in.Ref.Label, err)
		}
		if err := m.readLabel(in, w, h); err != nil {
			return nil, fmt.Errorf("%s: %w", in.Ref.Label, err)
		}
		label = &m.label
		if in.Ref.Encoding != datasets.PseudoEncoding { // that is made of the image as it is seen
			image, ids := m.codec.Turned()
			exif = pixels.Doubtful("image", image, "label", ids, m.image.W, m.image.H)
		}
	}
	m.small.W, m.small.H = w, h
	if err := m.resizer.Resize(&m.small, &m.image, m.Filter); err != nil {
		return nil, fmt.Errorf("%s: %w", in.Ref.Image, err)
	}
	tokens, err := encodeTokens(in.Tokens)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Ref.Key, err)
	}
	meta := shards.Meta{Key: in.Ref.Key, Dataset: in.Ref.Dataset, Domain: in.Ref.Domain, Subset: in.Subset,
		Split: in.Ref.Split, Source: in.Ref.Image, SourceSize: [2]int{m.image.W, m.image.H}, SourceSHA256: digest, EXIF: exif, Size: in.Size,
		Pseudo: label != nil && in.Ref.Encoding == datasets.PseudoEncoding, Tokens: len(in.Tokens), Captioner: in.Captioner}
	one := func(meta shards.Meta, img *semidavil.Image, label *semidavil.LabelMap) (shards.Sample, error) {
		s := shards.Sample{Key: meta.Key, Caption: in.Caption, Tokens: tokens, Meta: meta}
		return s, m.encode(&s, img, label, in.Adapter.Classes.Len())
	}
	if m.Crops == 0 || in.Subset == semidavil.Val {
		s, err := one(meta, &m.small, label)
		if err != nil {
			return nil, err
		}
		return []shards.Sample{s}, nil
	}
	var out []shards.Sample
	for i := range m.Crops {
		x, y, err := m.cropAt(in, i)
		if err != nil {
			return nil, err
		}
		meta := meta
		meta.Key = in.Ref.Key + "-c" + strconv.Itoa(i)
		meta.Size, meta.Crop = [2]int{m.CropW, m.CropH}, &[4]int{x, y, m.CropW, m.CropH}
		img, err := pixels.Crop(&m.small, x, y, m.CropW, m.CropH)
		if err != nil {
			return nil, err
		}
		var part *semidavil.LabelMap
		if label != nil {
			if part, err = labels.Crop(label, x, y, m.CropW, m.CropH); err != nil {
				return nil, err
			}
		}
		s, err := one(meta, img, part)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// readLabel decodes, checks and remaps a label file into m.label.
func (m *Maker) readLabel(in Input, w, h int) error {
	ids, err := m.codec.DecodeIDs(in.Label)
	if err != nil {
		return err
	}
	m.label.W, m.label.H = w, h
	if cap(m.label.Pix) < w*h {
		m.label.Pix = make([]uint8, w*h)
	}
	m.label.Pix = m.label.Pix[:w*h]
	if in.Ref.Encoding == datasets.PseudoEncoding {
		if err := datasets.TrainIDs.IDs(&ids); err != nil {
			return err
		}
		// It was made of the image, scaled perhaps, or of that as it is prepared.
		if scaled := ids.W*m.image.H == ids.H*m.image.W; !scaled && (ids.W != w || ids.H != h) {
			return fmt.Errorf("samples: the pseudo-label is %dx%d, its image %dx%d and prepared %dx%d: it is of another image", ids.W, ids.H, m.image.W, m.image.H, w, h)
		}
		return labels.Remap(&m.label, ids, labels.TrainIDs(in.Adapter.Classes))
	}
	if err := in.Adapter.Storage.IDs(&ids); err != nil {
		return err
	}
	if err := m.codec.CheckSize(ids, m.image.W, m.image.H); err != nil {
		return err
	}
	table, ok := in.Adapter.Tables[in.Ref.Encoding]
	if !ok {
		return fmt.Errorf("samples: %s has no table of %q ids", in.Ref.Dataset, in.Ref.Encoding)
	}
	return labels.Remap(&m.label, ids, table)
}

// encode fills in the files of a sample and counts its label.
func (m *Maker) encode(s *shards.Sample, img *semidavil.Image, label *semidavil.LabelMap, classes int) (err error) {
	s.ImageExt = "png"
	if m.JPEG {
		s.ImageExt = "jpg"
		s.Image, err = pixels.EncodeJPEG(nil, img, m.Quality)
	} else {
		s.Image, err = m.encoder.EncodePNG(nil, img, m.Compression)
	}
	if err != nil || label == nil {
		return err
	}
	if s.Meta.Pixels, s.Meta.Ignored, err = classstats.Histogram(label, classes); err != nil {
		return err
	}
	s.Label, err = m.encoder.EncodeGrayPNG(nil, label.W, label.H, label.Pix, m.Compression)
	return err
}

// cropAt draws the corner of crop i, a function of seed, key and i.
func (m *Maker) cropAt(in Input, i int) (x, y int, err error) {
	dx, dy := in.Size[0]-m.CropW, in.Size[1]-m.CropH
	if dx < 0 || dy < 0 {
		return 0, 0, fmt.Errorf("samples: crop %dx%d does not fit into %dx%d", m.CropW, m.CropH, in.Size[0], in.Size[1])
	}
	rng := rand.New(rand.NewPCG(m.Seed, keyHash(in.Ref.Key)+uint64(i)))
	return rng.IntN(dx + 1), rng.IntN(dy + 1), nil
}

func keyHash(key string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(key))
	return h.Sum64()
}

func encodeTokens(ids []int32) ([]byte, error) {
	var frame [shards.Context]int32
	if len(ids) > len(frame) {
		return nil, fmt.Errorf("samples: %d tokens: at most %d", len(ids), len(frame))
	}
	copy(frame[:], ids)
	return shards.EncodeTokens(&frame)
}
