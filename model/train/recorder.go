package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"os"
	"time"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/tensorboard"
)

// Files that a run writes into its output, beside checkpoints.
const (
	MetricsFile = "metrics.jsonl"
	SummaryFile = "summary.json"
	PicturesDir = "predictions"
	EventsDir   = "events"
)

// recorder writes the results of a run: metrics.jsonl, TensorBoard events and prediction
// sheets. Files are written whole, so that gs:// works as a folder does.
type recorder struct {
	output   string
	settings any
	metrics  bytes.Buffer
	events   bytes.Buffer
	writer   *tensorboard.Writer
	host     string
	name     string // of the events file
	flushed  time.Time
	scored   int // newest step with an evaluation
}

// flushEvery is how often the files are brought up to date between checkpoints.
const flushEvery = 10 * time.Second

// newRecorder makes the recorder of an output; the settings stand in the events as JSON.
func newRecorder(output string, settings any) *recorder {
	r := &recorder{output: output, settings: settings, flushed: time.Now()}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	r.host, r.name = host, tensorboard.FileName(time.Now().Unix(), host, "")
	if r.writer, err = tensorboard.NewWriter(&r.events, time.Now); err != nil {
		panic(fmt.Sprintf("train: begin events: %v", err)) // writing to memory does not fail
	}
	return r
}

// addEvents adds values to the events.
func (r *recorder) addEvents(step int, values ...tensorboard.Value) {
	if err := r.writer.Add(int64(step), values...); err != nil {
		panic(fmt.Sprintf("train: events of step %d: %v", step, err)) // a buffer in memory takes all
	}
}

// Row is a line of metrics.jsonl: losses of steps, or an evaluation.
type Row struct {
	Step      int       `json:"step"`
	Time      time.Time `json:"time"`
	LR        float64   `json:"lr,omitempty"`
	*Losses   `json:",omitempty"`
	Student   *metrics.Score `json:"student,omitempty"`
	Teacher   *metrics.Score `json:"teacher,omitempty"`
	Retrieval *Retrieval     `json:"retrieval,omitempty"`
	// Organs is the evaluation of a training on volumes.
	Organs *metrics.OrganSummary `json:"organs,omitempty"`
}

// resume takes over the lines up to a step, 0 where there is no checkpoint; later ones
// will be rewritten.
func (r *recorder) resume(ctx context.Context, step int) error {
	data, err := store.ReadFile(ctx, r.output+"/"+MetricsFile, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.writer.Restart(int64(step) + 1); err != nil {
		return fmt.Errorf("train: events: %w", err)
	}
	shown, err := json.MarshalIndent(r.settings, "    ", " ") // an indented block of Markdown
	if err != nil {
		return fmt.Errorf("train: events: settings: %w", err)
	}
	r.addEvents(step, tensorboard.Text("settings", "    "+string(shown)))
	if step > 0 { // the run before may have begun in the same second
		r.name = tensorboard.FileName(time.Now().Unix(), r.host, fmt.Sprintf(".step-%08d", step))
	}
	for line := range bytes.Lines(data) {
		var x Row
		if json.Unmarshal(line, &x) != nil || x.Step > step {
			continue
		}
		r.metrics.Write(line)
		if x.Student != nil || x.Retrieval != nil || x.Organs != nil {
			r.scored = x.Step
		}
	}
	return nil
}

func (r *recorder) losses(step int, l Losses, lr float64) {
	r.line(Row{Step: step, LR: lr, Losses: &l})
	values := []tensorboard.Value{tensorboard.Scalar("loss/total", l.Loss), tensorboard.Scalar("loss/supervised", l.Supervised),
		tensorboard.Scalar("loss/consistency", l.Consistency), tensorboard.Scalar("pseudo_labels/kept", l.Kept),
		tensorboard.Scalar("gradient_norm", l.GradientNorm), tensorboard.Scalar("lr", lr)}
	if l.Dice != 0 {
		values = append(values, tensorboard.Scalar("loss/dice", l.Dice))
	}
	r.addEvents(step, values...)
}

// evaluated records an evaluation; that of a finished training is there already when
// it is started again.
func (r *recorder) evaluated(ctx context.Context, step int, student, teacher metrics.Score, picture []byte, classes []semidavil.Class) error {
	if step == r.scored {
		return nil
	}
	r.scored = step
	line := Row{Step: step, Student: &student}
	values := []tensorboard.Value{tensorboard.Scalar("miou/student", float64(student.MIoU))}
	if teacher.Images > 0 {
		line.Teacher = &teacher
		values = append(values, tensorboard.Scalar("miou/teacher", float64(teacher.MIoU)))
	}
	for i, v := range student.IoU {
		if !math.IsNaN(float64(v)) && i < len(classes) {
			values = append(values, tensorboard.Scalar("iou/"+classes[i].Name, float64(v)))
		}
	}
	return r.scores(ctx, line, values, picture)
}

// organs is evaluated of a training on volumes.
func (r *recorder) organs(ctx context.Context, step int, score metrics.OrganSummary, picture []byte, classes []semidavil.Class) error {
	if step == r.scored {
		return nil
	}
	r.scored = step
	values := []tensorboard.Value{tensorboard.Scalar("dice/mean", float64(score.Mean.Dice))}
	for i, organ := range score.Organs {
		values = append(values, tensorboard.Scalar("dice/"+classes[i+1].Name, float64(organ.Dice)))
	}
	return r.scores(ctx, Row{Step: step, Organs: &score}, values, picture)
}

// scores records the line, the events and the picture of an evaluation.
func (r *recorder) scores(ctx context.Context, line Row, values []tensorboard.Value, picture []byte) error {
	config, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return fmt.Errorf("train: picture of step %d: %w", line.Step, err)
	}
	r.addEvents(line.Step, append(values, tensorboard.Image("predictions", config.Width, config.Height, picture))...)
	r.line(line)
	return store.WriteFile(ctx, fmt.Sprintf("%s/%s/step-%08d.png", r.output, PicturesDir, line.Step), picture)
}

func (r *recorder) retrieval(step int, x Retrieval) {
	if step == r.scored {
		return
	}
	r.scored = step
	r.addEvents(step, tensorboard.Scalar("retrieval/image_to_text", x.ImageToText), tensorboard.Scalar("retrieval/text_to_image", x.TextToImage))
	r.line(Row{Step: step, Retrieval: &x})
}

func (r *recorder) line(x Row) {
	x.Time = time.Now().UTC().Truncate(time.Second)
	if x.Losses != nil && math.IsNaN(x.Loss+x.GradientNorm) {
		return
	}
	data, err := json.Marshal(x)
	if err != nil {
		panic(fmt.Sprintf("train: metrics line: %v", err)) // only unencodable types fail
	}
	r.metrics.Write(append(data, '\n'))
}

// poll brings the files up to date where that was not done lately.
func (r *recorder) poll(ctx context.Context) error {
	if time.Since(r.flushed) < flushEvery || store.IsRemote(r.output) {
		return nil
	}
	return r.flush(ctx)
}

func (r *recorder) flush(ctx context.Context) error {
	r.flushed = time.Now()
	if err := store.WriteFile(ctx, r.output+"/"+MetricsFile, r.metrics.Bytes()); err != nil {
		return err
	}
	return store.WriteFile(ctx, r.output+"/"+EventsDir+"/"+r.name, r.events.Bytes())
}

func (r *recorder) finish(ctx context.Context, summary any) error {
	data, err := json.MarshalIndent(summary, "", " ")
	if err != nil {
		return err
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return store.WriteFile(ctx, r.output+"/"+SummaryFile, append(data, '\n'))
}

// ReadSummary reads what a finished training wrote: a Summary or a PretrainSummary.
func ReadSummary[S any](ctx context.Context, output string) (S, error) {
	var s S
	data, err := store.ReadFile(ctx, output+"/"+SummaryFile, 0)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("train: read %s/%s: %w", output, SummaryFile, err)
	}
	return s, nil
}

// ReadMetrics reads the lines of metrics.jsonl of an output.
func ReadMetrics(ctx context.Context, output string) ([]Row, error) {
	data, err := store.ReadFile(ctx, output+"/"+MetricsFile, 0)
	if err != nil {
		return nil, fmt.Errorf("train: read metrics: %w", err)
	}
	rows, err := decodeRows(data)
	if err != nil {
		return nil, fmt.Errorf("train: read metrics: %s/%s: %w", output, MetricsFile, err)
	}
	return rows, nil
}

func decodeRows(data []byte) (rows []Row, err error) {
	for line := range bytes.Lines(data) {
		var x Row
		if err := json.Unmarshal(line, &x); err != nil {
			return nil, err
		}
		rows = append(rows, x)
	}
	return rows, nil
}
