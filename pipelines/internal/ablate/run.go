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
	"semidavil/model/train"
	clips "semidavil/model/weights/builtin"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/inputs"
	traincmd "semidavil/pipelines/internal/train"
	"semidavil/stages"
	"semidavil/transforms/classstats"
)

// work trains the missing cells of the grid and writes the table.
func work(ctx context.Context, r *job, graph func(beam.Scope, pipelines.TrainParams)) error {
	if err := prepareAll(ctx, r.Session, r.Settings); err != nil {
		return err
	}
	clip, err := preTrain(ctx, r.Session, r.Settings)
	if err != nil {
		return err
	}
	cells, err := grid(ctx, r.Settings, clip)
	if err != nil {
		return err
	}
	if err := trainAll(ctx, r, cells, graph); err != nil {
		return err
	}
	results, err := collect(ctx, cells)
	if err != nil {
		return err
	}
	data, err := stages.ReadManifest(ctx, cells[0].config.Data)
	if err != nil {
		return err
	}
	stats, err := store.ReadFile(ctx, cells[0].config.Data+"/"+stages.StatsFile, 0)
	if err != nil {
		return err
	}
	table, err := classstats.Decode(stats)
	if err != nil {
		return err
	}
	r.Result.Ran = true
	a := Ablation{Metric: "mIoU", Classes: data.Set().Names(), Rarest: rarest(table, data.Volumes != nil)}
	if data.Volumes != nil {
		a.Metric = "Dice"
	}
	return write(ctx, r.Settings, sumUp(r.Settings, a, results))
}

// summarise prints the table and fails where a training has.
func summarise(ctx context.Context, r *job) error {
	a, err := ReadAblation(ctx, r.Settings.Output)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Stdout, "\n%s\noutput     %s (%s, %s, %s, %s)\n", markdown(r.Settings, a), inputs.Shorten(r.Settings.Output), PageFile, TableFile, ResultsFile, PlotFile)
	if n := failures(a.Trainings); n > 0 {
		return fmt.Errorf("%d of %d trainings failed: see %s in their outputs", n, len(a.Trainings), stages.FailureFile)
	}
	return nil
}

// trainAll runs the trainings that have no result yet as one pipeline.
func trainAll(ctx context.Context, r *job, cells []cell, graph func(beam.Scope, pipelines.TrainParams)) error {
	missing := pipelines.TrainParams{Backend: r.Settings.Backend}
	var finish []func(context.Context) error
	byOutput := map[string]cell{}
	for _, c := range cells {
		done, err := finished(ctx, c)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		held, training, err := traincmd.Command(pipelines.Train).Begin(ctx, r.Session, c.config)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name(), err)
		}
		defer training.Close()
		ctx = held // of all trainings
		if err := store.Remove(ctx, c.config.Output+"/"+stages.FailureFile); err != nil {
			return err
		}
		missing.Configs, missing.Volumes = append(missing.Configs, training.Params.Configs...), append(missing.Volumes, training.Params.Volumes...)
		finish = append(finish, training.Finish)
		byOutput[c.config.Output] = c
	}
	if len(finish) == 0 {
		return nil
	}
	r.Display.Message("%d of %d trainings to run", len(finish), len(cells))
	show := screen.New(r.Session, func(p train.Progress) []string { return []string{fmt.Sprintf("loss %.3f", p.Loss)} })
	watcher, begun := show.Watcher(), 0
	forget := watcher.Begin
	watcher.Begin = func(output string) {
		forget(output)
		begun++
		c := byOutput[output]
		r.Display.Message("training %d of %d: %s, %d labels, seed %d", begun, len(finish), c.row, c.labelled, c.seed)
	}
	note := watcher.Note
	watcher.Note = func(line string) {
		if begun <= 1 || !strings.HasPrefix(line, "backend") { // once is enough
			note(line)
		}
	}
	result, err := commands.RunTraining(ctx, r.Session, show, watcher, func(s beam.Scope) { graph(s, missing) })
	if err != nil {
		return err
	}
	if !result.Ran {
		return errors.New("the trainings run elsewhere: give the same command again when they have ended")
	}
	for _, note := range finish {
		if err := note(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finished reports whether a cell has the result of this configuration, and of the data
// and the CLIP that are there now.
func finished(ctx context.Context, c cell) (bool, error) {
	same, err := done(ctx, c.config.Output, train.SummaryFile, scored, c.config)
	if err != nil || !same {
		return false, err
	}
	info, err := store.Stat(ctx, c.config.Output+"/"+train.SummaryFile)
	if err != nil {
		return false, err
	}
	sources := []string{c.config.Data + "/" + stages.ManifestFile}
	if c.config.CLIP != "" && c.config.CLIP != clips.Name {
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

// done reports whether an output is complete, which its last file shows, and made with the settings c
// as far as they decide it.
func done[C any](ctx context.Context, output, last string, identity func(C) C, c C) (bool, error) {
	record, before, err := outputs.Read[C](ctx, output)
	if err != nil || record == nil {
		return false, err
	}
	whole, err := store.Exists(ctx, output+"/"+last)
	if err != nil || !whole {
		return false, err
	}
	x, err := configs.Fingerprint(identity(before))
	if err != nil {
		return false, err
	}
	y, err := configs.Fingerprint(identity(c))
	return x == y, err
}
