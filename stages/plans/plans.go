// Package plans holds what travels between the stages: references to images, their roles,
// and the plans of shards.
package plans

import (
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/transforms/datasets"
)

func init() {
	for _, t := range []reflect.Type{reflect.TypeFor[semidavil.Ref](), reflect.TypeFor[DataSet](), reflect.TypeFor[Assigned](), reflect.TypeFor[Plan](), reflect.TypeFor[Sample]()} {
		beam.RegisterType(t)
	}
}

// DataSet is one folder to read.
type DataSet struct {
	// Kind is an adapter's name; Pairs is the YAML of the generic one.
	Kind, Pairs string
	Root        string
	Domain      semidavil.Domain
	// W and H are the prepared size.
	W, H int
	// Part is what is read of it.
	Part datasets.Selection
}

// Adapter returns the adapter of the data set.
func (d DataSet) Adapter() (datasets.Adapter, error) {
	a, err := d.adapter()
	if err != nil {
		return a, err
	}
	return a.Select(d.Part), nil
}

func (d DataSet) adapter() (datasets.Adapter, error) {
	if d.Kind != "pairs" {
		return datasets.ByName(d.Kind)
	}
	p, err := datasets.ParsePairs([]byte(d.Pairs))
	if err != nil {
		return datasets.Adapter{}, err
	}
	return datasets.NewPairs(p)
}

// Assigned is a reference with its role.
type Assigned struct {
	Subset semidavil.Subset
	Ref    semidavil.Ref
}

// Plan is what goes into one shard, or what comes out of one.
type Plan struct {
	Name    string // file name without ".tar"
	Subset  semidavil.Subset
	Samples []Sample
	// First is the number of images that the plans of its subset before it have.
	First int
	// Shard is the tar file that holds the samples, where they are prepared already;
	// Samples is empty then, and Count their number.
	Shard string
	Count int
	// Digest is the SHA-256 of the shard, in hexadecimal digits.
	Digest string
	// Further are captions with which networks see the images once more; mostly none.
	Further []Further
}

// Further holds other captions than the own one of the image with this key.
type Further struct {
	Key      string
	Captions []Caption
}

// Caption is a text as networks read it.
type Caption struct {
	// Kind says where the text is from, such as "other".
	Kind string
	// Of is the key of the image whose own caption it is; empty for a text of no image.
	Of     string
	Tokens []int32 // without padding
}

// Sample is a reference with what stages before Write have found out.
type Sample struct {
	Ref       semidavil.Ref
	Caption   string
	Captioner string
	Tokens    []int32 // without padding
}
