// Package stages holds the Beam transforms that the pipelines are composed of,
// one a file:
//
//	Match     data sets -> references of images and labels
//	Split     references -> subsets: source, labelled, unlabelled, val
//	Assign    subsets -> shard plans, each a list of references
//	Caption   plans -> plans with captions
//	Tokenise  plans -> plans with token ids
//	Write     plans -> shards on disk, one result a shard
//	Commit    results and rejects -> statistics, manifest
//
// Plans, of raw images or of shards, also go to trained networks:
//
//	Shards        prepared shards -> plans
//	Predict       plans -> stored predictions with histograms
//	Threshold     histograms -> thresholds of the classes
//	Label         predictions and thresholds -> label files
//	CommitLabels  labels and rejects -> statistics, list of labels
//	Score         plans -> counts against labels
//	CommitScores  counts and rejects -> report
//
// and Pretrain, Train and TrainAll run trainings on an output of prepare.
//
// Only references, captions and counts travel between stages; pixels are read,
// changed and written inside one of them. A sample that cannot be prepared becomes a
// shards.Reject; an error of a stage is a fault of the run.
package stages

import (
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil"
	"semidavil/transforms/datasets"
	"semidavil/transforms/shards"
)

// Namespace of the counters. Planned and Done count images, Rejects rejects,
// Orphans labels without an image, Reused shards that were finished already.
const (
	Namespace = "semidavil"
	Planned   = "images_planned"
	Done      = "images_done"
	Rejects   = "rejects"
	Orphans   = "labels_without_image"
	Reused    = "shards_reused"
	Fallbacks = "captions_fallback"
)

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
	Samples []PlannedSample
	// Shard is the tar file that holds the samples, where they are prepared already;
	// Samples is empty then, and Count their number.
	Shard string
	Count int
	// Digest is the SHA-256 of the shard, in hexadecimal digits.
	Digest string
}

// PlannedSample is a reference with what stages before Write have found out.
type PlannedSample struct {
	Ref       semidavil.Ref
	Caption   string
	Captioner string
	Tokens    []int32 // without padding
}

// Result is one finished shard.
type Result struct {
	Name string
	// Index is the encoded shards.Index.
	Index []byte
}

func init() {
	for _, t := range []reflect.Type{
		reflect.TypeFor[semidavil.Ref](), reflect.TypeFor[DataSet](), reflect.TypeFor[Assigned](), reflect.TypeFor[Plan](),
		reflect.TypeFor[PlannedSample](), reflect.TypeFor[Result](), reflect.TypeFor[shards.Reject](),
	} {
		beam.RegisterType(t)
	}
	register.Emitter1[semidavil.Ref]()
	register.Emitter1[shards.Reject]()
	register.Emitter1[Assigned]()
	register.Emitter1[Plan]()
	register.Emitter1[Result]()
	register.Emitter1[string]()
	register.Emitter2[string, semidavil.Ref]()
	register.Iter1[semidavil.Ref]()
	register.Iter1[shards.Reject]()
	register.Iter1[Result]()
}

// rejectOf makes the reject of a sample.
func rejectOf(ref semidavil.Ref, stage string, err error) shards.Reject {
	return shards.Reject{Key: ref.Key, Path: ref.Image, Stage: stage, Reason: fmt.Sprint(err)}
}
