package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"strconv"
	"strings"

	"semidavil/internal/store"
	"semidavil/model/params"
	"semidavil/model/weights"
)

// State is what a checkpoint holds.
type State struct {
	// Step is the number of steps taken.
	Step int
	// Values are the variables, float32 or int64, by names that the caller chooses.
	Values params.Values
	// Meta are strings of the caller. The keys "step", "score" and "crc32c" are taken.
	Meta map[string]string
}

// Keys of the metadata. The checksum is CRC-32C of the whole file with zeros in place
// of its own eight digits.
const (
	keyStep  = "step"
	keyScore = "score"
	keySum   = "crc32c"
	noSum    = "00000000"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// metadata are the strings of a file, still without its checksum.
func (s State) metadata() (map[string]string, error) {
	if s.Step < 0 {
		return nil, fmt.Errorf("step is %d", s.Step)
	}
	meta := map[string]string{keyStep: strconv.Itoa(s.Step), keySum: noSum}
	for key, value := range s.Meta {
		if key == keyStep || key == keyScore || key == keySum {
			return nil, fmt.Errorf("meta key %q is taken", key)
		}
		meta[key] = value
	}
	return meta, nil
}

// write writes a file, whole or not at all.
func write(ctx context.Context, path string, values params.Values, meta map[string]string) error {
	sum := crc32.New(castagnoli)
	if err := weights.Encode(sum, values, meta); err != nil {
		return err
	}
	meta = maps.Clone(meta)
	meta[keySum] = digits(sum)
	w, err := store.Create(ctx, path)
	if err != nil {
		return err
	}
	if err := weights.Encode(w, values, meta); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
}

func digits(sum hash.Hash32) string { return fmt.Sprintf("%08x", sum.Sum32()) }

// Read reads a checkpoint, or best weights, of a local disk or gs://. A file of which
// any byte has changed is an error. The score of best weights is Meta["score"].
func Read(ctx context.Context, path string) (State, error) {
	s, err := read(ctx, path)
	if err != nil {
		return State{}, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	return s, nil
}

// ReadHead reads what the head of a file says: the caller's strings and the names of the values. The
// rest is not checked.
func ReadHead(ctx context.Context, path string) (meta map[string]string, names []string, err error) {
	meta, names, err = readHead(ctx, path)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	return meta, names, nil
}

func readHead(ctx context.Context, path string) (meta map[string]string, names []string, err error) {
	info, err := store.Stat(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir {
		return nil, nil, errors.New("is a folder")
	}
	file, err := store.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	tee := &tee{r: file, w: io.Discard}
	f, err := weights.NewReader(tee, info.Size)
	if err != nil {
		return nil, nil, tee.classify(err)
	}
	for _, t := range f.Tensors() {
		names = append(names, t.Name)
	}
	return f.Metadata(), names, nil
}

func read(ctx context.Context, path string) (s State, err error) {
	info, err := store.Stat(ctx, path)
	if err != nil {
		return s, err
	}
	file, err := store.Open(ctx, path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return decode(file, info.Size)
}

// decode reads a checkpoint from r, which has size bytes.
func decode(r io.Reader, size int64) (State, error) {
	var header strings.Builder
	tee := &tee{r: r, w: &header}
	f, err := weights.NewReader(tee, size)
	if err != nil {
		return State{}, tee.classify(err)
	}
	meta := f.Metadata()
	want, ok := meta[keySum]
	step, stepErr := strconv.Atoi(meta[keyStep])
	if !ok || stepErr != nil || step < 0 {
		return State{}, errors.New("is no checkpoint: its metadata has no step or no checksum")
	}
	sum := crc32.New(castagnoli)
	tee.w = sum
	member := func(digits string) string { return `"` + keySum + `":"` + digits + `"` }
	_, _ = io.WriteString(sum, strings.Replace(header.String(), member(want), member(noSum), 1)) // never fails
	s := State{Step: step, Values: params.Values{}, Meta: meta}
	for {
		t, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return State{}, tee.classify(err)
		}
		if s.Values[t.Name], err = f.Dense(); err != nil {
			return State{}, tee.classify(err)
		}
	}
	if have := digits(sum); have != want {
		return State{}, damaged(fmt.Errorf("has the checksum %s, want %s", have, want))
	}
	delete(meta, keyStep)
	delete(meta, keySum)
	return s, nil
}

// ErrDamaged is wrapped by the errors of files that are cut or changed.
var ErrDamaged = errors.New("the file is damaged")

func damaged(err error) error { return fmt.Errorf("%w: %w", ErrDamaged, err) }

// tee gives w what is read from r, and remembers whether reading itself failed.
type tee struct {
	r      io.Reader
	w      io.Writer
	failed bool
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	_, _ = t.w.Write(p[:n]) // a hash or a builder, which never fail
	t.failed = t.failed || err != nil && !errors.Is(err, io.EOF)
	return n, err
}

// classify distinguishes a damaged file from one that could not be read, say because of the network.
func (t *tee) classify(err error) error {
	if t.failed {
		return err
	}
	return damaged(err)
}
