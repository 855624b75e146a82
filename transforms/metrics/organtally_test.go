package metrics

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func organ(dice, asd float64, truth, pred uint64) OrganScore {
	return OrganScore{Fraction(dice), Distance(asd), truth, pred}
}

// TestOrganTally: means over cases, then over organs, with undefined distances left out and
// counted; the same bits in any order and through JSON.
func TestOrganTally(t *testing.T) {
	nan := math.NaN()
	cases := []OrganCase{
		{"b", []OrganScore{organ(0.5, 2, 9, 9), organ(0, nan, 9, 0), organ(1, nan, 0, 0)}},
		{"a", []OrganScore{organ(0.7, 3, 9, 9), organ(0, nan, 0, 9), organ(1, nan, 0, 0)}},
		{"c", []OrganScore{organ(0.3, 0.1, 9, 9), organ(0.9, 4, 9, 9), organ(0, nan, 9, 0)}},
	}
	var first []byte
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		var sum OrganTally
		for _, i := range order {
			var one, back OrganTally
			if err := one.Add(cases[i].Key, Strict, cases[i].Organs); err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(one)
			if err == nil {
				err = json.Unmarshal(data, &back)
			}
			if err == nil {
				err = sum.Merge(back)
			}
			if err == nil {
				err = sum.Merge(OrganTally{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		organs, mean := sum.Means()
		data, err := json.Marshal(map[string]any{"tally": sum, "organs": organs, "mean": mean})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		}
		if string(data) != string(first) {
			t.Errorf("%s, in another order %s", data, first)
		}
		want := []OrganMean{
			{Dice: (0.7 + 0.5 + 0.3) / 3, ASD: (3 + 2 + 0.1) / 3, Distances: 3},
			{Dice: 0.9 / 3, ASD: 4, Distances: 1, Missed: 1, Invented: 1},
			{Dice: 2. / 3, ASD: Distance(nan), Absent: 2, Missed: 1},
		}
		for i, w := range want {
			g := organs[i]
			if !near(float64(g.Dice), float64(w.Dice)) || !near(float64(g.ASD), float64(w.ASD)) {
				t.Errorf("organ %d: %+v, want %+v", i+1, g, w)
			}
			g.Dice, g.ASD, w.Dice, w.ASD = 0, 0, 0, 0
			if g != w {
				t.Errorf("organ %d: %+v, want %+v", i+1, g, w)
			}
		}
		if !near(float64(mean.Dice), (0.5+0.3+2./3)/3) || !near(float64(mean.ASD), (1.7+4)/2) || mean.Distances != 2 || mean.Absent != 2 || mean.Missed != 2 || mean.Invented != 1 {
			t.Errorf("mean %+v", mean)
		}
	}
	if organs, mean := (OrganTally{}).Means(); organs != nil || !math.IsNaN(float64(mean.Dice)) || !math.IsNaN(float64(mean.ASD)) || mean.Distances != 0 {
		t.Errorf("of nothing: %v %+v", organs, mean)
	}
	if s := Distance(nan).String() + Distance(1.256).String(); s != "-1.26" {
		t.Errorf("distances are written %q", s)
	}
}

// TestOrganTallyMerge: merging is associative, keeps its arguments, and refuses cases that do
// not go together.
func TestOrganTallyMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	random := func(keys ...string) (tally OrganTally) {
		for _, k := range keys {
			if err := tally.Add(k, Compat, []OrganScore{organ(rng.Float64(), rng.Float64(), 1, 1)}); err != nil {
				t.Fatal(err)
			}
		}
		return tally
	}
	a, b, c := random("3", "1"), random("2"), random("5", "4")
	left, right, bc := a, a, b
	if err := left.Merge(b); err != nil {
		t.Fatal(err)
	}
	if err := left.Merge(c); err != nil {
		t.Fatal(err)
	}
	if err := bc.Merge(c); err != nil {
		t.Fatal(err)
	}
	if err := right.Merge(bc); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(left, right) || len(a.Cases) != 2 || len(b.Cases) != 1 {
		t.Errorf("%+v, %+v", left, right)
	}
	if left.Add("4", Compat, []OrganScore{{}}) == nil || left.Add("6", Strict, []OrganScore{{}}) == nil || left.Add("6", Compat, []OrganScore{{}, {}}) == nil {
		t.Error("a case was added twice, or by another rule, or with other organs")
	}
	if !reflect.DeepEqual(left, right) {
		t.Error("a refused case changed the tally")
	}
}
