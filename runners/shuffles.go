package runners

import (
	"bytes"
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/metricsx"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
)

// Shuffle is what went through one step at which elements travel between workers: a
// GroupByKey or a Reshuffle.
type Shuffle struct {
	// Name is the name of the step.
	Name string
	// Elements went into it.
	Elements int64
	// Bytes is their size as encoded. The workers measure a sample of the elements, the
	// first ones all; the size is that of the sample, scaled to all.
	Bytes int64
}

const (
	groupByKey = "beam:transform:group_by_key:v1"
	reshuffle  = "beam:transform:reshuffle:v1"
	flatten    = "beam:transform:flatten:v1"
)

// collection is what a runner reports of a PCollection.
type collection struct{ elements, bytes int64 }

// shuffles lists the shuffles of a job that prism has finished, in the order of the
// pipeline.
//
// They are statistics: whatever fails here gives none.
func shuffles(p *beam.Pipeline, infos []*pipepb.MonitoringInfo) []Shuffle {
	if len(infos) == 0 {
		return nil
	}
	edges, _, err := p.Build()
	if err != nil {
		return nil
	}
	environment, err := graphx.CreateEnvironment(context.Background(), "beam:env:external:v1", func(context.Context) string { return "" })
	if err != nil {
		return nil
	}
	// The names of steps and collections follow from the edges alone.
	model, err := graphx.Marshal(edges, &graphx.Options{Environment: environment})
	if err != nil {
		return nil
	}
	transforms := model.GetComponents().GetTransforms()
	from := map[string]*pipepb.PTransform{} // by the collection that they make
	readers := map[string]int64{}
	for _, t := range transforms {
		if len(t.GetSubtransforms()) > 0 {
			continue
		}
		for _, id := range t.GetOutputs() {
			from[id] = t
		}
		for _, id := range t.GetInputs() {
			readers[id]++
		}
	}
	known := collections(infos)
	// A runner that flattens itself reports nothing of the result.
	var total func(id string) collection
	total = func(id string) collection {
		if c, ok := known[id]; ok || from[id].GetSpec().GetUrn() != flatten {
			return c
		}
		var sum collection
		for _, input := range from[id].GetInputs() {
			c := total(input)
			sum.elements += c.elements
			sum.bytes += c.bytes
		}
		return sum
	}
	var out []Shuffle
	var visit func(ids []string)
	visit = func(ids []string) {
		for _, id := range ids {
			t := transforms[id]
			urn := t.GetSpec().GetUrn()
			if urn != groupByKey && urn != reshuffle {
				visit(t.GetSubtransforms())
				continue
			}
			for _, input := range t.GetInputs() {
				c := total(input)
				if urn == reshuffle { // prism counts once more for each reader of the result
					for _, output := range t.GetOutputs() {
						c.elements /= 1 + readers[output]
						c.bytes /= 1 + readers[output]
					}
				}
				out = append(out, Shuffle{t.GetUniqueName(), c.elements, c.bytes})
			}
		}
	}
	visit(model.GetRootTransformIds())
	return out
}

// collections reads the sizes of collections from a job's metrics.
func collections(infos []*pipepb.MonitoringInfo) map[string]collection {
	count, sampled := map[string]int64{}, map[string][2]int64{} // count and sum of the sample
	for _, info := range infos {
		id, payload := info.GetLabels()["PCOLLECTION"], bytes.NewReader(info.GetPayload())
		switch info.GetUrn() {
		case metricsx.UrnToString(metricsx.UrnElementCount):
			if n, err := coder.DecodeVarInt(payload); err == nil {
				count[id] += n
			}
		case metricsx.UrnToString(metricsx.UrnSampledByteSize):
			n, err := coder.DecodeVarInt(payload)
			if err != nil {
				continue
			}
			if sum, err := coder.DecodeVarInt(payload); err == nil {
				sampled[id] = [2]int64{sampled[id][0] + n, sampled[id][1] + sum}
			}
		}
	}
	out := map[string]collection{}
	for id, n := range count {
		c := collection{elements: n}
		if s := sampled[id]; s[0] > 0 {
			c.bytes = int64(float64(s[1]) / float64(s[0]) * float64(n))
		}
		out[id] = c
	}
	return out
}
