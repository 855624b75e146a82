package weights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"semidavil/model/clip"
	"semidavil/model/params"
	"semidavil/model/weights/builtin"
)

// LoadCLIP reads the weights of a CLIP with a vision transformer from a folder, local
// or gs://, or the built-in one where dir is [builtin.Name]. The folder holds model.safetensors, or model.safetensors.index.json with
// the files that it names, and config.json, which may be missing for the sizes that
// OpenAI published. Tensors are named as in transformers or as in OpenAI's state_dict;
// F16 and BF16 become float32. The result has all parameters of model/clip under their
// names below the root of the network.
//
// A tensor that is missing, unknown or of another shape, a config.json that
// contradicts the tensors or describes another network, and values that are not finite
// are errors.
func LoadCLIP(ctx context.Context, dir string) (clip.Config, params.Values, error) {
	c, values, err := loadCLIP(ctx, dir)
	if err != nil {
		return clip.Config{}, nil, fmt.Errorf("weights: load CLIP from %s: %w", dir, err)
	}
	return c, values, nil
}

func loadCLIP(ctx context.Context, dir string) (c clip.Config, values params.Values, err error) {
	open := openFolder
	if dir == builtin.Name {
		open = openBuiltin
	}
	f, err := open(ctx, dir)
	if err != nil {
		return c, nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	naming, err := namingOf(f.tensors)
	if err != nil {
		return c, nil, err
	}
	var bad faults
	c = infer(naming, f.tensors, &bad)
	if f.config == nil {
		guessHeads(&c, &bad)
	} else {
		j, err := parseConfig(f.config)
		if err != nil {
			return c, nil, fmt.Errorf("%s: %w", configFile, err)
		}
		j.apply(&c, &bad)
	}
	places := layout(naming, c)
	compare(places, f.tensors, &bad)
	if err := bad.err(); err != nil {
		return c, nil, err
	}
	if err := c.Check(); err != nil {
		return c, nil, err
	}
	values, err = f.read(places)
	return c, values, err
}

// namingOf recognises how the tensors are named, by those that both towers begin with.
func namingOf(tensors map[string]located) (string, error) {
	counts := map[string]int{}
	for _, naming := range []string{HF, OpenAI} {
		for name := range layout(naming, clip.Config{}) {
			if _, ok := tensors[name]; ok && name != "logit_scale" {
				counts[naming]++
			}
		}
	}
	switch {
	case counts[HF] == 0 && counts[OpenAI] == 0:
		return "", fmt.Errorf("none of its %d tensors is one of CLIP, by the names of transformers or OpenAI", len(tensors))
	case counts[HF] >= counts[OpenAI]:
		return HF, nil
	}
	return OpenAI, nil
}

// read reads all tensors into their places. Besides the parameters there is memory for
// the largest tensor that lies otherwise in the file.
func (f *folder) read(places map[string]place) (params.Values, error) {
	data := map[string][]float32{}
	for _, p := range places {
		if data[p.param] == nil {
			data[p.param] = make([]float32, params.Size(p.shape()))
		}
	}
	var other []float32
	for _, part := range f.parts {
		for {
			t, err := part.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", part.file, err)
			}
			p, ok := places[t.Name]
			if !ok {
				continue // one of those that are ignored
			}
			out := data[p.param]
			if !p.whole() {
				other = slices.Grow(other[:0], t.Len())
				out = other[:t.Len()]
			}
			if err := part.float32s(t, out); err != nil {
				return nil, fmt.Errorf("%s: %w", part.file, err)
			}
			if err := finite(out); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", part.file, quoted(t.Name), err)
			}
			if !p.whole() {
				p.toParam(data[p.param], out)
			}
		}
	}
	values := params.Values{}
	for _, p := range places {
		values[p.param] = params.Dense(data[p.param], p.shape()...)
	}
	return values, nil
}

// finite refuses weights with which every result would be NaN.
func finite(data []float32) error {
	for i, v := range data {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("element %d is %v", i, v)
		}
	}
	return nil
}
