// Command cliptags calibrates package model/cliptags on labelled images and measures how often what it
// names is there, on others:
//
//	go run ./tools/cliptags --write model/cliptags
//	go run ./tools/cliptags --clip /data/clip-vit-base-patch16 --fit cityscapes:/data/cityscapes:train --test cityscapes:/data/cityscapes:val --write /data/clip-vit-base-patch16
//
// Images are those of MiniCity, drawn by the program, or of a data set KIND:ROOT:SPLIT. Printed are, of
// each thing and all together, in how many images it is, is named and is named rightly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/model/backend"
	"semidavil/model/cliptags"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
)

var (
	clipFlag = flag.String("clip", "minicity", "CLIP `folder`")
	fitFlag  = flag.String("fit", "minicity:train", "labelled `images` to calibrate on; none: the texts; stored: the calibration that is there")
	testFlag = flag.String("test", "minicity:val", "labelled `images` to measure on")
	count    = flag.Int("images", 240, "number of images of each, spread over the data set; of MiniCity half of each domain")
	texts    = flag.Bool("texts", false, "calibrate thresholds alone, for the texts of things")
	write    = flag.String("write", "", "`folder` to write the calibration to")
	show     = flag.Int("show", 0, "number of sentences to print")
)

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b, err := backend.NewGo()
	if err != nil {
		return err
	}
	open := cliptags.OpenPlain
	if *fitFlag == "stored" {
		open = cliptags.Open
	}
	t, err := open(ctx, b, *clipFlag)
	if err != nil {
		return err
	}
	defer t.Close()
	if *fitFlag != "none" && *fitFlag != "stored" {
		fit, err := look(ctx, t, *fitFlag)
		if err != nil {
			return err
		}
		c, err := t.Calibrate(fit, !*texts)
		if err != nil {
			return err
		}
		if err := t.Use(c); err != nil {
			return err
		}
		if *write != "" {
			data, err := c.Encode()
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(*write, cliptags.File), data, 0o644); err != nil {
				return err
			}
		}
	}
	test, err := look(ctx, t, *testFlag)
	if err != nil {
		return err
	}
	report(t, test)
	return nil
}

// frame is a labelled image.
type frame struct {
	img     *semidavil.Image
	label   *semidavil.LabelMap
	classes semidavil.ClassSet
}

// look computes the features of labelled images.
func look(ctx context.Context, t *cliptags.Tagger, from string) ([]cliptags.Sample, error) {
	open, err := frames(from)
	if err != nil {
		return nil, err
	}
	out := make([]cliptags.Sample, len(open))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range open {
		g.Go(func() error {
			x, err := f()
			if err != nil {
				return err
			}
			seen, err := t.Prepare(x.img)
			if err != nil {
				return err
			}
			features, err := t.Features(ctx, seen)
			out[i] = cliptags.NewSample(features, x.label, x.classes)
			return err
		})
	}
	return out, g.Wait()
}

// frames lists the images of a data set.
func frames(from string) ([]func() (frame, error), error) {
	kind, rest, _ := strings.Cut(from, ":")
	if kind == "minicity" {
		return drawn(rest), nil
	}
	at := strings.LastIndexByte(rest, ':')
	a, err := datasets.ByName(kind)
	if err != nil || at < 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: want KIND:ROOT:SPLIT", from))
	}
	root, split := rest[:at], rest[at+1:]
	var entries []datasets.Entry
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, path)
			entries = append(entries, datasets.Entry{Path: filepath.ToSlash(rel)})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	refs, _, _ := datasets.Match(a, root, semidavil.Target, entries)
	var out []func() (frame, error)
	for _, r := range refs {
		if r.Split == split && r.Label != "" {
			out = append(out, func() (frame, error) { return read(a, r) })
		}
	}
	var spread []func() (frame, error)
	for i := range min(*count, len(out)) {
		spread = append(spread, out[i*len(out)/min(*count, len(out))])
	}
	return spread, nil
}

func read(a datasets.Adapter, r semidavil.Ref) (f frame, err error) {
	var c pixels.Codec
	image, err := os.ReadFile(filepath.Join(r.Root, r.Image))
	if err != nil {
		return f, err
	}
	if f.img, err = c.DecodeRGB(image); err != nil {
		return f, fmt.Errorf("%s: %w", r.Image, err)
	}
	label, err := os.ReadFile(filepath.Join(r.Root, r.Label))
	if err != nil {
		return f, err
	}
	ids, err := c.DecodeIDs(label)
	if err != nil {
		return f, fmt.Errorf("%s: %w", r.Label, err)
	}
	f.classes = a.Classes
	f.label = semidavil.NewLabelMap(ids.W, ids.H)
	return f, labels.Remap(f.label, ids, a.Tables[r.Encoding])
}

// drawn are MiniCity's scenes: those of the split "train" that prepare draws by default, or "val".
func drawn(split string) []func() (frame, error) {
	var out []func() (frame, error)
	for i := range *count {
		domain, at := semidavil.Source, i/2
		if i%2 == 1 {
			domain = semidavil.Target
		}
		if split != "train" {
			at += 1 << 24
		}
		out = append(out, func() (frame, error) {
			img, ids, _ := minicity.NewScene(0, domain, at).Render(256, 128)
			f := frame{img, semidavil.NewLabelMap(ids.W, ids.H), semidavil.Cityscapes19}
			return f, labels.Remap(f.label, fastpng.IDs{W: ids.W, H: ids.H, Pix8: ids.Pix}, labels.CityscapesIDs())
		})
	}
	return out
}

// tally counts images: in which a thing is, is named, is named rightly; and places on one side, and right ones.
type tally struct {
	there, named, right, sided, side int
	// with and without hold the greatest probability in each image.
	with, without []float32
}

// report prints how often what is named is there.
func report(t *cliptags.Tagger, samples []cliptags.Sample) {
	things := make([]tally, len(cliptags.Things))
	var all, prior tally
	for i, s := range samples {
		seen := t.See(s.Features)
		if i < *show {
			fmt.Println(captions.SceneSentence(seen))
		}
		for k, thing := range cliptags.Things {
			if thing.Many == "" {
				continue
			}
			to := &things[k].without
			if s.Present(k) {
				things[k].there++
				to = &things[k].with
			}
			*to = append(*to, t.Likeliest(s.Features, k))
			for _, sighting := range seen {
				if sighting.Many != thing.Many {
					continue
				}
				things[k].named++
				if s.Present(k) {
					things[k].right++
				}
				if left, ok := s.Left(k); ok && sighting.Side() != 0 {
					things[k].sided++
					if left > 0.5 == (sighting.Side() < 0) {
						things[k].side++
					}
				}
			}
		}
	}
	fmt.Printf("%-15s %6s %6s %6s %9s %7s %5s   %s\n", "thing", "there", "named", "right", "precision", "recall", "AUC", "of its sides right")
	for k, thing := range cliptags.Things {
		n := things[k]
		if thing.Many == "" {
			continue
		}
		all = tally{there: all.there + n.there, named: all.named + n.named, right: all.right + n.right, sided: all.sided + n.sided, side: all.side + n.side}
		if 2*n.there > len(samples) { // A sentence that is the same for all images would name these.
			prior.named, prior.right = prior.named+len(samples), prior.right+n.there
		}
		n.print(thing.Many)
	}
	all.print("all")
	prior.there = all.there
	prior.print("same sentence")
}

func (n tally) print(what string) {
	fmt.Printf("%-15s %6d %6d %6d %8.0f%% %6.0f%% %5.2f   %d of %d\n", what, n.there, n.named, n.right, percent(n.right, n.named), percent(n.right, n.there), n.auc(), n.side, n.sided)
}

// auc is how often an image with the thing has a greater probability of it than one without.
func (n tally) auc() float64 {
	var sum float64
	for _, a := range n.with {
		for _, b := range n.without {
			switch {
			case a > b:
				sum++
			case a == b:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(n.with)*len(n.without))
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(1, whole)) }
