package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gomlx/compute/dtypes/float16"
	"gorgonia.org/tensor"

	"semidavil/model/params"
)

// Reader reads a safetensors file in one pass, a tensor at a time, so that a file of
// gigabytes costs no more memory than the values that are kept.
type Reader struct {
	r        io.Reader
	tensors  []Tensor
	metadata map[string]string
	next     int
	unread   int64 // bytes of the tensor that Next returned
	buf      []byte
}

// NewReader reads the header of a file that has size bytes. It reads no byte beyond
// the header. The header must be well formed: unique keys, known types, and offsets
// that agree with the shapes and fill the file without gaps or overlaps.
func NewReader(r io.Reader, size int64) (*Reader, error) {
	tensors, metadata, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("weights: read: %w", err)
	}
	return &Reader{r: r, tensors: tensors, metadata: metadata}, nil
}

// Tensors lists what the file holds, in the order of Next.
func (r *Reader) Tensors() []Tensor { return r.tensors }

// Metadata is the file's "__metadata__"; nil where it has none.
func (r *Reader) Metadata() map[string]string { return r.metadata }

// Next goes to the next tensor, past what was not read of the one before. After the
// last it returns io.EOF, or an error where the file goes on.
func (r *Reader) Next() (Tensor, error) {
	if r.unread > 0 {
		n, err := io.CopyN(io.Discard, r.r, r.unread)
		r.unread -= n
		if err != nil {
			return Tensor{}, r.failed(cut(err))
		}
	}
	if r.next == len(r.tensors) {
		var one [1]byte
		switch _, err := io.ReadFull(r.r, one[:]); {
		case errors.Is(err, io.EOF):
			return Tensor{}, io.EOF
		case err != nil:
			return Tensor{}, fmt.Errorf("weights: read: %w", err)
		}
		return Tensor{}, errors.New("weights: read: the file has grown meanwhile")
	}
	t := r.tensors[r.next]
	r.next++
	r.unread = t.end - t.begin
	return t, nil
}

func (r *Reader) failed(err error) error {
	return fmt.Errorf("weights: read %s: %w", quoted(r.tensors[r.next-1].Name), err)
}

// Dense reads the values of the tensor that Next returned, once. F32, F16 and BF16
// give float32, I64 gives int64; other types and tensors without elements are refused.
func (r *Reader) Dense() (*tensor.Dense, error) {
	t := r.tensors[r.next-1]
	switch {
	case r.unread != t.end-t.begin:
		return nil, r.failed(errors.New("was read before"))
	case t.Len() == 0:
		return nil, r.failed(fmt.Errorf("has shape %v and no elements", t.Shape))
	}
	if t.Type == I64 {
		data := make([]int64, t.Len())
		err := read(r, t, data, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
		if err != nil {
			return nil, err
		}
		return params.Dense(data, t.Shape...), nil
	}
	if t.Type != F32 && t.Type != F16 && t.Type != BF16 {
		return nil, r.failed(fmt.Errorf("type %s is not read; valid: %s, %s, %s, %s", t.Type, F32, F16, BF16, I64))
	}
	data := make([]float32, t.Len())
	if err := r.float32s(t, data); err != nil {
		return nil, err
	}
	return params.Dense(data, t.Shape...), nil
}

// float32s reads a tensor of one of the three kinds of floats into out.
func (r *Reader) float32s(t Tensor, out []float32) error {
	le := binary.LittleEndian
	switch t.Type {
	case F16:
		return read(r, t, out, func(b []byte) float32 { return float16.FromBits(le.Uint16(b)).Float32() })
	case BF16:
		return read(r, t, out, func(b []byte) float32 { return math.Float32frombits(uint32(le.Uint16(b)) << 16) })
	}
	return read(r, t, out, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
}

// chunk is how many bytes are read and converted at a time, a multiple of all sizes.
const chunk = 256 << 10

// read converts the elements of a tensor into out, which has its length.
func read[T any](r *Reader, t Tensor, out []T, convert func(b []byte) T) error {
	if r.buf == nil {
		r.buf = make([]byte, chunk)
	}
	size := int(sizes[t.Type])
	for len(out) > 0 {
		n := min(len(out), chunk/size)
		buf := r.buf[:n*size]
		got, err := io.ReadFull(r.r, buf)
		r.unread -= int64(got)
		if err != nil {
			return r.failed(cut(err))
		}
		for i := range n {
			out[i] = convert(buf[i*size : (i+1)*size])
		}
		out = out[n:]
	}
	return nil
}
