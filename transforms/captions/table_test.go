package captions

import (
	"bytes"
	"testing"
)

func FuzzTable(f *testing.F) {
	f.Add([]byte(`{"image":"a/../b.png","caption":"x"}` + "\n"))
	f.Add([]byte("null\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := ParseTable(bytes.NewReader(data))
		for image, e := range rows {
			if err == nil && (image == "" || e.line < 1 || e.other != 0 && e.other <= e.line) {
				t.Errorf("%q: %+v", image, e)
			}
		}
	})
}
