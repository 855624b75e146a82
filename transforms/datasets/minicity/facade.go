package minicity

import "math"

// wall is an upright line of a strip, from which the colours at all heights
// follow.
type wall struct {
	strip
	u, length  float64 // metres along and in all
	column     int     // of windows
	fu         float64 // place in the column, 0 to 1
	fine       float64 // texture fades before it aliases
	style      int
	eaves      float64 // where the roof begins
	shop, door bool
	balcony    bool
	end        bool // the end of a row of houses: no doors and shops
}

// The styles of houses.
const (
	plaster = iota
	brick
	panels
	townhouse
)

const column = 2.6 // width of a column of windows, metres

func (st strip) wall(u, length, z float64) wall {
	w := wall{strip: st, u: u, length: length, fine: min(1, 20/z), eaves: st.height}
	if st.id != idBuilding {
		return w
	}
	// Whole columns fill the house.
	width := length / math.Max(1, math.Round(length/column))
	w.column, w.fu = int(math.Floor(u/width)), repeat(u, width)/width
	w.style = int(4 * hash2(5, 1, st.look))
	if w.style == plaster || w.style == townhouse {
		w.eaves = st.height - 1.9
	}
	w.shop = hash2(0, 9, st.look) < 0.5
	w.door = hash2(w.column, 7, st.look) < 0.3
	w.balcony = hash2(w.column, 12, st.look) < 0.35 && w.style != brick
	return w
}

// at is the colour y metres up.
func (w *wall) at(y float64) rgb {
	switch w.id {
	case idWall: // courses of bricks under a coping
		if y > w.height-0.2 {
			return w.color.times(1.14)
		}
		if y < 0.12 {
			return w.color.times(0.7)
		}
		return w.bricks(y, 0.3, 0.28)
	case idFence: // pickets and two rails; what is between them counts as fence too
		if p := repeat(w.u, 0.36); p < 0.2 || abs(y-0.35) < 0.08 || abs(y-w.height+0.35) < 0.08 {
			return w.color.times(1.16 - 0.7*p)
		}
		return mix(rgb{72, 100, 54}, w.color, 1-w.fine)
	}
	return w.house(y)
}

// bricks are rows of the given height with joints.
func (w *wall) bricks(y, high, joint float64) rgb {
	row := int(y / high)
	u := w.u + high*float64(row%2)
	if y-high*float64(row) < high*0.17 || repeat(u, 2*high) < high*0.16 {
		return w.color.times(1 - joint*w.fine)
	}
	return w.color.times(0.88 + w.fine*0.22*(hash2(int(u/(2*high)), row, w.look)-0.35))
}

// house is a house front: shops or doors, floors of windows, a cornice, a roof.
func (w *wall) house(y float64) rgb {
	if y > w.eaves {
		return w.roof(y - w.eaves)
	}
	base := w.color
	switch {
	case y > w.eaves-0.35: // cornice
		return base.times(0.74 + 0.3*(w.eaves-y))
	case y < 0.5:
		return base.times(0.66)
	case w.u < 0.16 || w.length-w.u < 0.16:
		return base.times(0.84)
	case y < 3.4:
		if col, ok := w.street(y); ok {
			return col
		}
		if y > 3.2 {
			return base.times(0.82)
		}
	default:
		floor := int((y - 3.4) / 2.9)
		fy := (y - 3.4 - 2.9*float64(floor)) / 2.9
		if col, ok := w.window(floor, fy); ok {
			return col
		}
	}
	switch w.style {
	case brick:
		return w.bricks(y, 0.36, 0.2)
	case townhouse:
		if repeat(y, 0.7) < 0.07 && y < 3.4 {
			return base.times(0.9)
		}
	}
	return base.times(0.96 + 0.08*hash2(w.column, int(y/2.9), w.look+5) - 0.05*smooth(2.4, 0.4, y))
}

// street is the ground floor.
func (w *wall) street(y float64) (rgb, bool) {
	switch {
	case w.end:
	case w.shop:
		awning := pickAt(carColors, hash2(1, 11, w.look))
		switch {
		case y > 2.75 && y < 3.2: // the name over the shop
			if w.fu > 0.2 && w.fu < 0.8 && y > 2.86 && y < 3.08 && repeat(w.u, 0.3) < 0.18 {
				return rgb{244, 240, 226}, true
			}
			return awning.times(0.62), true
		case y > 2.2 && y < 2.75:
			if repeat(w.u, 0.9) < 0.45 {
				return awning.times(0.8 + 0.4*(y-2.2)), true
			}
			return rgb{236, 232, 222}.times(0.8 + 0.36*(y-2.2)), true
		case w.fu > 0.07 && w.fu < 0.93:
			if w.door && w.fu < 0.42 {
				if w.fu > 0.12 && w.fu < 0.37 && y > 0.9 && y < 2 {
					return rgb{96, 116, 124}, true
				}
				return awning.times(0.45), true
			}
			lit := 0.35 + 0.65*hash2(w.column, 10, w.look)
			goods := pickAt(clothColors, hash2(int(w.u/0.5), 13, w.look))
			if y < 1.25 && repeat(w.u, 0.5) < 0.36 {
				return mix(rgb{60, 72, 80}, goods, 0.6*lit), true
			}
			return mix(rgb{66, 86, 100}, rgb{236, 216, 160}, 0.75*lit*smooth(0.4, 2.2, y)), true
		}
		return w.color.times(0.72), true
	case w.door:
		if w.fu > 0.28 && w.fu < 0.72 && y < 2.5 {
			if w.fu < 0.33 || w.fu > 0.67 || y > 2.38 {
				return w.color.times(1.2), true
			}
			if y > 2 {
				return rgb{120, 140, 150}, true
			}
			return pickAt(doorColors, hash2(w.column, 8, w.look)).times(0.86 + 0.24*w.fu), true
		}
		return rgb{}, false
	}
	return w.pane(0, (y-0.35)/2.9, 0.27, 0.73)
}

var doorColors = []rgb{{104, 66, 44}, {52, 84, 72}, {120, 40, 38}, {50, 62, 96}, {70, 58, 52}}

// window is a storey above the street: panes, shutters, balconies.
func (w *wall) window(floor int, fy float64) (rgb, bool) {
	if w.style == panels { // bands of glass
		if fy > 0.3 && fy < 0.84 {
			if w.fu < 0.05 || abs(w.fu-0.5) < 0.025 {
				return w.color.times(0.7), true
			}
			return w.glass(floor, fy), true
		}
		return rgb{}, false
	}
	if w.balcony && fy < 0.36 && w.fu > 0.12 && w.fu < 0.88 {
		switch {
		case fy < 0.05:
			return w.color.times(0.6), true
		case fy > 0.32 || repeat(w.u, 0.2) < 0.08:
			return mix(rgb{52, 54, 60}, w.color, 0.5*(1-w.fine)), true
		}
		return w.color.times(0.8), true
	}
	if w.style == townhouse && fy > 0.24 && fy < 0.84 && (w.fu > 0.1 && w.fu < 0.26 || w.fu > 0.74 && w.fu < 0.9) {
		return pickAt(doorColors, hash2(2, 14, w.look)).times(1.1 - 0.2*w.fine*repeat(fy*22, 1)), true // shutters
	}
	return w.pane(floor+1, fy, 0.28, 0.72)
}

// pane is a window with a frame and a sill.
func (w *wall) pane(floor int, fy, from, to float64) (rgb, bool) {
	switch {
	case w.fu < from || w.fu > to || fy < 0.2 || fy > 0.84:
		return rgb{}, false
	case fy < 0.26:
		if w.fine > 0.3 && hash2(w.column, floor, w.look+8) < 0.2 && !w.end { // flowers
			return pickAt([]rgb{{200, 50, 60}, {70, 120, 60}, {220, 120, 160}}, hash2(int(w.u*4), floor, w.look)), true
		}
		return w.color.times(1.16), true
	case w.fu < from+0.05 || w.fu > to-0.05 || fy > 0.8 || abs(w.fu-(from+to)/2) < 0.022 || abs(fy-0.62) < 0.016:
		return mix(w.color.times(1.1), rgb{240, 238, 232}, 0.7), true
	}
	return w.glass(floor, fy), true
}

// glass mirrors the sky, brighter towards the top, or is lit.
func (w *wall) glass(floor int, fy float64) rgb {
	h := hash2(w.column, floor, w.look)
	if h < 0.1 {
		return rgb{248, 214, 136}.times(0.86 + 0.2*fy)
	}
	col := mix(rgb{48, 62, 84}, rgb{158, 188, 214}, (0.15+0.6*h)*smooth(0.1, 0.95, fy))
	if h > 0.7 && fy > 0.45 { // a blind
		return rgb{206, 200, 188}
	}
	return col
}

// roof is a steep roof seen from below, with dormers.
func (w *wall) roof(up float64) rgb {
	tiles := pickAt([]rgb{{150, 74, 56}, {92, 92, 104}, {124, 70, 62}, {80, 86, 90}}, hash2(6, 1, w.look))
	if !w.end && w.column%2 == 1 && w.fu > 0.22 && w.fu < 0.78 && up > 0.25 && up < 1.6 {
		if w.fu > 0.32 && w.fu < 0.68 && up > 0.45 && up < 1.35 {
			return rgb{74, 92, 114}.times(0.8 + 0.4*up)
		}
		return rgb{224, 220, 210}
	}
	shade := 1.04 - 0.1*up
	if repeat(up, 0.3) < 0.07 {
		shade -= 0.16 * w.fine
	}
	return tiles.times(shade + 0.08*w.fine*(hash2(int(w.u/0.3), int(up/0.3), w.look)-0.5))
}
