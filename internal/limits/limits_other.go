//go:build !linux && !darwin

package limits

// OpenFiles returns false: no limit is known here.
func OpenFiles() (uint64, bool) { return 0, false }

// AddressSpace returns false: no limit is known here.
func AddressSpace() (uint64, bool) { return 0, false }
