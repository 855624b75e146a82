package charts

import (
	"math"
	"strconv"
)

// tiny is the least number above 0 that a logarithmic axis shows; what is below
// it counts as 0.
const tiny = 1e-100

// tick is a round value on an axis.
type tick struct {
	value float64
	label string
}

// axis maps values to coordinates: low to from, high to to.
type axis struct {
	low, high float64
	log       bool
	from, to  float64
	ticks     []tick
}

// at returns the coordinate of v.
func (a axis) at(v float64) float64 {
	if a.log {
		low := logarithm(a.low)
		return a.from + float64((logarithm(v)-low)/(logarithm(a.high)-low)*(a.to-a.from))
	}
	return a.from + float64((v-a.low)/(a.high-a.low)*(a.to-a.from))
}

// logarithm is log10, exact for powers of ten.
func logarithm(v float64) float64 {
	e := exponent(v)
	return float64(e) + math.Log10(v/power(e))
}

// linearAxis spans low to high with about want ticks at 1, 2 or 5 times a power of
// ten. It is widened to the next ticks unless tight.
func linearAxis(low, high float64, want int, tight bool) axis {
	if spread := math.Max(math.Abs(low), math.Abs(high)); high-low <= math.Max(spread*1e-9, tiny) {
		pad := spread / 10
		if pad < tiny {
			pad = 1
		}
		low, high = low-pad, high+pad
	}
	unit, e := roundStep((high - low) / float64(want))
	value := func(i float64) float64 {
		if e < 0 { // a division rounds once: 3 steps of 0.1 are 0.3
			return float64(i*unit) / power(-e)
		}
		return float64(i*unit) * power(e)
	}
	first, last := math.Ceil(low/value(1)-1e-9), math.Floor(high/value(1)+1e-9)
	if !tight {
		first, last = math.Floor(low/value(1)+1e-9), math.Ceil(high/value(1)-1e-9)
		low, high = value(first), value(last)
	}
	a := axis{low: low, high: high}
	for i := first; i <= last; i++ {
		v := value(i)
		label := fixed(v, max(-e, 0))
		if math.Abs(v) >= 1e7 || e < -6 {
			label = scientific(v, 4)
		}
		if v == 0 {
			label = "0"
		}
		a.ticks = append(a.ticks, tick{v, label})
	}
	return a
}

// roundStep returns the least 1, 2 or 5 times 10^e that is at least step.
func roundStep(step float64) (unit float64, e int) {
	e = exponent(step)
	for _, unit := range []float64{1, 2, 5} {
		if step <= float64(unit*power(e))*(1+1e-9) {
			return unit, e
		}
	}
	return 1, e + 1
}

// logAxis spans whole decades around low and high, both above 0, with ticks at
// powers of ten, and at 2 and 5 times them where there are few.
func logAxis(low, high float64) axis {
	from, to := exponent(low), exponent(high)
	if power(to) < high {
		to++
	}
	if from == to {
		from--
	}
	a := axis{low: power(from), high: power(to), log: true}
	every := (to-from)/9 + 1
	for e := from; e <= to; e++ {
		if (e-from)%every != 0 {
			continue
		}
		a.ticks = append(a.ticks, tick{power(e), decade(1, e)})
		if to-from <= 2 && e < to {
			for _, n := range []int{2, 5} {
				v, _ := strconv.ParseFloat(strconv.Itoa(n)+"e"+strconv.Itoa(e), 64)
				a.ticks = append(a.ticks, tick{v, decade(n, e)})
			}
		}
	}
	return a
}

func decade(n, e int) string {
	if e < -5 || e > 6 {
		return strconv.Itoa(n) + "e" + strconv.Itoa(e)
	}
	return strconv.FormatFloat(float64(n)*power(e), 'f', max(-e, 0), 64)
}
