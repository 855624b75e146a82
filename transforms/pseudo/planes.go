package pseudo

// What zstd compresses is six planes of one byte a pixel, one after the other:
// label, second class, high and low bytes of the confidence, high and low bytes
// of the second confidence.
//
// Confidences are enlarged bilinearly from the small grid of a network, so along a
// row they are close to straight lines: each value is stored as its difference from
// the line through the two pixels before, with the sign in the lowest bit. The
// second confidence is stored as what it and the first leave to other classes. Both
// together halve the file compared with plain values.
const bytesPerPixel = 6

// split writes the planes of p.
func split(raw []byte, p Prediction) {
	n := p.W * p.H
	copy(raw, p.Label)
	copy(raw[n:], p.Second)
	first, second := p.Confidence[:n], p.SecondConfidence[:n]
	high1, low1, high2, low2 := raw[2*n:][:n], raw[3*n:][:n], raw[4*n:][:n], raw[5*n:][:n]
	var line1, line2 line
	for i, q := range first {
		a, b := fold(line1.encode(q)), fold(line2.encode(rest(q, second[i])))
		high1[i], low1[i] = uint8(a>>8), uint8(a)
		high2[i], low2[i] = uint8(b>>8), uint8(b)
	}
}

// join is the inverse of split.
func join(h header, raw []byte) Prediction {
	n := h.w * h.h
	p := Prediction{W: h.w, H: h.h, Tag: h.tag, Label: make([]uint8, n), Second: make([]uint8, n),
		Confidence: make([]uint16, n), SecondConfidence: make([]uint16, n)}
	copy(p.Label, raw)
	copy(p.Second, raw[n:])
	first, second := p.Confidence[:n], p.SecondConfidence[:n]
	high1, low1, high2, low2 := raw[2*n:][:n], raw[3*n:][:n], raw[4*n:][:n], raw[5*n:][:n]
	var line1, line2 line
	for i := range first {
		q := line1.decode(unfold(uint16(high1[i])<<8 | uint16(low1[i])))
		first[i] = q
		second[i] = rest(q, line2.decode(unfold(uint16(high2[i])<<8|uint16(low2[i]))))
	}
	return p
}

// rest returns 65535 - q - r modulo 65536, the probability left to other classes.
// It is its own inverse in r.
func rest(q, r uint16) uint16 { return One - 1 - q - r }

// line continues a row of values straight on, modulo 65536.
type line struct{ last, step uint16 }

// encode returns the difference of the next value from the line.
func (l *line) encode(v uint16) uint16 {
	d := v - l.last - l.step
	l.last, l.step = v, v-l.last
	return d
}

// decode is the inverse of encode.
func (l *line) decode(d uint16) uint16 {
	l.step += d
	l.last += l.step
	return l.last
}

// fold maps the differences 0, -1, 1, -2, ... to 0, 1, 2, 3, ..., so that small
// ones of both signs have the same high byte.
func fold(d uint16) uint16 { return d<<1 ^ uint16(int16(d)>>15) }

// unfold is the inverse of fold.
func unfold(z uint16) uint16 { return z>>1 ^ -(z & 1) }
