package infer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/semaphore"

	"semidavil"
	"semidavil/model/params"
	"semidavil/model/textfeatures"
)

// The networks of a checkpoint.
const (
	Student = params.Student
	Teacher = params.Teacher
)

// Options say which network is used, and how.
type Options struct {
	// Checkpoint is a file of train, see [Find].
	Checkpoint string
	// Network is "student" or "teacher".
	Network string
	// CLIP is the folder whose text tower reads the captions: the one that the
	// training had. Empty is the random tower of a training without.
	CLIP string
	// Window covers the images.
	Window Window
	View   View
	// Batch images pass the network together, 1 or more; always 1 on the Go backend.
	Batch int
	// BFloat16 computes in bfloat16.
	BFloat16 bool
	// Second also predicts the second best class.
	Second bool
}

// Model is a network with its text tower, ready for images. Its methods may be called
// by several goroutines. On XLA they take turns, on the Go backend as many compute at
// once as there are cores, since many of its operations use one.
type Model struct {
	options Options
	facts   Facts
	backend compute.Backend

	mu         sync.Mutex
	store      *model.Store
	text       *textfeatures.Table
	predictors []*sized // the latest sizes, the newest last
	loaded     int      // parameters of the network
	closed     bool
	slots      *semaphore.Weighted
	atOnce     int64
}

// sized is the predictor of one size of predictions.
type sized struct {
	width, height int
	predictor     *Predictor
	users         sync.RWMutex // held for reading while it computes
	whole         atomic.Bool  // its first graph has found all parameters
}

// maxSizes bounds the compiled graphs that are kept, maxCaptions the text features.
const (
	maxSizes    = 8
	maxCaptions = 4096
	// largeOutput are the bytes of a batch's probabilities from which it computes alone:
	// several of them at once would take many times that.
	largeOutput = 64 << 20
)

// textRoot is where the text tower lies in the store.
const textRoot = "clip"

// Facts returns what the checkpoint says about the network.
func (m *Model) Facts() Facts { return m.facts }

// Batch is the number of images that Segment takes at most.
func (m *Model) Batch() int { return m.options.Batch }

// Segment segments up to Batch images of one size and returns one prediction for each,
// of width x height pixels. The result of an image does not depend on the others of its batch: a
// smaller batch is filled up, and captions are padded to the tower's whole length. The
// second result is the time that the network computed, without waiting for its turn.
func (m *Model) Segment(ctx context.Context, images []*semidavil.Image, captions []textfeatures.Tokens, width, height int) ([]Prediction, time.Duration, error) {
	n := len(images)
	if n == 0 || n > m.options.Batch || len(captions) != n {
		return nil, 0, fmt.Errorf("infer: segment: %d images with %d captions: want 1 to %d of both", n, len(captions), m.options.Batch)
	}
	w, h := images[0].W, images[0].H
	pix := make([]uint8, m.options.Batch*w*h*3)
	tokens := make([]textfeatures.Tokens, m.options.Batch)
	for i := range m.options.Batch {
		image := images[min(i, n-1)]
		if image.W != w || image.H != h {
			return nil, 0, fmt.Errorf("infer: segment: images of %dx%d and %dx%d in one batch", w, h, image.W, image.H)
		}
		copy(pix[i*w*h*3:], image.Pix)
		tokens[i] = captions[min(i, n-1)]
	}
	weight := int64(1)
	if 4*m.options.Batch*max(w*h, width*height)*m.facts.Segmenter.Decoder.Classes > largeOutput {
		weight = m.atOnce // alone
	}
	if err := m.slots.Acquire(ctx, weight); err != nil {
		return nil, 0, err
	}
	defer m.slots.Release(weight)
	begin := time.Now()
	p, text, count, err := m.input(ctx, captions, tokens, width, height)
	if err != nil {
		return nil, 0, err
	}
	all, err := p.predict(tensors.FromFlatDataAndDimensions(pix, m.options.Batch, h, w, 3), text, count)
	if err != nil {
		return nil, 0, err
	}
	if !p.whole.Load() {
		if made := m.parameters(); made != m.loaded {
			return nil, 0, fmt.Errorf("infer: segment: the checkpoint lacks %d parameters of its network", made-m.loaded)
		}
		p.whole.Store(true)
	}
	out := make([]Prediction, n)
	for i := range out {
		out[i] = all.image(i, width*height)
	}
	return out, time.Since(begin), nil
}

// predict computes with a predictor that input has locked, and unlocks it.
func (s *sized) predict(images, text, count *tensors.Tensor) (Prediction, error) {
	defer s.users.RUnlock()
	return s.predictor.Predict(images, text, count)
}

// input encodes captions and finds the predictor, which it leaves locked for reading.
func (m *Model) input(ctx context.Context, captions, filled []textfeatures.Tokens, width, height int) (p *sized, text, count *tensors.Tensor, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, nil, nil, errors.New("infer: segment: the model is closed")
	}
	if m.text.Len() > maxCaptions {
		m.text.Forget()
	}
	if err := m.text.Add(ctx, captions, nil); err != nil {
		return nil, nil, nil, err
	}
	if p, err = m.predictor(width, height); err != nil {
		return nil, nil, nil, err
	}
	text, count = m.text.Batch(filled, m.facts.Segmenter.CLIP.Context)
	p.users.RLock()
	return p, text, count, nil
}

// parameters counts those in the store except for the text tower's. A graph makes the ones
// that it misses, so their number tells whether a checkpoint is whole.
func (m *Model) parameters() (n int) {
	for v := range m.store.IterVariables() {
		if !strings.HasPrefix(v.Path(), "/"+textRoot+"/") {
			n++
		}
	}
	return n
}

// image returns the part of image i, which has so many pixels.
func (p Prediction) image(i, pixels int) Prediction {
	from, to := i*pixels, (i+1)*pixels
	out := Prediction{Label: p.Label[from:to], Confidence: p.Confidence[from:to]}
	if p.Second != nil {
		out.Second, out.SecondConfidence = p.Second[from:to], p.SecondConfidence[from:to]
	}
	return out
}

// predictor returns the one of a size; the least recently used of many is dropped.
func (m *Model) predictor(width, height int) (*sized, error) {
	for i, s := range m.predictors {
		if s.width == width && s.height == height {
			m.predictors = append(append(m.predictors[:i:i], m.predictors[i+1:]...), s)
			return s, nil
		}
	}
	c := Config{Segmenter: m.facts.Segmenter, Network: m.options.Network, Vision: m.vision(), Window: m.options.Window, View: m.options.View,
		Width: width, Height: height, Second: m.options.Second}
	if m.options.BFloat16 {
		c.Compute = dtypes.BFloat16
	}
	p, err := New(m.backend, m.store, c)
	if err != nil {
		return nil, err
	}
	if len(m.predictors) == maxSizes {
		m.predictors[0].close()
		m.predictors = m.predictors[1:]
	}
	s := &sized{width: width, height: height, predictor: p}
	m.predictors = append(m.predictors, s)
	return s, nil
}

// Close releases the compiled graphs. The Model must not be used afterwards.
func (m *Model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.text.Close()
	for _, s := range m.predictors {
		s.close()
	}
	m.predictors = nil
}

// close waits for those who compute.
func (s *sized) close() {
	s.users.Lock()
	s.predictor.Close()
}
