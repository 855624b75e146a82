package sheet

import "math"

// viridis are nine colours of matplotlib's map of that name, at equal steps: it
// grows evenly in lightness, also for colour-blind readers.
var viridis = [9][3]float64{
	{68, 1, 84}, {71, 45, 123}, {59, 82, 139}, {44, 114, 142}, {33, 145, 140},
	{40, 174, 128}, {94, 201, 98}, {173, 220, 48}, {253, 231, 37},
}

// Heat returns the colour of a value from 0 (dark blue) to 1 (yellow), linear
// between the colours of viridis. Values outside are taken as the nearest end;
// NaN is black.
func Heat(v float64) [3]uint8 {
	if math.IsNaN(v) {
		return [3]uint8{}
	}
	v = min(max(v, 0), 1) * float64(len(viridis)-1)
	i := min(int(v), len(viridis)-2)
	var out [3]uint8
	for c := range out {
		a, b := viridis[i][c], viridis[i+1][c]
		out[c] = uint8(a + float64((b-a)*(v-float64(i))) + 0.5)
	}
	return out
}
