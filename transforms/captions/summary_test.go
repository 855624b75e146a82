package captions

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	got := Words("A street, the driver's two-wheeler; 3 Züge (雨).")
	if want := []string{"a", "street", "the", "driver's", "two", "wheeler", "3", "züge", "雨"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSummarise(t *testing.T) {
	rows := []Row{
		{"a", "a.png", "A car and a car.", "eye"}, {"b", "b.png", "a street", "eye"}, {"c", "c.png", "a street", "ear"},
		{"d", "d.png", "Two cars on the street", "eye"},
	}
	got := Summarise(rows)
	want := Summary{Captions: 4, Captioners: []Count{{"eye", 3}, {"ear", 1}}, Different: 3, Repeated: []Count{{"a street", 2}},
		Words: 14, MeanWords: 3.5, FewestWords: 2, MostWords: 5, DifferentWords: 8,
		Frequent: []Count{{"street", 3}, {"car", 1}, {"cars", 1}, {"two", 1}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if none := Summarise(nil); none.MeanWords != 0 || none.Repeated == nil || none.Frequent == nil {
		t.Errorf("of nothing: %+v", none) // JSON lists, not null
	}
	var many []Row
	for i := range 3 * MaxListed {
		many = append(many, Row{"k", "i", fmt.Sprint("word", i), "x"}, Row{"l", "i", fmt.Sprint("word", i), "x"})
	}
	if s := Summarise(many); len(s.Repeated) != MaxListed || len(s.Frequent) != MaxListed || s.Different != 3*MaxListed {
		t.Errorf("%d repeated, %d frequent of many", len(s.Repeated), len(s.Frequent))
	}
}
