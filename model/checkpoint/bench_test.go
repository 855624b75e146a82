package checkpoint

import (
	"testing"
)

// BenchmarkCheckpoint writes and reads 256 MB.
func BenchmarkCheckpoint(b *testing.B) {
	const size = 64 << 20
	s := state(1, size)
	k := &Keeper{Dir: b.TempDir(), Keep: 1}
	b.Run("save/256MB", func(b *testing.B) {
		b.SetBytes(4 * size)
		for b.Loop() {
			if err := k.Save(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("latest/256MB", func(b *testing.B) {
		b.SetBytes(4 * size)
		for b.Loop() {
			if _, found, err := Latest(b.Context(), k.Dir); err != nil || !found {
				b.Fatal(err)
			}
		}
	})
}
