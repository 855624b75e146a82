package minicity

import (
	"math/rand/v2"
	"strings"

	"semidavil"
)

// nouns are the singular and plural of things that captions count, rare and
// large things first.
var nouns = []struct {
	kind      kind
	one, many string
}{
	{train, "tram", "trams"}, {bus, "bus", "buses"}, {truck, "truck", "trucks"},
	{motorcyclist, "rider on a motorcycle", "riders on motorcycles"}, {cyclist, "rider on a bicycle", "riders on bicycles"},
	{car, "car", "cars"}, {person, "person", "people"},
	{motorcycle, "parked motorcycle", "parked motorcycles"}, {bicycle, "parked bicycle", "parked bicycles"},
}

// numbers spells small counts; larger ones are "several" or "many".
var numbers = []string{"no", "one", "two", "three", "four"}

// visible is the number of pixels from which a thing is worth a word: one in
// 1,500 of the image.
func visible(w, h int) int { return max(4, w*h/1500) }

// caption describes what can be seen in the scene: which things, how many,
// where, and the light. Only what has enough visible pixels is named.
func (s *Scene) caption(ids *IDMap, things []int16) string {
	r := newRand(s.seed, s.domain, s.index, 2)
	area, sumX := make([]int, len(s.things)), make([]float64, len(s.things))
	for i, t := range things {
		if t >= 0 {
			area[t]++
			sumX[t] += float64(i%ids.W) + 0.5
		}
	}
	least := visible(ids.W, ids.H)
	var phrases []string
	for _, n := range nouns {
		count, x, near := 0, 0.0, false
		for i, t := range s.things {
			if t.kind == n.kind && area[i] >= least {
				count++
				x += sumX[i] / float64(area[i])
				near = near || t.z < 12
			}
		}
		if count > 0 {
			phrases = append(phrases, counted(r, count, n.one, n.many)+place(r, x/float64(count)/float64(ids.W), near))
		}
	}
	var first string
	switch {
	case len(phrases) == 0:
		first = pickWord(r, "an empty street", "a quiet street without traffic", "a street with nobody on it")
	default:
		first = pickWord(r, "a street with ", "a city street with ", "a road with ", "a scene with ", "a view of ") + list(phrases)
	}
	return first + s.surroundings(r, ids, least) + s.light(r)
}

func pickWord(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

func counted(r *rand.Rand, n int, one, many string) string {
	switch {
	case n == 1:
		article := "a "
		if strings.ContainsRune("aeiou", rune(one[0])) {
			article = "an "
		}
		return pickWord(r, article, "one ") + one
	case n < len(numbers):
		return numbers[n] + " " + many
	case n < 8:
		return "several " + many
	}
	return "many " + many
}

// place says where, for some of the phrases.
func place(r *rand.Rand, x float64, near bool) string {
	switch {
	case chance(r, 0.35):
		return ""
	case x < 0.36:
		return " on the left"
	case x > 0.64:
		return " on the right"
	case near:
		return pickWord(r, " close ahead", " in front")
	}
	return pickWord(r, " ahead", " in the distance", " in the middle")
}

func list(phrases []string) string {
	if len(phrases) == 1 {
		return phrases[0]
	}
	return strings.Join(phrases[:len(phrases)-1], ", ") + " and " + phrases[len(phrases)-1]
}

// surroundings names what lines the street and stands beside it.
func (s *Scene) surroundings(r *rand.Rand, ids *IDMap, least int) string {
	count, left := map[uint8]int{}, map[uint8]int{}
	for i, id := range ids.Pix {
		count[id]++
		if i%ids.W < ids.W/2 {
			left[id]++
		}
	}
	var seen []string
	for _, c := range []struct {
		id   uint8
		text string
		side bool
	}{{idWall, "a brick wall", true}, {idFence, "a fence", true}, {idTrafficLight, "traffic lights", false}, {idTrafficSign, "traffic signs", false},
		{idBuilding, "buildings", false}, {idVegetation, "trees", false}, {idTerrain, "grass", false}} {
		need := least
		if !c.side && c.id != idTrafficLight && c.id != idTrafficSign {
			need = len(ids.Pix) / 20
		}
		if count[c.id] < need {
			continue
		}
		text := c.text
		if c.side && 4*left[c.id] > 3*count[c.id] {
			text += " on the left"
		} else if c.side && 4*left[c.id] < count[c.id] {
			text += " on the right"
		}
		if c.side || chance(r, 0.6) {
			seen = append(seen, text)
		}
	}
	if len(seen) == 0 {
		return ""
	}
	return pickWord(r, ", beside ", ", lined by ", ", along ") + list(seen)
}

func (s *Scene) light(r *rand.Rand) string {
	switch s.weather {
	case sunny:
		return pickWord(r, ", on a sunny day", ", under a blue sky", "")
	case cloudy:
		return pickWord(r, ", under a cloudy sky", ", under white clouds", "")
	case overcast:
		return pickWord(r, ", under a gray sky", ", on a dull day", ", in haze")
	}
	return pickWord(r, ", at dusk", ", in evening light")
}

// Captions returns the captions of n scenes of each domain, for training a
// vocabulary.
func Captions(seed uint64, n int) []string {
	var out []string
	for i := range n {
		for _, domain := range []semidavil.Domain{semidavil.Source, semidavil.Target} {
			_, _, caption := NewScene(seed, domain, i).Render(128, 64)
			out = append(out, caption)
		}
	}
	return out
}
