package captions

import "testing"

func TestSceneSentence(t *testing.T) {
	at := func(regions ...float64) (out []Region) {
		for i := 0; i < len(regions); i += 2 {
			out = append(out, Region{regions[i], regions[i+1]})
		}
		return out
	}
	car := func(regions ...float64) Sighting {
		return Sighting{One: "car", Many: "cars", Regions: at(regions...)}
	}
	beside := func(what string, regions ...float64) Sighting {
		return Sighting{Many: what, Beside: true, Regions: at(regions...)}
	}
	for _, tc := range []struct {
		want string
		seen []Sighting
	}{
		{"a street", nil},
		{"a street with a car on the left", []Sighting{car(0.3, 0.9)}},
		{"a street with two cars on the right", []Sighting{car(0.7, 0.9, 0.61, 0.1)}},
		{"a street with four cars on both sides", []Sighting{car(0.3, 0.9, 0.5, 0.5, 0.6, 0.5, 0.7, 0.2)}},
		{"a street with several cars close ahead", []Sighting{car(0.5, 0.4, 0.5, 0.8, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)}},
		{"a street with a car in the distance", []Sighting{car(0.5, 0.59)}},
		{"a street with a car ahead", []Sighting{car(0.5, 0.7)}},
		{"a street with many cars ahead", []Sighting{car(0.4, 0.7, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7, 0.5, 0.7)}},
		{"a street, beside buildings", []Sighting{beside("buildings", 0.1, 1, 0.9, 1)}},
		{"a street with an engine ahead and a car on the left, beside buildings, trees on the right and a traffic sign", []Sighting{
			{One: "engine", Many: "engines", Regions: at(0.5, 0.7)}, beside("buildings", 0.5, 1), car(0.1, 0.1), beside("trees", 0.9, 0.1),
			{One: "traffic sign", Many: "traffic signs", Beside: true, Regions: at(0.5, 0.1)},
		}},
	} {
		if got := SceneSentence(tc.seen); got != tc.want || Normalise(got) != got {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
