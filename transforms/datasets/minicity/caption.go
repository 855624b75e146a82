package minicity

import (
	"math/rand/v2"
	"strings"

	"semidavil/transforms/captions"
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

// sight is what can be seen of a thing.
type sight struct {
	area  int     // pixels
	rider int     // of which belong to a rider
	plate int     // of which are a traffic light or sign
	x     float64 // mean column
}

// shows is true where enough of a thing can be seen to be named. Of somebody on
// two wheels both have to be seen.
func (g sight) shows(k kind, least int) bool {
	switch k {
	case cyclist, motorcyclist:
		return g.area >= least && 4*g.rider >= least && 4*(g.area-g.rider) >= least
	case lightPole, signPole:
		return 2*g.plate >= least
	}
	return g.area >= least
}

// look measures the things in a rendered scene.
func (s *Scene) look(ids *IDMap, things []int16) []sight {
	out := make([]sight, len(s.things))
	for i, t := range things {
		if t < 0 {
			continue
		}
		g := &out[t]
		g.area++
		g.x += float64(i%ids.W) + 0.5
		switch ids.Pix[i] {
		case idRider:
			g.rider++
		case idTrafficLight, idTrafficSign:
			g.plate++
		}
	}
	for i := range out {
		out[i].x /= float64(max(1, out[i].area))
	}
	return out
}

// caption describes what can be seen in the scene: which things, how many,
// where, and the light. Only what has at least so many visible pixels is named. r chooses
// the words.
func (s *Scene) caption(r *rand.Rand, ids *IDMap, things []int16, least int) string {
	seen := s.look(ids, things)
	var phrases []string
	for _, n := range nouns {
		count, where := 0, spot{left: 1, nearest: 1000}
		for i, t := range s.things {
			if t.kind == n.kind && seen[i].shows(t.kind, least) {
				count++
				x := seen[i].x / float64(ids.W)
				where = spot{min(where.left, x), max(where.right, x), min(where.nearest, t.z)}
			}
		}
		if count > 0 {
			phrases = append(phrases, counted(r, count, n.one, n.many)+where.place(r))
		}
	}
	first := pickWord(r, "an empty street", "a quiet street without traffic", "a street with nobody on it")
	if len(phrases) > 0 {
		first = pickWord(r, "a street with ", "a city street with ", "a road with ", "a scene with ", "a view of ") + captions.List(phrases)
	}
	around, light := s.surroundings(r, ids, seen, least), s.light(r)
	switch {
	case len(around) == 0:
		return first + light
	case len(phrases) < 2 || chance(r, 0.45):
		return first + pickWord(r, ", beside ", ", near ", ", along with ") + captions.List(around) + light
	}
	return first + light + ". " + pickWord(r, "the street has ", "one also sees ") + captions.List(around)
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

// spot is where some things are: the outermost columns as shares of the width,
// and the metres to the nearest.
type spot struct{ left, right, nearest float64 }

// place says where, for some of the phrases.
func (p spot) place(r *rand.Rand) string {
	switch {
	case chance(r, 0.3):
		return ""
	case p.right < 0.4:
		return " on the left"
	case p.left > 0.6:
		return " on the right"
	case p.left < 0.35 && p.right > 0.65:
		return pickWord(r, " on both sides", "")
	case p.nearest < 12:
		return pickWord(r, " close ahead", " in front")
	case p.nearest > 20:
		return pickWord(r, " in the distance", " far ahead", " ahead")
	}
	return pickWord(r, " ahead", "")
}

// lining is what lines the street or stands on poles, with the singular where
// the things are counted.
var lining = []struct {
	id        uint8
	kind      kind
	one, many string
	share     int // of the image it fills at least, one part in this many; 0 for things as small as others
}{
	{idBuilding, 0, "", "buildings", 20}, {idVegetation, 0, "", "trees", 20}, {idTerrain, 0, "", "grass", 40},
	{idWall, 0, "", "a brick wall", 0}, {idFence, 0, "", "a fence", 0},
	{idTrafficLight, lightPole, "a traffic light", "traffic lights", 0}, {idTrafficSign, signPole, "a traffic sign", "traffic signs", 0},
}

// surroundings names what lines the street and stands beside it.
func (s *Scene) surroundings(r *rand.Rand, ids *IDMap, seen []sight, least int) []string {
	var count, left [256]int
	for i, id := range ids.Pix {
		count[id]++
		if i%ids.W < ids.W/2 {
			left[id]++
		}
	}
	var out []string
	for _, c := range lining {
		text := c.many
		switch {
		case c.one != "":
			n := 0
			for i, t := range s.things {
				if t.kind == c.kind && seen[i].shows(t.kind, least) {
					n++
				}
			}
			if n == 0 || chance(r, 0.2) {
				continue
			}
			if n == 1 {
				text = c.one
			}
		case c.share > 0:
			if count[c.id]*c.share < len(ids.Pix) || chance(r, 0.35) {
				continue
			}
		case count[c.id] < least:
			continue
		case 4*left[c.id] > 3*count[c.id]:
			text += " on the left"
		case 4*left[c.id] < count[c.id]:
			text += " on the right"
		}
		out = append(out, text)
	}
	return out
}

func (s *Scene) light(r *rand.Rand) string {
	switch s.weather {
	case sunny:
		return pickWord(r, ", on a sunny day", ", under a blue sky", "")
	case cloudy:
		return pickWord(r, ", under a cloudy sky", ", under white clouds", "")
	case overcast:
		return pickWord(r, ", under a gray sky", ", on a dull day", ", in haze")
	case rain:
		return pickWord(r, ", on a wet road", ", in the rain", ", on a rainy day")
	}
	return pickWord(r, ", at dusk", ", in evening light")
}
