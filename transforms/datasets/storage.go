package datasets

import (
	"fmt"
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
)

// Storage is how label files hold their ids.
type Storage struct {
	// Rasters lists the kinds of files that are accepted.
	Rasters []Raster
	// Colours are those of the ids in palettes that show classes; nil where palettes may
	// have any colours.
	Colours map[int][3]uint8
}

// Raster is a kind of file and the bits of a sample.
type Raster struct {
	Kind  fastpng.Kind
	Depth int
}

// The rasters of the data sets.
var (
	gray8     = Raster{fastpng.Gray, 8}
	gray16    = Raster{fastpng.Gray, 16}
	palette8  = Raster{fastpng.Palette, 8}
	red16     = Raster{fastpng.RGB, 16}
	red16Over = Raster{fastpng.RGBA, 16} // with an alpha channel
)

// TrainIDs is how this program stores train ids.
var TrainIDs = Storage{Rasters: []Raster{gray8}}

// Predictions is how other programs store label maps of a class set, whose ids the table
// reads.
func Predictions(set semidavil.ClassSet, table labels.Table) Storage {
	return Storage{Rasters: []Raster{gray8, palette8, gray16}, Colours: classColours(set, table)}
}

// classColours are the colours of the ids that a table maps to classes.
func classColours(set semidavil.ClassSet, table labels.Table) map[int][3]uint8 {
	out := map[int][3]uint8{}
	for id := range 256 {
		if train, ok := table.TrainID(id); ok && int(train) < set.Len() {
			out[id] = set.Classes[train].Color
		}
	}
	return out
}

// IDs makes label ids of what a file holds. Files that are not label maps are refused,
// such as colour pictures. In a palette the index is the id, unless a lossless optimiser
// has been there: a palette of grays means its gray values, and one that shows the
// colour of a class at another id than that class's is refused.
func (s Storage) IDs(ids *fastpng.IDs) error {
	var want []string
	for _, r := range s.Rasters {
		if r.Kind == ids.Kind && (r.Depth == ids.Depth || r.Depth == 8 && ids.Depth < 8) {
			return s.palette(ids)
		}
		want = append(want, fmt.Sprintf("%d-bit %v", r.Depth, r.Kind))
	}
	return fmt.Errorf("datasets: label file is %d-bit %v; ids are stored as %s", ids.Depth, ids.Kind, strings.Join(want, " or "))
}

func (s Storage) palette(ids *fastpng.IDs) error {
	if ids.Kind != fastpng.Palette {
		return nil
	}
	wrong := s.disagreement(ids)
	if wrong == nil && s.Colours != nil && s.shows(ids.Palette) {
		return nil
	}
	if ids.Grays() {
		return nil
	}
	return wrong
}

// shows reports whether a palette has the colour of a class at its id. Elsewhere it says
// nothing: some classes are gray, and a palette of all grays has their colours too.
func (s Storage) shows(palette [][3]uint8) bool {
	for id, colour := range s.Colours {
		if id < len(palette) && palette[id] == colour {
			return true
		}
	}
	return false
}

// disagreement is an error where an index in use has the colour of another id.
func (s Storage) disagreement(ids *fastpng.IDs) error {
	if s.Colours == nil {
		return nil
	}
	var used [256]bool
	for _, id := range ids.Pix8 {
		used[id] = true
	}
	black := [3]uint8{} // of what belongs to no class
	classOf := map[[3]uint8]bool{}
	for _, c := range s.Colours {
		classOf[c] = true
	}
	for id, colour := range ids.Palette {
		own, class := s.Colours[id]
		if used[id] && colour != own && (classOf[colour] || class && colour == black) {
			return fmt.Errorf("datasets: the palette has the colour %v at id %d, which is that of another id: was the file rewritten with its palette in another order?", colour, id)
		}
	}
	return nil
}
