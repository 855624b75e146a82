package infer_test

import (
	"testing"
	"time"
	"semidavil"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/model/backend"
	"semidavil/model/textfeatures"
)

func TestScratch(t *testing.T) {
	begin := time.Now()
	n := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
	t.Log(time.Since(begin))
	b, _ := backend.Open("go")
	m, err := infer.Open(t.Context(), b.Backend, infer.Options{Checkpoint: n.Best(), Network: "student", Batch: 1})
	if err != nil { t.Fatal(err) }
	im := semidavil.NewImage(32, 32)
	for i := range im.Pix { im.Pix[i] = uint8(i*i/7*5+i/96) }
	tok := textfeatures.Tokens{IDs: make([]int32, 77), Count: 5}
	p, _, err := m.Segment(t.Context(), []*semidavil.Image{im}, []textfeatures.Tokens{tok}, 32, 32)
	if err != nil { t.Fatal(err) }
	k, c := 0, map[uint8]int{}
	for i, v := range p.Confidence { if v >= .95 { k++ }; c[p.Label[i]]++ }
	t.Log(k, c, p.Confidence[:20])
}
