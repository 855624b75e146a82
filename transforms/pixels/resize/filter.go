package resize

import (
	"fmt"
	"math"
	"strings"
)

// Filter names a way to compute resized pixels. All but Nearest are the
// antialiased filters of Pillow: when an image shrinks, the filter is widened by
// the factor, so that every source pixel counts. (The interpolations of OpenCV
// and torch, without antialiasing, are other filters.)
type Filter uint8

// The filters, with the names that ParseFilter accepts.
const (
	Nearest  Filter = iota // "nearest": the source pixel under the centre
	Area                   // "area": mean of the covered pixels, Pillow's BOX
	Bilinear               // "bilinear": triangle, support 1
	Bicubic                // "bicubic": Keys with a = -0.5, support 2
	Lanczos                // "lanczos": windowed sinc, support 3
)

var filterNames = [...]string{"nearest", "area", "bilinear", "bicubic", "lanczos"}

func (f Filter) String() string {
	if int(f) < len(filterNames) {
		return filterNames[f]
	}
	return fmt.Sprintf("Filter(%d)", uint8(f))
}

// ParseFilter returns the filter of a name; the error of an unknown name lists
// the valid ones.
func ParseFilter(name string) (Filter, error) {
	for i, n := range filterNames {
		if n == name {
			return Filter(i), nil
		}
	}
	return 0, fmt.Errorf("pixels: filter %q: unknown; valid: %s", name, strings.Join(filterNames[:], ", "))
}

// kernel returns the filter as a function and the distance beyond which it is 0.
//
// Here and in makeTaps, products are converted to float64 before they are
// added, which keeps compilers from fusing the two into one rounding: weights
// are the same on every platform.
func (f Filter) kernel() (fn func(x float64) float64, support float64) {
	switch f {
	case Area:
		return func(x float64) float64 {
			if x > -0.5 && x <= 0.5 {
				return 1
			}
			return 0
		}, 0.5
	case Bilinear:
		return func(x float64) float64 { return max(0, 1-math.Abs(x)) }, 1
	case Bicubic:
		const a = -0.5
		return func(x float64) float64 {
			x = math.Abs(x)
			switch {
			case x < 1:
				return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
			case x < 2:
				return float64((float64((float64((x-5)*x)+8)*x) - 4) * a)
			}
			return 0
		}, 2
	case Lanczos:
		return func(x float64) float64 {
			if x >= -3 && x < 3 {
				return sinc(x) * sinc(x/3)
			}
			return 0
		}, 3
	}
	return nil, 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}
