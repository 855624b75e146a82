package captions

import (
	"cmp"
	"slices"
	"strings"
)

// Region is where something was seen, as shares of the image: its mean column from the left, and how far down
// it reaches.
type Region struct{ X, Bottom float64 }

// Sighting is one kind of things that was seen in an image.
type Sighting struct {
	// One and Many name it: "car", "cars". Where One is empty it is not counted: "buildings".
	One, Many string
	// Beside is what lines the street, in the second half of the sentence.
	Beside bool
	// Regions are the places, at least one.
	Regions []Region
}

// SceneSentence says what was seen in a street scene, how many and where, in the style of
// MiniCity's captions: "a street with a bus on the left and two cars ahead, beside buildings". It depends on
// nothing but the sightings, which it takes in their order.
func SceneSentence(seen []Sighting) string {
	var things, beside []string
	for _, s := range seen {
		to := &things
		if s.Beside {
			to = &beside
		}
		*to = append(*to, s.phrase())
	}
	out := "a street"
	if len(things) > 0 {
		out += " with " + List(things)
	}
	if len(beside) > 0 {
		out += ", beside " + List(beside)
	}
	return out
}

// List joins phrases with commas and an "and"; there is at least one.
func List(phrases []string) string {
	last := len(phrases) - 1
	if last == 0 {
		return phrases[0]
	}
	return strings.Join(phrases[:last], ", ") + " and " + phrases[last]
}

var smallNumbers = []string{2: "two", 3: "three", 4: "four"}

// phrase names the things with their number and place.
func (s Sighting) phrase() string {
	text, n := s.Many, len(s.Regions)
	switch {
	case s.One == "":
	case n == 1:
		text = "a " + s.One
		if strings.ContainsRune("aeiou", rune(s.One[0])) {
			text = "an " + s.One
		}
	case n < len(smallNumbers):
		text = smallNumbers[n] + " " + s.Many
	case n < 8:
		text = "several " + s.Many
	default:
		text = "many " + s.Many
	}
	return text + s.place()
}

// Side is -1 where all regions are on the left, 1 where they are on the right, else 0.
func (s Sighting) Side() int {
	switch left, right := s.span(); {
	case right < 0.4:
		return -1
	case left > 0.6:
		return 1
	}
	return 0
}

func (s Sighting) span() (left, right float64) {
	byX := func(a, b Region) int { return cmp.Compare(a.X, b.X) }
	return slices.MinFunc(s.Regions, byX).X, slices.MaxFunc(s.Regions, byX).X
}

// place says where, by the outermost of the regions and the nearest, which reaches down the most. What
// lines the street has a place only where that is one side.
func (s Sighting) place() string {
	left, right := s.span()
	bottom := slices.MaxFunc(s.Regions, func(a, b Region) int { return cmp.Compare(a.Bottom, b.Bottom) }).Bottom
	switch {
	case s.Side() < 0:
		return " on the left"
	case s.Side() > 0:
		return " on the right"
	case s.Beside:
		return ""
	case left < 0.35 && right > 0.65:
		return " on both sides"
	case bottom > 0.75:
		return " close ahead"
	case bottom < 0.6:
		return " in the distance"
	}
	return " ahead"
}
