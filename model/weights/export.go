package weights

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"semidavil/internal/store"
	"semidavil/model/clip"
	"semidavil/model/params"
)

// ExportCLIP writes the weights of a CLIP into a folder, local or gs://, as
// model.safetensors and config.json. In the naming [HF] transformers reads the folder
// with CLIPModel.from_pretrained; [OpenAI] has the names of OpenAI's state_dict, and a
// config.json all the same, which LoadCLIP needs. values must be all parameters of
// model/clip for c, float32 and finite, below the root of the network, and no others.
func ExportCLIP(ctx context.Context, dir string, c clip.Config, values params.Values, naming string) error {
	if err := exportCLIP(ctx, dir, c, values, naming, F32); err != nil {
		return fmt.Errorf("weights: export CLIP to %s: %w", dir, err)
	}
	return nil
}

// ExportHalf is ExportCLIP in half precision with the naming [HF]. Values that it cannot
// hold are refused.
func ExportHalf(ctx context.Context, dir string, c clip.Config, values params.Values) error {
	err := fitHalf(values)
	if err == nil {
		err = exportCLIP(ctx, dir, c, values, HF, F16)
	}
	if err != nil {
		return fmt.Errorf("weights: export CLIP in half precision to %s: %w", dir, err)
	}
	return nil
}

func exportCLIP(ctx context.Context, dir string, c clip.Config, values params.Values, naming string, floats DType) (err error) {
	if naming != HF && naming != OpenAI {
		return fmt.Errorf("unknown naming %q; valid: %s, %s", naming, HF, OpenAI)
	}
	if err := c.Check(); err != nil {
		return err
	}
	places := layout(naming, c)
	if err := complete("CLIP", places, values); err != nil {
		return err
	}
	config, err := encodeConfig(c)
	if err != nil {
		return err
	}
	configName, err := store.Join(dir, configFile, store.FollowLinks)
	if err != nil {
		return err
	}
	modelName, err := store.Join(dir, modelFile, store.FollowLinks)
	if err != nil {
		return err
	}
	// The model comes last: without it the folder is no model, whenever this ends.
	if err := store.WriteFile(ctx, configName, config); err != nil {
		return err
	}
	return writeFile(ctx, modelName, toFile(places, values), nil, floats)
}

// writeFile writes a safetensors file, whole or not at all. transformers reads only files that
// say which framework wrote them.
func writeFile(ctx context.Context, name string, values params.Values, metadata map[string]string, floats DType) error {
	all := map[string]string{"format": "pt"}
	maps.Copy(all, metadata)
	w, err := store.Create(ctx, name)
	if err != nil {
		return err
	}
	if err := encode(w, values, all, floats); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
}

// fitHalf reports which values half precision cannot hold.
func fitHalf(values params.Values) error {
	const largest = 65504
	var bad faults
	for _, name := range values.Names() {
		data, _ := flat(values[name]).([]float32)
		for _, v := range data {
			if !(v >= -largest && v <= largest) {
				bad.add("%s: %v does not fit into %s", name, v, F16)
				break
			}
		}
	}
	return bad.err()
}

// complete reports which values of a network are missing, too many, or of another shape.
func complete(network string, places Layout, values params.Values) error {
	var bad faults
	shapes := map[string][]int{}
	for _, p := range places {
		shapes[p.param] = p.shape()
	}
	for _, name := range sorted(shapes) {
		d, ok := values[name]
		if !ok {
			bad.add("%s: is missing", name)
			continue
		}
		t, err := typeOf(d)
		switch {
		case err != nil:
			bad.add("%s: %v", name, err)
		case t != F32:
			bad.add("%s: has type %s, want %s", name, t, F32)
		case !slices.Equal([]int(d.Shape()), shapes[name]):
			bad.add("%s: has shape %v, want %v", name, []int(d.Shape()), shapes[name])
		default:
			if err := finite(flat(d).([]float32)); err != nil {
				bad.add("%s: %v", name, err)
			}
		}
	}
	for _, name := range values.Names() {
		if _, ok := shapes[name]; !ok {
			bad.add("%s: is no parameter of %s", name, network)
		}
	}
	return bad.err()
}

// toFile arranges parameters as the tensors of a file.
func toFile(places Layout, values params.Values) params.Values {
	out := params.Values{}
	for name, p := range places {
		d := values[p.param]
		if p.order == copied && p.parts == 1 && p.dims == nil {
			out[name] = d
			continue
		}
		data := make([]float32, params.Size(p.want))
		p.toFile(data, flat(d).([]float32))
		out[name] = params.Dense(data, p.want...)
	}
	return out
}
