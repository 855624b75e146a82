package ablate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/screen"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/train"
	"semidavil/pipelines/internal/inputs"
	trainline "semidavil/pipelines/internal/train"
	"semidavil/runners"
	"semidavil/stages"
)

// Run trains what is missing of the grid and writes the table.
func Run(ctx context.Context, s *runners.Session, cfg configs.Ablate) error {
	if err := backend.Check(cfg.Backend); err != nil {
		return runners.Usagef("--backend: %v", err)
	}
	if err := s.Resolve(runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "clip", Value: &cfg.CLIP}); err != nil {
		return err
	}
	if _, err := grid(ctx, cfg, ""); err != nil { // faults come before anything is made
		return err
	}
	if s.Inspects() {
		return runners.Usagef("a grid of pipelines cannot be inspected: inspect train instead")
	}
	record, err := configs.NewRecord("ablate", s.Runner, cfg, cfg)
	if err != nil {
		return err
	}
	if err := outputs.Write(ctx, cfg.Output, record); err != nil { // each training guards its own output
		return err
	}
	if err := prepareAll(ctx, s, cfg); err != nil {
		return err
	}
	clip, err := preTrain(ctx, s, cfg)
	if err != nil {
		return err
	}
	cells, err := grid(ctx, cfg, clip)
	if err != nil {
		return err
	}
	if err := trainAll(ctx, s, cfg, cells); err != nil {
		return err
	}
	results, err := collect(ctx, cells)
	if err != nil {
		return err
	}
	if err := write(ctx, cfg, results); err != nil {
		return err
	}
	if err := outputs.Finish(ctx, cfg.Output, record); err != nil {
		return err
	}
	table := markdown(cfg, results)
	fmt.Fprintf(s.Stdout, "\n%s\noutput     %s (%s, %s, %s)\n", table, inputs.Shorten(cfg.Output), TableFile, ResultsFile, PlotFile)
	if n := failures(results); n > 0 {
		return fmt.Errorf("%d of %d trainings failed: see %s in their outputs", n, len(results), stages.FailureFile)
	}
	return nil
}

// trainAll runs the trainings that have no result yet as one pipeline.
func trainAll(ctx context.Context, s *runners.Session, cfg configs.Ablate, cells []cell) error {
	var elements [][]byte
	jobs := map[string]*trainline.Job{}
	byOutput := map[string]cell{}
	for _, c := range cells {
		done, err := finished(ctx, c)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		job, err := trainline.Plan(ctx, s, c.config)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name(), err)
		}
		if err := store.Remove(ctx, c.config.Output+"/"+stages.FailureFile); err != nil {
			return err
		}
		elements = append(elements, job.Element)
		jobs[c.config.Output], byOutput[c.config.Output] = job, c
	}
	if len(elements) == 0 {
		return nil
	}
	s.Display.Message("%d of %d trainings to run", len(elements), len(cells))
	show := screen.New(s, func(p train.Progress) []string { return []string{fmt.Sprintf("loss %.3f", p.Loss)} })
	watcher, begun := show.Watcher(), 0
	watcher.Begin = func(output string) {
		begun++
		c := byOutput[output]
		s.Display.Message("training %d of %d: %s, %d labels, seed %d", begun, len(elements), c.row, c.labelled, c.seed)
	}
	note := watcher.Note
	watcher.Note = func(line string) {
		if begun <= 1 || !strings.HasPrefix(line, "backend") { // once is enough
			note(line)
		}
	}
	stages.WatchTraining(watcher)
	pipeline, scope := beam.NewPipelineWithRoot()
	stages.TrainAll(scope, cfg.Backend, beam.CreateList(scope, elements))
	result, err := s.Run(ctx, pipeline, nil)
	show.Close(err == nil)
	if err != nil {
		return err
	}
	if !result.Ran {
		return errors.New("the trainings run elsewhere: give the same command again when they have ended")
	}
	for _, job := range jobs {
		if err := job.Finish(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finished reports whether a cell has the result of this configuration, and of the data
// and the CLIP that are there now.
func finished(ctx context.Context, c cell) (bool, error) {
	info, err := store.Stat(ctx, c.config.Output+"/"+train.SummaryFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sources := []string{c.config.Data + "/" + stages.ManifestFile}
	if c.config.CLIP != "" {
		sources = append(sources, c.config.CLIP+"/config.json", c.config.CLIP+"/model.safetensors")
	}
	for _, name := range sources {
		source, err := store.Stat(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another layout of the folder
			return false, err
		}
		if err == nil && source.ModTime.After(info.ModTime) {
			return false, nil
		}
	}
	record, before, err := outputs.Read[configs.Train](ctx, c.config.Output)
	if err != nil || record == nil {
		return false, err
	}
	same, err := equal(scored(before), scored(c.config))
	if err != nil || !same {
		return false, err
	}
	summary, err := train.ReadSummary[train.Summary](ctx, c.config.Output)
	return err == nil && summary.Steps == c.config.Steps, err
}

// scored is what decides the scores of a training: its identity, and how they are made.
func scored(c configs.Train) configs.Train {
	window := c.Window
	c = c.Identity()
	c.Window = window
	return c
}

// equal compares two configurations.
func equal(a, b any) (bool, error) {
	x, err := configs.Fingerprint(a)
	if err != nil {
		return false, err
	}
	y, err := configs.Fingerprint(b)
	return x == y, err
}
