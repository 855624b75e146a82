package loss

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// TestGolden compares with PyTorch, see tools/golden_loss.
func TestGolden(t *testing.T) {
	file, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Dims          []int
		Classes       int
		Logits        []float32
		Labels, Valid []int
		Teacher       []float32
		Supervised    []struct {
			Config   json.RawMessage
			Loss     float64
			Gradient []float64
		}
		Consistency []struct {
			Config     ConsistencyConfig
			Loss, Kept float64
			Gradient   []float64
		}
		Dice []struct {
			Config   DiceConfig
			Loss     float64
			Gradient []float64
		}
	}
	if err := json.Unmarshal(file, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Supervised) == 0 || len(golden.Consistency) == 0 || len(golden.Dice) == 0 {
		t.Fatal("no cases")
	}
	b := batch{golden.Logits, bytesOf(golden.Labels), golden.Dims, golden.Classes}
	for _, want := range golden.Supervised {
		c := Default()
		if err := json.Unmarshal(want.Config, &c); err != nil {
			t.Fatal(err)
		}
		loss, gradient := b.run(t, c)
		near(t, string(want.Config)+" loss", []float64{loss}, []float64{want.Loss})
		near(t, string(want.Config)+" gradient", gradient, want.Gradient)
	}
	for _, want := range golden.Dice {
		loss, gradient := b.runDice(t, want.Config)
		name := fmt.Sprintf("%+v", want.Config)
		near(t, name+" loss", []float64{loss}, []float64{want.Loss})
		near(t, name+" gradient", gradient, want.Gradient)
	}
	p := pair{golden.Logits, golden.Teacher, bytesOf(golden.Valid), golden.Classes}
	for _, want := range golden.Consistency {
		loss, kept, gradient, _ := p.run(t, want.Config)
		name := fmt.Sprint(want.Config)
		near(t, name+" loss and kept", []float64{loss, kept}, []float64{want.Loss, want.Kept})
		near(t, name+" gradient", gradient, want.Gradient)
	}
}

// bytesOf narrows, since JSON gives numbers to []uint8 only as base64.
func bytesOf(x []int) []uint8 {
	out := make([]uint8, len(x))
	for i, v := range x {
		out[i] = uint8(v)
	}
	return out
}
