package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gorgonia.org/tensor"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/model/params"
	"semidavil/model/weights"
)

// state is the state of a run after so many steps, with about size float32 values.
func state(step, size int) State {
	data := make([]float32, size)
	for i := range data {
		data[i] = float32(step) + float32(i)/1024
	}
	return State{Step: step, Meta: map[string]string{"run": "é \"crc32c\":\"00000000\"", "best": `{"step":1}`}, Values: params.Values{
		"student/vision/class": params.Dense(data, size), "teacher/logit_scale": params.Dense([]float32{float32(math.NaN())}),
		"optimizer/step": params.Dense([]int64{int64(step)}), "optimizer/rng": params.Dense([]int64{-1, int64(step)}, 2, 1),
	}}
}

// bytesOf stands for all of a state.
func bytesOf(t testing.TB, s State) []byte {
	t.Helper()
	meta, err := s.metadata()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := weights.Encode(&b, s.Values, meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func equal(t testing.TB, have, want State) {
	t.Helper()
	if !bytes.Equal(bytesOf(t, have), bytesOf(t, want)) {
		t.Errorf("have another state: step %d, meta %q; want step %d", have.Step, have.Meta, want.Step)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSaveAndLatest(t *testing.T) {
	cloud.Start(t)
	for _, root := range []string{filepath.Join(t.TempDir(), "new", "out"), "gs://data/out/"} {
		if _, found, err := Latest(t.Context(), root); found || err != nil {
			t.Fatalf("nothing: %v, %v", found, err)
		}
		k := &Keeper{Dir: root, Keep: 2}
		for _, step := range []int{1, 90, 100, 99999999, 123456789} {
			if err := k.Save(t.Context(), state(step, 1000)); err != nil {
				t.Fatal(err)
			}
			s, found, err := Latest(t.Context(), root)
			if !found || err != nil {
				t.Fatal(found, err)
			}
			equal(t, s, state(step, 1000))
		}
		if steps, err := list(t.Context(), root); err != nil || !slices.Equal(steps, []int{99999999, 123456789}) {
			t.Errorf("%v stayed: %v", steps, err)
		}
		best := state(90, 10)
		if err := k.MarkBest(t.Context(), 90, 0.625, best.Values, best.Meta); err != nil {
			t.Fatal(err)
		}
		if err := k.Save(t.Context(), state(123456790, 10)); err != nil {
			t.Fatal(err)
		}
		s, err := Read(t.Context(), BestPath(root))
		if err != nil || s.Meta["score"] != "0.625" {
			t.Fatalf("best: %q, %v", s.Meta, err)
		}
		delete(s.Meta, "score")
		equal(t, s, best)
		if s, err = Read(t.Context(), Path(root, 123456789)); err != nil || s.Step != 123456789 {
			t.Error(s.Step, err)
		}
		for range 2 {
			if err := RemoveAll(t.Context(), root); err != nil {
				t.Fatal(err)
			}
			if _, found, err := Latest(t.Context(), root); found || err != nil {
				t.Errorf("after removing all: %v, %v", found, err)
			}
			if _, err := Read(t.Context(), BestPath(root)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("best after removing all: %v", err)
			}
		}
	}
}

// TestEqualBytes writes a state twice.
func TestEqualBytes(t *testing.T) {
	var all [2][]byte
	for i := range all {
		dir := t.TempDir()
		if err := (&Keeper{Dir: dir}).Save(t.Context(), state(7, 3000)); err != nil {
			t.Fatal(err)
		}
		all[i], _ = os.ReadFile(Path(dir, 7))
	}
	if len(all[0]) < 12000 || !bytes.Equal(all[0], all[1]) {
		t.Error("two files of one state differ")
	}
}

// TestRotation checks which files stay, whatever lies beside them.
func TestRotation(t *testing.T) {
	for _, c := range []struct{ keep, first, second, third, stays int }{{0, 5, 6, 7, 1}, {1, 5, 6, 7, 1}, {2, 5, 6, 7, 2}, {3, 5, 6, 7, 3}, {9, 5, 6, 7, 3}, {1, 7, 6, 5, 1}, {2, 7, 6, 5, 2}} {
		dir := t.TempDir()
		other := []string{"step-1.safetensors", "step-00000001.safetensors.bak", "notes.txt", "sub/step-00000001.safetensors", "step-+0000001.safetensors", "step--0000001.safetensors", "step-00000001.tmp"}
		for _, name := range other {
			path := filepath.Join(dir, "checkpoints", name)
			os.MkdirAll(filepath.Dir(path), 0o777)
			os.WriteFile(path, []byte("x"), 0o666)
		}
		k := &Keeper{Dir: dir, Keep: c.keep}
		for _, step := range []int{c.first, c.second, c.third} {
			if err := k.Save(t.Context(), state(step, 10)); err != nil {
				t.Fatal(err)
			}
		}
		steps, err := list(t.Context(), dir)
		if err != nil || len(steps) != c.stays || !slices.Contains(steps, c.third) {
			t.Errorf("%+v: %v stayed: %v", c, steps, err)
		}
		if n := len(files(t, dir)); n != len(other)+c.stays {
			t.Errorf("%+v: files %q", c, files(t, dir))
		}
	}
}

// TestAnyByte changes each byte of a checkpoint and cuts it everywhere.
func TestAnyByte(t *testing.T) {
	s := state(7, 5)
	dir := t.TempDir()
	if err := (&Keeper{Dir: dir}).Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(Path(dir, 7))
	if err != nil {
		t.Fatal(err)
	}
	good := func(data []byte) error {
		_, err := decode(bytes.NewReader(data), int64(len(data)))
		return err
	}
	if err := good(data); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255, ' ' ^ '\t', ' ' ^ '\n', 'a' ^ 'A'} {
			bad := bytes.Clone(data)
			bad[i] ^= flip
			if good(bad) == nil {
				t.Fatalf("byte %d of %d may change by %02x", i, len(data), flip)
			}
		}
		if err := good(data[:i]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if err := good(append(bytes.Clone(data), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestDamaged checks what is said about a newest file that is damaged.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	k := &Keeper{Dir: dir, Keep: 3}
	spoil := func(step int) {
		data, err := os.ReadFile(Path(dir, step))
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1
		if err := os.WriteFile(Path(dir, step), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(parts ...string) {
		t.Helper()
		_, found, err := Latest(t.Context(), dir)
		if found || err == nil {
			t.Fatal("no error")
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v: want %q", err, part)
			}
		}
	}
	k.Save(t.Context(), state(10, 10))
	spoil(10)
	expect(Path(dir, 10), "damaged", "checksum", "start anew")
	k.Save(t.Context(), state(20, 10))
	if s, found, err := Latest(t.Context(), dir); s.Step != 20 || !found || err != nil {
		t.Errorf("an older one is damaged: %d, %v, %v", s.Step, found, err)
	}
	k.Save(t.Context(), state(30, 10))
	spoil(30)
	expect(Path(dir, 30), "damaged", "remove it to go on from step 20")
	os.Remove(Path(dir, 30))
	os.Rename(Path(dir, 20), Path(dir, 40))
	expect("step-00000040", "holds step 20")
	os.WriteFile(Path(dir, 50), nil, 0o666)
	expect("step-00000050", "damaged")
	var b bytes.Buffer
	weights.Encode(&b, params.Values{"x": params.Dense([]float32{1}, 1)}, nil)
	os.WriteFile(Path(dir, 60), b.Bytes(), 0o666)
	expect("step-00000060", "is no checkpoint")
	os.Remove(Path(dir, 70))
	os.Symlink("nowhere", Path(dir, 70))
	expect("step-00000070")
}

// TestUnreadable: a file that cannot be read is not called damaged.
func TestUnreadable(t *testing.T) {
	data := bytesOf(t, state(1, 10))
	network := errors.New("network is down")
	for n := range len(data) {
		r := io.MultiReader(bytes.NewReader(data[:n]), failingReader{network})
		if _, err := decode(r, int64(len(data))); !errors.Is(err, network) || errors.Is(err, ErrDamaged) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestRefused(t *testing.T) {
	k := &Keeper{Dir: t.TempDir()}
	values := state(1, 1).Values
	for want, s := range map[string]State{
		`"step" is taken`:   {Values: values, Meta: map[string]string{"step": "1"}},
		`"score" is taken`:  {Values: values, Meta: map[string]string{"score": "1"}},
		`"crc32c" is taken`: {Values: values, Meta: map[string]string{"crc32c": "1"}},
		"step is -1":        {Step: -1, Values: values},
		"want float32":      {Values: params.Values{"x": tensor.New(tensor.FromScalar(1.5))}},
	} {
		if err := k.Save(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
		if strings.Contains(want, "taken") {
			if err := k.MarkBest(t.Context(), 1, 1, values, s.Meta); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("best: want %q: %v", want, err)
			}
		}
	}
	if names := files(t, k.Dir); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// cutting is a context that ends after some looks at it.
type cutting struct {
	context.Context
	left int
}

func (c *cutting) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancelled ends Save at each of its operations.
func TestCancelled(t *testing.T) {
	dir := t.TempDir()
	k := &Keeper{Dir: dir, Keep: 1}
	if err := k.Save(t.Context(), state(1, 1000)); err != nil {
		t.Fatal(err)
	}
	stages := 0
	for n := 0; ; n++ {
		err := k.Save(&cutting{t.Context(), n}, state(2, 1000))
		s, found, latest := Latest(t.Context(), dir)
		if !found || latest != nil {
			t.Fatalf("cut at operation %d: %v", n, latest)
		}
		equal(t, s, state(s.Step, 1000))
		for _, name := range files(t, dir) {
			if !strings.HasSuffix(name, ".safetensors") {
				t.Errorf("cut at operation %d: left %s", n, name)
			}
		}
		if err == nil {
			if s.Step != 2 {
				t.Error("saved, and not there")
			}
			break
		}
		stages++
	}
	if stages < 3 {
		t.Errorf("only %d stages", stages)
	}
}

// TestAbandoned removes what killed writers left, once it is old.
func TestAbandoned(t *testing.T) {
	dir := t.TempDir()
	k := &Keeper{Dir: dir, Keep: 5}
	if err := k.Save(t.Context(), state(1, 10)); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "checkpoints", ".semidavil-"+strings.Repeat("0", 32)+".tmp")
	oldBest := filepath.Join(dir, ".semidavil-"+strings.Repeat("0", 32)+".tmp")
	young := filepath.Join(dir, "checkpoints", ".semidavil-"+strings.Repeat("1", 32)+".tmp")
	data, _ := os.ReadFile(Path(dir, 1))
	for _, path := range []string{old, oldBest, young} {
		if err := os.WriteFile(path, data[:len(data)/2], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{old, oldBest} {
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-2*abandoned)); err != nil {
			t.Fatal(err)
		}
	}
	if s, _, err := Latest(t.Context(), dir); err != nil || s.Step != 1 {
		t.Errorf("half-written files are seen: %d, %v", s.Step, err)
	}
	if err := k.Save(t.Context(), state(2, 10)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, oldBest} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an old one is still there: %v", err)
		}
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the young one may belong to a living writer: %v", err)
	}
	if err := RemoveAll(t.Context(), dir); err != nil || len(files(t, dir)) > 0 {
		t.Errorf("left %q: %v", files(t, dir), err)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range [][2]string{
		{Path("out", 1000), "out/checkpoints/step-00001000.safetensors"}, {Path("/a/", 123456789), "/a/checkpoints/step-123456789.safetensors"},
		{Path("gs://b/o", 0), "gs://b/o/checkpoints/step-00000000.safetensors"}, {Path("", 1), "checkpoints/step-00000001.safetensors"},
		{Path("/", 1), "/checkpoints/step-00000001.safetensors"}, {BestPath("o"), "o/best.safetensors"},
	} {
		if c[0] != c[1] {
			t.Errorf("have %s, want %s", c[0], c[1])
		}
	}
}

// FuzzDecode reads anything; what it accepts has a right checksum.
func FuzzDecode(f *testing.F) {
	dir := f.TempDir()
	if err := (&Keeper{Dir: dir}).Save(context.Background(), state(3, 4)); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(Path(dir, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var s State
		var err error
		fixture.Modest(t, 4<<20+200*len(data), func() { s, err = decode(bytes.NewReader(data), int64(len(data))) })
		if err != nil {
			if !reflect.DeepEqual(s, State{}) {
				t.Error(fmt.Sprint("a state and ", err))
			}
			return
		}
		if s.Step < 0 || s.Meta[keySum] != "" {
			t.Errorf("step %d, meta %q", s.Step, s.Meta)
		}
		meta, err := s.metadata()
		if err != nil {
			return // best weights, whose score the keeper writes
		}
		path := Path(dir, 4)
		if err := write(t.Context(), path, s.Values, meta); err != nil {
			t.Fatal(err)
		}
		again, err := Read(t.Context(), path)
		if err != nil || again.Step != s.Step || again.Values.Digest() != s.Values.Digest() || !maps.Equal(again.Meta, s.Meta) {
			t.Fatalf("%v reads back as %v, %v", s, again, err)
		}
	})
}
