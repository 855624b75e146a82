package weights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

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
	open := func() (*Folder, error) { return OpenFolder(ctx, dir, "CLIPModel") }
	if dir == builtin.Name {
		open = openBuiltin
	}
	f, err := open()
	if err != nil {
		return c, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
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
	l := layout(naming, c)
	f.compare(l, "CLIP", ignored, &bad)
	if err := bad.err(); err != nil {
		return c, nil, err
	}
	if err := c.Check(); err != nil {
		return c, nil, err
	}
	values, err = f.values(l)
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

// values reads all parameters of a layout.
func (f *Folder) values(l Layout) (params.Values, error) {
	values, shapes, data := params.Values{}, map[string][]int{}, map[string][]float32{}
	return values, f.read(l, func(param string, dims []int) ([]float32, error) {
		shapes[param], data[param] = dims, make([]float32, params.Size(dims))
		return data[param], nil
	}, func(param string) error {
		values[param] = params.Dense(data[param], shapes[param]...)
		return nil
	})
}

// Load reads all parameters of a layout, once. create is called for each with its dimensions
// before its first tensor is read and returns where the numbers go, done after the last.
// Besides there is memory for the largest tensor that lies otherwise in the file. Tensors that
// are missing, that the layout does not have and that unused does not name, of another shape
// or type, or with values that are not finite are errors.
func (f *Folder) Load(l Layout, network string, unused func(name string) bool, create func(param string, dims []int) ([]float32, error), done func(param string) error) error {
	var bad faults
	f.compare(l, network, unused, &bad)
	if err := bad.err(); err != nil {
		return err
	}
	return f.read(l, create, done)
}

// read is Load of a layout that was compared.
func (f *Folder) read(l Layout, create func(param string, dims []int) ([]float32, error), done func(param string) error) error {
	left, data := map[string]int{}, map[string][]float32{} // tensors to come, and where they go
	largest := 0
	for name, p := range l {
		left[p.param]++
		if p.order != copied {
			largest = max(largest, f.tensors[name].Len())
		}
	}
	other := make([]float32, largest)
	for _, part := range f.parts {
		for {
			t, err := part.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", part.file, err)
			}
			p, ok := l[t.Name]
			if !ok {
				continue // one of those that are not used
			}
			if data[p.param] == nil {
				if data[p.param], err = create(p.param, p.shape()); err != nil {
					return err
				}
			}
			out, straight := p.straight(data[p.param], t.Len())
			if !straight {
				out = other[:t.Len()]
			}
			if err := part.float32s(t, out); err != nil {
				return fmt.Errorf("%s: %w", part.file, err)
			}
			if err := finite(out); err != nil {
				return fmt.Errorf("%s: %s: %w", part.file, quoted(t.Name), err)
			}
			if !straight {
				p.toParam(data[p.param], out)
			}
			if left[p.param]--; left[p.param] == 0 {
				delete(data, p.param)
				if err := done(p.param); err != nil {
					return err
				}
			}
		}
	}
	return nil
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
