package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"gorgonia.org/tensor"

	"semidavil/internal/fixture"
	"semidavil/model/clip"
	"semidavil/model/params"
)

// file is a safetensors file of that header and data.
func file(header string, data ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
}

// decodeAll reads all tensors of a file that has size bytes, and its metadata.
func decodeAll(r io.Reader, size int64) (params.Values, map[string]string, error) {
	file, err := NewReader(r, size)
	if err != nil {
		return nil, nil, err
	}
	values := params.Values{}
	for {
		t, err := file.Next()
		if errors.Is(err, io.EOF) {
			return values, file.Metadata(), nil
		}
		if err != nil {
			return nil, nil, err
		}
		if values[t.Name], err = file.Dense(); err != nil {
			return nil, nil, err
		}
	}
}

func decode(data []byte) (params.Values, map[string]string, error) {
	return decodeAll(bytes.NewReader(data), int64(len(data)))
}

// mixed has every kind of value that can be written.
func mixed() params.Values {
	odd := make([]float32, 0, 12)
	for _, bits := range []uint32{0, 1 << 31, 1, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f812345, 0xffffffff, 0x7f7fffff, 0x00800000, 0x3f800001, 0xbf7fffff} {
		odd = append(odd, math.Float32frombits(bits))
	}
	long := make([]float32, 3*chunk/4+5) // several chunks and a rest
	for i := range long {
		long[i] = float32(i) * 1.25
	}
	return params.Values{
		"odd": params.Dense(odd, 3, 2, 2), "scalar": params.Dense([]float32{2.5}), "one": params.Dense([]float32{-1}, 1),
		"column": params.Dense([]float32{1, 2, 3}, 3, 1), "row": params.Dense([]float32{4, 5, 6}, 1, 3), "long": params.Dense(long, len(long)),
		"step": params.Dense([]int64{math.MinInt64, -1, 0, math.MaxInt64}, 2, 2), "count": params.Dense([]int64{7}),
		"a/\"b\"\\<é>\n": params.Dense([]float32{1, 2}, 2),
	}
}

func TestRoundTrip(t *testing.T) {
	for _, meta := range []map[string]string{nil, {}, {"format": "pt", "z": "", "a\"<\n": "é\x01\u2028"}} {
		var first, second bytes.Buffer
		for _, b := range []*bytes.Buffer{&first, &second} {
			if err := Encode(b, mixed(), meta); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Error("two runs give other bytes")
		}
		data := first.Bytes()
		if n := binary.LittleEndian.Uint64(data); n%8 != 0 {
			t.Errorf("header has %d bytes", n)
		}
		// Readers in pieces of one byte, and with an error at the end of the data.
		for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
			values, have, err := decodeAll(r, int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			same(t, values, mixed())
			if fmt.Sprint(have) != fmt.Sprint(meta) || (have == nil) != (meta == nil) {
				t.Errorf("metadata %q, want %q", have, meta)
			}
		}
	}
	var b bytes.Buffer
	if err := Encode(&b, params.Values{}, nil); err != nil {
		t.Fatal(err)
	}
	if values, _, err := decode(b.Bytes()); err != nil || len(values) > 0 {
		t.Errorf("nothing: %v, %v", values, err)
	}
}

// TestOrder checks the bytes themselves: wider types first, then by name.
func TestOrder(t *testing.T) {
	var b bytes.Buffer
	err := Encode(&b, params.Values{"b": params.Dense([]float32{1}, 1), "a": params.Dense([]float32{2}), "z": params.Dense([]int64{3}, 1)}, map[string]string{"y": "1", "x": "<"})
	if err != nil {
		t.Fatal(err)
	}
	const header = `{"__metadata__":{"x":"<","y":"1"},"z":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},` +
		`"a":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`
	want := file(header+strings.Repeat(" ", (8-len(header)%8)%8), 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3f)
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("have %q\nwant %q", b.Bytes(), want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	matrix := params.Dense([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	turned := params.Dense([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	column, err := matrix.Slice(nil, tensor.S(1))
	if err != nil {
		t.Fatal(err)
	}
	for want, values := range map[string]params.Values{
		"is nil":             {"x": nil},
		"want float32 or":    {"x": tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{1}))},
		"row-major":          {"x": turned},
		"row-major, wanted":  {"x": column.(*tensor.Dense)},
		"cannot be the name": {"__metadata__": matrix},
		"\"\\xff\"":          {"\xff": matrix},
	} {
		if err := Encode(io.Discard, values, nil); err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(want, ", wanted")) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	if err := Encode(io.Discard, params.Values{}, map[string]string{"a": "\xff"}); err == nil {
		t.Error("metadata that is not UTF-8 was written")
	}
	full := errors.New("full")
	for n := range 3 {
		if err := Encode(&failing{left: n, err: full}, mixed(), nil); !errors.Is(err, full) {
			t.Errorf("after %d writes: %v", n, err)
		}
	}
}

// failing fails after some writes.
type failing struct {
	left int
	err  error
}

func (w *failing) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// TestHostile lists files that must be refused, and a part of the reason.
func TestHostile(t *testing.T) {
	one := func(entry string) string { return `{"x":` + entry + `}` }
	const ok = `{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	long := strings.Repeat("n", 1000)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no safetensors file"},
		{"short", []byte("1234567"), "no safetensors file"},
		{"header longer than the file", append(binary.LittleEndian.AppendUint64(nil, 3), "{}"...), "said to have 3 bytes"},
		{"header of 2^64-1", append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "{}"...), "said to have"},
		{"header of 2^63", append(binary.LittleEndian.AppendUint64(nil, 1<<63), "{}"...), "said to have"},
		{"no JSON", file("xx"), "header"},
		{"array", file("[]"), "unmarshal JSON array into Go map"},
		{"cut JSON", file(`{"x":`), "unexpected EOF"},
		{"text behind", file(`{} {}`), "after top-level value"},
		{"comma", file(`{"x":`+ok+`,}`, 0, 0, 0, 0), "header"},
		{"not UTF-8", file("{\"\xff\":1}"), "UTF-8"},
		{"deep", file(one(strings.Repeat("[", 100000))), `"/x`},
		{"deep shape", file(one(`{"dtype":"F32","shape":` + strings.Repeat("[", 100000))), `"/x/shape`},
		{"deep metadata", file(`{"__metadata__":{"a":` + strings.Repeat(`{"a":`, 100000)), "/__metadata__/a"},
		{"metadata of numbers", file(`{"__metadata__":{"a":1}}`), "JSON number into Go string"},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`), "duplicate"},
		{"tensor twice", file(`{"x":`+ok+`,"x":`+ok+`}`, 0, 0, 0, 0), `duplicate object member name "x"`},
		{"tensor twice, escaped", file(`{"x":`+ok+`,"\u0078":`+ok+`}`, 0, 0, 0, 0), `duplicate object member name "x"`},
		{"shape twice", file(one(`{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}`), 0, 0, 0, 0), `duplicate object member name "shape"`},
		{"other key", file(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}`), 0, 0, 0, 0), `unknown object member name "more"`},
		{"no shape", file(one(`{"dtype":"F32","data_offsets":[0,4]}`), 0, 0, 0, 0), "want the keys"},
		{"type", file(one(`{"dtype":"F33","shape":[1],"data_offsets":[0,4]}`), 0, 0, 0, 0), `type "F33" is unknown`},
		{"type no string", file(one(`{"dtype":null,"shape":[1],"data_offsets":[0,4]}`), 0, 0, 0, 0), "want the keys"},
		{"type not read", file(one(`{"dtype":"F64","shape":[1],"data_offsets":[0,8]}`), 0, 0, 0, 0, 0, 0, 0, 0), "valid: F32, F16, BF16, I64"},
		{"negative dim", file(one(`{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}`), 0, 0, 0, 0), "JSON number -1 into Go uint64"},
		{"fraction", file(one(`{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}`), 0, 0, 0, 0), "JSON number 1.0 into Go uint64"},
		{"exponent", file(one(`{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}`), 0, 0, 0, 0), "JSON number 1e0 into Go uint64"},
		{"2^63", file(one(`{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}`), 0, 0, 0, 0), "too large"},
		{"product wraps to 0", file(one(`{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}`)), "too large"},
		{"product wraps to 4", file(one(`{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}`), 0, 0, 0, 0), "too large"},
		{"rank", file(one(`{"dtype":"F32","shape":[1` + strings.Repeat(",1", 16) + `],"data_offsets":[0,4]}`)), "at most 16"},
		{"no elements", file(one(`{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)), "no elements"},
		{"one offset", file(one(`{"dtype":"F32","shape":[1],"data_offsets":[4]}`), 0, 0, 0, 0), "too few array elements"},
		{"three offsets", file(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}`), 0, 0, 0, 0), "too many array elements"},
		{"reversed", file(one(`{"dtype":"F32","shape":[1],"data_offsets":[4,0]}`), 0, 0, 0, 0), "no begin and end"},
		{"other size", file(one(`{"dtype":"F32","shape":[2],"data_offsets":[0,4]}`), 0, 0, 0, 0), "takes 8 bytes"},
		{"beyond the end", file(one(`{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`), 0, 0, 0, 0), "the file is cut"},
		{"offsets near 2^63", file(one(`{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}`), 0, 0, 0, 0), "after a gap"},
		{"gap", file(one(`{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`), 0, 0, 0, 0, 0, 0, 0, 0), "after a gap of 4"},
		{"bytes left", file(one(ok), 0, 0, 0, 0, 0), "1 bytes belong to no tensor"},
		{"overlap", file(`{"x":`+ok+`,"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, 0, 0, 0, 0, 0, 0), `"y": begins at byte 2, inside`},
		{"same bytes", file(`{"x":`+ok+`,"y":`+ok+`}`, 0, 0, 0, 0), `"y": begins at byte 0, inside`},
		{"long name", file(`{"` + long + `":1}`), "nnn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			values, _, err := decode(c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "weights: read") {
				t.Errorf("have %d values and %v, want %q", len(values), err, c.want)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
	if _, _, err := decode(file(one(ok)+"  \n", 0, 0, 0x80, 0x3f)); err != nil {
		t.Errorf("spaces behind the header: %v", err)
	}
}

// TestTruncated cuts a file at every byte, once as a short file and once as a stream
// that ends before its announced size, and lengthens it.
func TestTruncated(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, params.Values{"x": params.Dense([]float32{1, 2, 3}, 3), "y": params.Dense([]int64{5}, 1)}, map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	for n := range data {
		if _, _, err := decode(data[:n]); err == nil {
			t.Errorf("a file cut to %d of %d bytes was read", n, len(data))
		}
		if _, _, err := decodeAll(bytes.NewReader(data[:n]), int64(len(data))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a stream of %d of %d bytes: %v", n, len(data), err)
		}
		if n < 8 {
			continue
		}
		r, err := NewReader(bytes.NewReader(data[:n]), int64(len(data))) // passing over all
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("passing over %d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, _, err := decodeAll(bytes.NewReader(append(data, 0)), int64(len(data))); err == nil || !strings.Contains(err.Error(), "grown") {
		t.Errorf("a longer stream: %v", err)
	}
}

// TestHalves compares all halves with their definition, and with torch by a checksum.
func TestHalves(t *testing.T) {
	var want expected
	readJSON(t, "params.json", &want)
	var all, finite []byte
	for h := range 1 << 16 {
		all = binary.LittleEndian.AppendUint16(all, uint16(h))
	}
	header := func(t DType) string {
		return fmt.Sprintf(`{"h":{"dtype":%q,"shape":[256,256],"data_offsets":[0,131072]}}`, t)
	}
	half, _, err := decode(file(header(F16), all...))
	if err != nil {
		t.Fatal(err)
	}
	brain, _, err := decode(file(header(BF16), all...))
	if err != nil {
		t.Fatal(err)
	}
	for h := range 1 << 16 {
		v := half["h"].Data().([]float32)[h]
		exponent, fraction := h>>10&31, h&1023
		exact := math.Ldexp(float64(fraction), -24)
		switch {
		case exponent == 31 && fraction == 0:
			exact = math.Inf(1)
		case exponent == 31:
			exact = math.NaN()
		case exponent > 0:
			exact = math.Ldexp(float64(1024+fraction), exponent-25)
		}
		if h>>15 == 1 {
			exact = math.Copysign(exact, -1)
		}
		if math.IsNaN(exact) != math.IsNaN(float64(v)) || !math.IsNaN(exact) && math.Float64bits(exact) != math.Float64bits(float64(v)) {
			t.Fatalf("half %04x is %v, want %v", h, v, exact)
		}
		if !math.IsNaN(exact) {
			finite = binary.LittleEndian.AppendUint32(finite, math.Float32bits(v))
		}
		if b := math.Float32bits(brain["h"].Data().([]float32)[h]); b != uint32(h)<<16 {
			t.Fatalf("bfloat16 %04x is %08x", h, b)
		}
	}
	if crc := crc32.ChecksumIEEE(finite); crc != want.CRC["halves"] {
		t.Errorf("checksum %08x, torch has %08x", crc, want.CRC["halves"])
	}
}

// TestMemory bounds what reading takes by the size of the file.
func TestMemory(t *testing.T) {
	const n = 8 << 20
	var b bytes.Buffer
	b.Grow(4*n + 1000)
	if err := Encode(&b, params.Values{"x": params.Dense(make([]float32, n), n)}, nil); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := decode(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4*n+2*chunk {
		t.Errorf("reading %d bytes took %d", b.Len(), took)
	}
}

// FuzzDecode reads anything, and what it could read again after writing it.
func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	small := mixed()
	delete(small, "long")
	if err := Encode(&b, small, map[string]string{"format": "pt"}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(file(`{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"y":{"dtype":"BF16","shape":[],"data_offsets":[4,6]}}`, 1, 2, 3, 4, 5, 6))
	f.Add(file(`{"x":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}`))
	f.Add(file(`{}`))
	f.Add(append(binary.LittleEndian.AppendUint64(nil, 1<<40), "{}"...))
	f.Add(file(`{"x":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var values params.Values
		var meta map[string]string
		var err error
		fixture.Modest(t, 4<<20+200*len(data), func() { values, meta, err = decode(data) })
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Encode(&b, values, meta); err != nil {
			t.Fatal(err)
		}
		again, meta2, err := decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, values)
		if len(meta) != len(meta2) {
			t.Errorf("metadata %q became %q", meta, meta2)
		}
	})
}

// FuzzIndex reads anything as an index; what it accepts names files of the folder.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1,"x":[{}]},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		index, err := parseIndex(data)
		if err != nil {
			return
		}
		var other struct {
			Map map[string]string `json:"weight_map"`
		}
		if err := json.Unmarshal(data, &other); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		for name, file := range index {
			if strings.Contains(file, "/") || strings.HasPrefix(file, ".") || other.Map[name] != file {
				t.Errorf("%q in %q", name, file)
			}
		}
	})
}

// FuzzConfig gives any config.json to a network that the tensors describe: its heads come out
// of it, or faults.
func FuzzConfig(f *testing.F) {
	data, err := encodeConfig(clip.Tiny(1000))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"text_config":{"num_attention_heads":1099511627776},"vision_config_dict":{"num_attention_heads":0},"text_config_dict":null}`))
	f.Add([]byte(`{"vision_config":null,"text_config_dict":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := parseConfig(data)
		if err != nil {
			return
		}
		var found faults
		c := clip.Tiny(1000)
		read.apply(&c, &found)
		_ = c.Check()
	})
}
