package infer_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
	"semidavil/model/weights"
)

// start opens the backend of a test.
func start(t testing.TB) backend.Choice {
	t.Helper()
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Backend.Finalize)
	return b
}

// picture is a random image with a caption of its own.
func picture(w, h int, seed uint64) (*semidavil.Image, textfeatures.Tokens) {
	rng := rand.New(rand.NewPCG(seed, 3))
	image := semidavil.NewImage(w, h)
	for y := range h {
		for x := range w {
			for c := range 3 {
				image.Pix[(y*w+x)*3+c] = uint8(40*((x/9+y/7+c+int(seed))%6) + rng.IntN(30))
			}
		}
	}
	tokens := textfeatures.Tokens{IDs: make([]int32, 77), Count: 4 + int(seed)%9}
	for i := range tokens.Count {
		tokens.IDs[i] = int32(rng.IntN(60))
	}
	return image, tokens
}

func pictures(w, h int, seeds ...uint64) (images []*semidavil.Image, tokens []textfeatures.Tokens) {
	for _, s := range seeds {
		i, c := picture(w, h, s)
		images, tokens = append(images, i), append(tokens, c)
	}
	return images, tokens
}

func open(t testing.TB, b backend.Choice, o infer.Options) *infer.Model {
	t.Helper()
	if o.Batch == 0 {
		o.Batch = 1
	}
	m, err := infer.Open(t.Context(), b.Backend, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func segment(t testing.TB, m *infer.Model, w, h, outW, outH int, seeds ...uint64) []infer.Prediction {
	t.Helper()
	images, tokens := pictures(w, h, seeds...)
	out, _, err := m.Segment(t.Context(), images, tokens, outW, outH)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(seeds) {
		t.Fatalf("%d predictions of %d images", len(out), len(seeds))
	}
	return out
}

func same(a, b infer.Prediction) bool {
	return slices.Equal(a.Label, b.Label) && slices.Equal(a.Confidence, b.Confidence) && slices.Equal(a.Second, b.Second) && slices.Equal(a.SecondConfidence, b.SecondConfidence)
}

// direct predicts with a Predictor over parameters that the test puts together.
func direct(t *testing.T, b backend.Choice, c infer.Config, values, text params.Values, w, h int, seed uint64) infer.Prediction {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	store := model.NewStore()
	must(params.LoadAll(store, values))
	if text != nil {
		must(params.Load(store, "tower", text))
	}
	images, tokens := pictures(w, h, seed)
	table, err := textfeatures.NewTable(b.Backend, store, "tower", c.Segmenter.CLIP, 1)
	must(err)
	defer table.Close()
	must(table.Add(t.Context(), tokens, nil))
	p, err := infer.New(b.Backend, store, c)
	must(err)
	defer p.Close()
	features, count := table.Batch(tokens, 77)
	out, err := p.Predict(tensors.FromFlatDataAndDimensions(images[0].Pix, 1, h, w, 3), features, count)
	must(err)
	return out
}

// below moves values to another root.
func below(root string, values params.Values) params.Values {
	out := params.Values{}
	for name, v := range values {
		out[root+"/"+name] = v
	}
	return out
}

// TestModelEqualsPredictor opens every kind of file.
func TestModelEqualsPredictor(t *testing.T) {
	b := start(t)
	clip := trained.CLIPFolder(t, 1)
	for name, o := range map[string]trained.Options{"own": {}, "shared": {Vision: "frozen"}, "clip": {CLIP: clip}} {
		n := trained.Write(t, o)
		best, err := checkpoint.Read(t.Context(), n.Best())
		if err != nil {
			t.Fatal(err)
		}
		full, err := checkpoint.Read(t.Context(), n.Newest())
		if err != nil {
			t.Fatal(err)
		}
		var text params.Values
		if o.CLIP != "" {
			_, all, err := weights.LoadCLIP(t.Context(), clip)
			if err != nil {
				t.Fatal(err)
			}
			text = all.Under("text")
		}
		facts, err := infer.ReadFacts(t.Context(), n.Newest())
		if err != nil || facts.SharedVision != (name == "shared") || facts.Width != 32 || facts.ClassSet.Len() != 4 {
			t.Fatalf("%s: %+v %v", name, facts, err)
		}
		var student, teacher infer.Prediction
		for _, c := range []struct {
			file, network string
			values        params.Values
		}{{n.Best(), infer.Student, below(infer.Student, best.Values)}, {n.Newest(), infer.Student, full.Values}, {n.Newest(), infer.Teacher, full.Values}} {
			for _, view := range []struct {
				infer.View
				infer.Window
			}{{}, {infer.View{Scales: []float64{0.75, 1}, Flip: true}, infer.Sliding(24, 24)}} {
				m := open(t, b, infer.Options{Checkpoint: c.file, Network: c.network, CLIP: o.CLIP, View: view.View, Window: view.Window, Second: true})
				got := segment(t, m, 40, 32, 50, 41, 7)[0]
				vision := c.network
				if name == "shared" {
					vision = infer.Student
				}
				want := direct(t, b, infer.Config{Segmenter: facts.Segmenter, Network: c.network, Vision: vision, View: view.View, Window: view.Window,
					Width: 50, Height: 41, Second: true}, c.values, text, 40, 32, 7)
				if !same(got, want) {
					t.Errorf("%s: %s of %s differs from the predictor", name, c.network, filepath.Base(c.file))
				}
				if c.network == infer.Teacher {
					teacher = got
				} else {
					student = got
				}
			}
		}
		if same(student, teacher) {
			t.Errorf("%s: student and teacher are the same", name)
		}
	}
}

// TestCompany: neither the batch that is asked for, nor what is computed at the same time,
// nor other work of the machine changes a bit of an image's result, on each of the paths
// that the backend's products may take (.ci/run has all that the machine has).
func TestCompany(t *testing.T) {
	b := start(t)
	t.Logf("instructions: %s", backend.Instructions())
	n := trained.Write(t, trained.Options{})
	busy := make(chan struct{})
	defer close(busy)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for {
				select {
				case <-busy:
					return
				default: //nolint:staticcheck // the processor is to be busy
				}
			}
		}()
	}
	alone := map[uint64]infer.Prediction{}
	for _, batch := range []int{1, 2, 4, 7} {
		m := open(t, b, infer.Options{Checkpoint: n.Best(), Network: infer.Student, Batch: batch, Second: true})
		for seed := range uint64(6) {
			got := segment(t, m, 32, 24, 37, 29, seed)[0]
			if before, ok := alone[seed]; ok && !same(before, got) {
				t.Errorf("image %d differs in batches of %d", seed, batch)
			}
			alone[seed] = got
		}
		var group sync.WaitGroup
		for _, seeds := range [][]uint64{{0, 1}, {1, 0, 2}, {3, 4, 5, 0}, {5, 5, 5, 5}, {2, 1, 0}} {
			for seeds := range slices.Chunk(seeds, m.Batch()) {
				group.Go(func() {
					images, tokens := pictures(32, 24, seeds...)
					out, _, err := m.Segment(t.Context(), images, tokens, 37, 29)
					if err != nil {
						t.Error(err)
						return
					}
					for i, got := range out {
						if !same(got, alone[seeds[i]]) {
							t.Errorf("image %d differs in the company of %v, batches of %d", seeds[i], seeds, batch)
						}
					}
				})
			}
		}
		group.Wait()
	}
	if same(alone[0], alone[1]) {
		t.Fatal("two images have one prediction")
	}
}

// TestManySizes: more sizes than are kept, and back to the first.
func TestManySizes(t *testing.T) {
	n := trained.Write(t, trained.Options{})
	m := open(t, start(t), infer.Options{Checkpoint: n.Best(), Network: infer.Student})
	first := segment(t, m, 32, 32, 20, 20, 1)[0]
	for size := 21; size < 32; size++ {
		if got := segment(t, m, 32, 32, size, 20, 1)[0]; len(got.Label) != size*20 {
			t.Fatalf("%d labels of %dx20", len(got.Label), size)
		}
	}
	if !same(first, segment(t, m, 32, 32, 20, 20, 1)[0]) {
		t.Error("the first size gives another result after others")
	}
	if segment(t, m, 16, 24, 20, 20, 1)[0].Second != nil {
		t.Error("a second class that was not asked for")
	}
}

func TestSegmentRefuses(t *testing.T) {
	n := trained.Write(t, trained.Options{})
	m := open(t, start(t), infer.Options{Checkpoint: n.Best(), Network: infer.Student, Batch: 2})
	images, tokens := pictures(32, 32, 1, 2, 3)
	foreign := textfeatures.Tokens{IDs: slices.Repeat([]int32{99999}, 77), Count: 3}
	for want, in := range map[string]struct {
		images []*semidavil.Image
		tokens []textfeatures.Tokens
	}{
		"0 images":                  {nil, nil},
		"3 images":                  {images, tokens},
		"2 images with 1":           {images[:2], tokens[:1]},
		"outside the text tower":    {images[:1], []textfeatures.Tokens{foreign}},
		"the text tower has 77 pos": {images[:1], []textfeatures.Tokens{{IDs: make([]int32, 8), Count: 3}}},
	} {
		if _, _, err := m.Segment(t.Context(), in.images, in.tokens, 32, 32); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// None of them has spoilt the model.
	segment(t, m, 32, 32, 32, 32, 1)
}

func TestOpenRefuses(t *testing.T) {
	b := start(t)
	clip, otherCLIP := trained.CLIPFolder(t, 1), trained.CLIPFolder(t, 2)
	dir := t.TempDir()
	// changed copies a checkpoint file and changes the copy.
	changed := func(name, from string, change func(*checkpoint.State)) string {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, dir, name, data)
		to := filepath.Join(dir, name)
		if change != nil {
			trained.Change(t, to, change)
		}
		return to
	}
	plain, clipped, alone := trained.Write(t, trained.Options{}), trained.Write(t, trained.Options{CLIP: clip}), trained.Write(t, trained.Options{Alone: true})
	data, err := os.ReadFile(plain.Best())
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, dir, "cut", data[:len(data)-100])
	fixture.Write(t, dir, "text", []byte("no checkpoint at all"))
	fixture.Write(t, dir, "empty", nil)
	facts := func(from, to string) func(*checkpoint.State) {
		return func(s *checkpoint.State) {
			if !strings.Contains(s.Meta[infer.FactsKey], from) {
				t.Fatalf("%q is not in %s", from, s.Meta[infer.FactsKey])
			}
			s.Meta[infer.FactsKey] = strings.Replace(s.Meta[infer.FactsKey], from, to, 1)
		}
	}
	without := func(name string) func(*checkpoint.State) {
		return func(s *checkpoint.State) {
			if s.Values[name] == nil {
				t.Fatalf("no %s", name)
			}
			delete(s.Values, name)
		}
	}
	for name, c := range map[string]struct {
		o    infer.Options
		want string
	}{
		"missing file":     {infer.Options{Checkpoint: filepath.Join(dir, "absent")}, "absent"},
		"folder":           {infer.Options{Checkpoint: dir}, "folder"},
		"truncated":        {infer.Options{Checkpoint: filepath.Join(dir, "cut")}, "damaged"},
		"text":             {infer.Options{Checkpoint: filepath.Join(dir, "text")}, "damaged"},
		"empty":            {infer.Options{Checkpoint: filepath.Join(dir, "empty")}, "damaged"},
		"batch":            {infer.Options{Checkpoint: plain.Best(), Batch: -1}, "batch -1"},
		"no facts":         {infer.Options{Checkpoint: changed("a", plain.Best(), func(s *checkpoint.State) { delete(s.Meta, infer.FactsKey) })}, "has no \"facts\""},
		"broken facts":     {infer.Options{Checkpoint: changed("b", plain.Best(), func(s *checkpoint.State) { s.Meta[infer.FactsKey] = "{" })}, "facts"},
		"classes":          {infer.Options{Checkpoint: changed("c", plain.Best(), facts(`{"Name":"class 3","ID":3,"Color":[180,75,40]}`, `{"Name":"x"},{"Name":"y"}`))}, "4 classes, its class set test has 5"},
		"size":             {infer.Options{Checkpoint: changed("d", plain.Best(), facts(`"width":32`, `"width":0`))}, "0x32"},
		"patch":            {infer.Options{Checkpoint: changed("e", plain.Best(), facts(`"PatchSize":8`, `"PatchSize":0`))}, "patch"},
		"unknown network":  {infer.Options{Checkpoint: plain.Best(), Network: "professor"}, "student, teacher"},
		"teacher of best":  {infer.Options{Checkpoint: plain.Best(), Network: infer.Teacher}, "best weights are the student's"},
		"teacher of none":  {infer.Options{Checkpoint: alone.Newest(), Network: infer.Teacher}, "no teacher"},
		"no CLIP":          {infer.Options{Checkpoint: clipped.Best()}, "--clip"},
		"other CLIP":       {infer.Options{Checkpoint: clipped.Best(), CLIP: otherCLIP}, "is not the one"},
		"CLIP of none":     {infer.Options{Checkpoint: plain.Best(), CLIP: clip}, "is not the one"},
		"CLIP folder gone": {infer.Options{Checkpoint: clipped.Best(), CLIP: filepath.Join(dir, "absent")}, "absent"},
	} {
		if c.o.Network == "" {
			c.o.Network = infer.Student
		}
		if c.o.Batch == 0 {
			c.o.Batch = 1
		}
		m, err := infer.Open(t.Context(), b.Backend, c.o)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// What a graph alone can see.
	for name, path := range map[string]string{
		"lacks 1 parameters": changed("f", plain.Best(), without("decode/conv/bias")),
		"lacks 2 parameters": changed("g", plain.Best(), func(s *checkpoint.State) {
			without("vision/blocks/0/ln_1/bias")(s)
			without("dlg/out/weight")(s)
		}),
		"shape": changed("h", plain.Best(), func(s *checkpoint.State) {
			s.Values["decode/classifier/bias"] = params.Dense(make([]float32, 7), 7)
		}),
	} {
		m := open(t, b, infer.Options{Checkpoint: path, Network: infer.Student})
		images, tokens := pictures(32, 32, 1)
		for range 2 { // not only the first time
			if _, _, err := m.Segment(t.Context(), images, tokens, 32, 32); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want %q", err, name)
			}
		}
	}
}

func TestFind(t *testing.T) {
	n := trained.Write(t, trained.Options{})
	empty, unscored := t.TempDir(), trained.Write(t, trained.Options{})
	if err := os.Remove(unscored.Best()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, network, want, fault string }{
		{n.Output, infer.Student, n.Best(), ""},
		{n.Output, infer.Teacher, n.Newest(), ""},
		{unscored.Output, infer.Student, unscored.Newest(), ""},
		{n.Newest(), infer.Student, n.Newest(), ""},
		{n.Best(), infer.Teacher, n.Best(), ""}, // Open refuses it
		{empty, infer.Student, "", "holds none"},
		{empty, infer.Teacher, "", "holds none"},
		{filepath.Join(empty, "absent"), infer.Student, "", "absent"},
	} {
		got, err := infer.Find(t.Context(), c.path, c.network)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s of %s: %q %v", c.network, c.path, got, err)
		}
	}
}
