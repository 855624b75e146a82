package shards

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
)

// volumes makes two samples of volumes, the second without a label.
func volumes(t testing.TB) []Sample {
	t.Helper()
	var out []Sample
	for i, key := range []string{"synapse_train_0009", "synapse_train_0021"} {
		g := semidavil.Grid{D: 2, H: 3, W: 4 + i}
		v := semidavil.Volume{Grid: g, Values: make([]float32, g.Voxels())}
		for j := range v.Values {
			v.Values[j] = float32(j) / 32
		}
		s := Sample{Key: key, Volume: EncodeVolume(v), Meta: Meta{Key: key, Dataset: "synapse", Domain: semidavil.Target, Subset: semidavil.Labelled,
			Split: "train", Source: "imagesTr/img0009.nii.gz", Volume: &Grid{SourceSize: [3]int{2, 3, 4}, Size: [3]int{g.D, g.H, g.W},
				SourceSpacing: [3]float64{5, 1, 1}, Spacing: [3]float64{5, 1, 1}}}}
		if i == 0 {
			l := semidavil.LabelVolume{Grid: g, IDs: make([]uint8, g.Voxels())}
			l.IDs[5], l.IDs[6] = 3, semidavil.Ignore
			s.Label = EncodeLabels(l)
			s.Meta.Pixels, s.Meta.Ignored = []uint64{uint64(g.Voxels() - 2), 0, 0, 1}, 1
		}
		out = append(out, s)
	}
	return out
}

func TestVolumesRoundTrip(t *testing.T) {
	want := volumes(t)
	data, shard := write(t, want)
	if shard.Samples != 2 {
		t.Errorf("%d samples", shard.Samples)
	}
	got, err := readAll(data)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	v, err := DecodeVolume(got[1].Volume)
	if err != nil || v.Grid != (semidavil.Grid{D: 2, H: 3, W: 5}) || v.Values[29] != 29.0/32 {
		t.Errorf("%+v, %v", v, err)
	}
	l, err := DecodeLabels(got[0].Label)
	if err != nil || l.IDs[5] != 3 || l.IDs[6] != semidavil.Ignore || l.IDs[7] != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestNumpy reads arrays that numpy 2.4.6 wrote:
//
//	np.save("f4.npy", np.arange(24, dtype="<f4").reshape(2, 3, 4) / 8)
//	np.save("u1.npy", np.arange(24, dtype="u1").reshape(2, 3, 4))
func TestNumpy(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile("testdata/numpy/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	v, err := DecodeVolume(read("f4.npy"))
	if err != nil || v.Grid != (semidavil.Grid{D: 2, H: 3, W: 4}) || v.Values[23] != 23.0/8 {
		t.Fatalf("%+v, %v", v, err)
	}
	if !bytes.Equal(EncodeVolume(v), read("f4.npy")) {
		t.Errorf("numpy writes %q,\nwe %q", read("f4.npy")[:128], EncodeVolume(v)[:128])
	}
	l, err := DecodeLabels(read("u1.npy"))
	if err != nil || !bytes.Equal(EncodeLabels(l), read("u1.npy")) {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestVolumeFaults(t *testing.T) {
	g := semidavil.Grid{D: 1, H: 2, W: 3}
	whole := EncodeVolume(semidavil.Volume{Grid: g, Values: make([]float32, 6)})
	infinite := EncodeVolume(semidavil.Volume{Grid: g, Values: []float32{0, 0, 0, float32(math.Inf(1)), 0, 0}})
	for want, data := range map[string][]byte{
		"no npy file":      []byte("x"),
		"bytes of values":  whole[:len(whole)-1],
		"value 3 is +Inf":  infinite,
		"want <f4":         EncodeLabels(semidavil.LabelVolume{Grid: g, IDs: make([]uint8, 6)}),
		"its header alone": whole[:60],
		"three axes":       bytes.Replace(whole, []byte("(1, 2, 3)"), []byte("(1, 2)   "), 1),
		"want 9x2x3":       bytes.Replace(whole, []byte("(1, 2, 3)"), []byte("(9, 2, 3)"), 1),
	} {
		if _, err := DecodeVolume(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzVolume: what was read is written and read again.
func FuzzVolume(f *testing.F) {
	for _, s := range volumes(f) {
		f.Add(s.Volume)
		f.Add(s.Label)
	}
	f.Add(bytes.Replace(volumes(f)[0].Volume, []byte("(2, 3, 4)"), []byte("(999999, 999999, 999999)"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture.Modest(t, 1<<20+8*len(data), func() {
			if v, err := DecodeVolume(data); err == nil {
				again, err := DecodeVolume(EncodeVolume(v))
				if err != nil || again.Grid != v.Grid || !slices.Equal(again.Values, v.Values) {
					t.Fatalf("%+v reads back as %+v, %v", v, again, err)
				}
			}
			if l, err := DecodeLabels(data); err == nil {
				again, err := DecodeLabels(EncodeLabels(l))
				if err != nil || again.Grid != l.Grid || !bytes.Equal(again.IDs, l.IDs) {
					t.Fatalf("%+v reads back as %+v, %v", l, again, err)
				}
			}
		})
	})
}
