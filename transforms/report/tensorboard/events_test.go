package tensorboard_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"semidavil/transforms/report/tensorboard"
	"semidavil/transforms/report/tensorboard/tensorboardtest"
)

const tinyPNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGP4zwAE/wEHAAH/4iOeWQAAAABJRU5ErkJggg=="

// goldenEvents are those of tools/golden_events.
func goldenEvents(t testing.TB) []tensorboard.Event {
	t.Helper()
	picture, err := base64.StdEncoding.DecodeString(tinyPNG)
	if err != nil {
		t.Fatal(err)
	}
	return []tensorboard.Event{
		{Seconds: 1700000000.25, FileVersion: tensorboard.FileVersion},
		{Seconds: 1700000001.25, Step: 41, Restart: true},
		{Seconds: 1700000002.25, Step: 41, Values: []tensorboard.Value{tensorboard.Scalar("loss/source", math.Ln2), tensorboard.Scalar("loss/käse", math.NaN())}},
		{Seconds: 1700000003.25, Step: 300, Values: []tensorboard.Value{tensorboard.Image("predictions", 2, 1, picture)}},
		{Seconds: 1700000003.5, Step: 300, Values: []tensorboard.Value{tensorboard.Text("settings", "    {\n     \"käse\": 1\n    }")}},
		{Seconds: 1700000004.25, Step: -1, Values: []tensorboard.Value{tensorboard.Scalar("a", math.Copysign(0, -1))}},
	}
}

// TestGolden compares with the file that TensorBoard's protocol buffers and
// record writer made of the same events, to the byte.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, e := range goldenEvents(t) {
		message, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got = tensorboard.AppendRecord(got, message)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d:\n%x\n%x", len(got), len(want), got, want)
	}
	r := tensorboardtest.NewReader(iotest.OneByteReader(bytes.NewReader(want)))
	for i, w := range goldenEvents(t) {
		e, err := r.Next()
		// %v, since NaN is not equal to itself.
		if err != nil || fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", w) {
			t.Errorf("event %d: %v\n%+v, want\n%+v", i, err, e, w)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last event: %v", err)
	}
}

// clock starts at a time and goes on by a second a call.
func clock(start int64) func() time.Time {
	return func() time.Time { start++; return time.Unix(start, 250_000_000) }
}

func file(t testing.TB, start int64, write func(w *tensorboard.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := tensorboard.NewWriter(&b, clock(start))
	if err != nil {
		t.Fatal(err)
	}
	if err := write(w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// resumed writes the two files of a run of 10 steps that was killed in the
// middle of a record and went on after step 6.
func resumed(t testing.TB) (first, second []byte) {
	t.Helper()
	steps := func(w *tensorboard.Writer, from, to int, offset float64) error {
		for s := from; s <= to; s++ {
			if err := w.Add(int64(s), tensorboard.Scalar("loss", offset+float64(s)), tensorboard.Scalar("val/miou", offset+float64(s)/10)); err != nil {
				return err
			}
		}
		return nil
	}
	first = file(t, 1000, func(w *tensorboard.Writer) error { return steps(w, 1, 9, 100) })
	second = file(t, 2000, func(w *tensorboard.Writer) error {
		if err := w.Restart(7); err != nil {
			return err
		}
		return steps(w, 7, 10, 200)
	})
	return first[:len(first)-5], second
}

func TestScalarsOfResumedRun(t *testing.T) {
	first, second := resumed(t)
	got, err := tensorboardtest.Scalars(bytes.NewReader(first), bytes.NewReader(second))
	if err != nil {
		t.Fatal(err)
	}
	var want []tensorboardtest.Point
	for s := range 10 {
		offset, seconds := float32(101), 1002.25
		if s >= 6 {
			offset, seconds = 201, 2003.25-6
		}
		want = append(want, tensorboardtest.Point{Step: int64(s + 1), Seconds: seconds + float64(s), Value: offset + float32(s)})
	}
	if !reflect.DeepEqual(got["loss"], want) || len(got["val/miou"]) != 10 || len(got) != 2 {
		t.Errorf("%v, want %v", got["loss"], want)
	}
	alone, err := tensorboardtest.Scalars(bytes.NewReader(first))
	if err != nil || len(alone["loss"]) != 8 {
		t.Errorf("the file with the cut record has %d points, want 8: %v", len(alone["loss"]), err)
	}
}

func TestReadErrors(t *testing.T) {
	whole, err := os.ReadFile("testdata/golden.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int]bool{}
	for r := bytes.NewReader(whole); ; {
		ends[len(whole)-r.Len()] = true
		if _, err := tensorboardtest.ReadRecord(r); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for n := range whole { // cut anywhere
		r := tensorboardtest.NewReader(bytes.NewReader(whole[:n]))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if ends[n] != (err == io.EOF) || !ends[n] && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for n := range whole { // damaged anywhere
		bad := bytes.Clone(whole)
		bad[n] ^= 4
		r := tensorboardtest.NewReader(bytes.NewReader(bad))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, tensorboardtest.ErrChecksum) {
			t.Errorf("damaged at %d: %v", n, err)
		}
	}
	if _, err := tensorboardtest.Scalars(bytes.NewReader(tensorboard.AppendRecord(nil, nil))); err == nil || !strings.Contains(err.Error(), `version ""`) {
		t.Errorf("a file without version: %v", err)
	}
	if _, err := tensorboardtest.Decode([]byte{0x0a}); err == nil {
		t.Error("half a field accepted")
	}
	broken := errors.New("broken disk")
	if _, err := tensorboardtest.Scalars(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// failAfter fails from the n-th write on.
type failAfter struct {
	n int
	b bytes.Buffer
}

func (f *failAfter) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, io.ErrShortWrite
	}
	return f.b.Write(p)
}

func TestWriteErrors(t *testing.T) {
	if _, err := tensorboard.NewWriter(&failAfter{}, time.Now); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	f := &failAfter{n: 2}
	w, err := tensorboard.NewWriter(f, clock(5))
	if err != nil {
		t.Fatal(err)
	}
	before := f.b.Len()
	for name, v := range map[string]tensorboard.Value{
		"no tag":  tensorboard.Scalar("", 1),
		"latin-1": tensorboard.Scalar("k\xe4se", 1),
		"jpeg":    tensorboard.Image("a", 1, 1, []byte("\xff\xd8\xff")),
		"size":    tensorboard.Image("a", 0, 1, []byte("\x89PNG\r\n\x1a\n")),
		"text":    tensorboard.Text("a", "k\xe4se"),
		"other":   {Tag: "a"},
	} {
		if err := w.Add(3, tensorboard.Scalar("fine", 1), v); err == nil || !strings.Contains(err.Error(), "step 3") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Add(4); err != nil || f.b.Len() != before || f.n != 1 {
		t.Errorf("something was written: %v", err)
	}
	if err := w.Add(4, tensorboard.Scalar("t", 1)); err != nil {
		t.Error(err)
	}
	if err := w.Restart(5); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

func TestFileName(t *testing.T) {
	if got := tensorboard.FileName(42, `a/b\c`, ".val"); got != "events.out.tfevents.0000000042.a_b_c.val" {
		t.Error(got)
	}
}

// TestForTensorBoard writes the run of resumed and an image to the folder
// that SEMIDAVIL_EVENTS names, to be read by TensorBoard itself: see
// tools/golden_events.
func TestForTensorBoard(t *testing.T) {
	dir := os.Getenv("SEMIDAVIL_EVENTS")
	if dir == "" {
		t.Skip("SEMIDAVIL_EVENTS names no folder to write event files to")
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	first, second := resumed(t)
	third := file(t, 3000, func(w *tensorboard.Writer) error {
		return w.Add(10, tensorboard.Image("predictions", 300, 200, picture.Bytes()), tensorboard.Scalar("loss/käse", 1), tensorboard.Text("settings", "    {}"))
	})
	for i, data := range [][]byte{first, second, third} {
		if err := os.WriteFile(filepath.Join(dir, tensorboard.FileName(int64(1000*(i+1)), "host", "")), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzReader: foreign bytes give events that can be written again, or an error.
func FuzzReader(f *testing.F) {
	golden, err := os.ReadFile("testdata/golden.tfevents")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(golden[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := tensorboardtest.NewReader(bytes.NewReader(data))
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		tensorboardtest.Scalars(bytes.NewReader(data)) // only that it returns
	})
}

// FuzzDecode works on the message, past the checksums.
func FuzzDecode(f *testing.F) {
	for _, e := range goldenEvents(f) {
		message, err := e.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	f.Add([]byte("\t\x00\x00\xe0@\xfcT\xd9A\x10\xac\x02*;\n9\n\bse\"käse\"!\b\a\x12\x00B\x1b    {\n     ttingsB: 1\n    }J\n\n\x06\n\x04text \x02")) // an image and a text
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := tensorboardtest.Decode(data)
		if err != nil {
			return
		}
		message, err := e.Encode()
		if err != nil {
			return // an empty tag, for one, can be read and not written
		}
		again, err := tensorboardtest.Decode(message)
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", e) {
			t.Fatalf("%v\n%+v\n%+v", err, e, again)
		}
	})
}
