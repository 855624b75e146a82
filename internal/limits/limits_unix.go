//go:build linux || darwin

package limits

import "syscall"

// OpenFiles returns how many files, connections among them, may be open at a time (ulimit
// -n); false where there is no limit or none is known.
func OpenFiles() (uint64, bool) { return limit(syscall.RLIMIT_NOFILE) }

// AddressSpace returns how many bytes may be mapped, whether in use or not (ulimit -v);
// false where there is no limit or none is known.
func AddressSpace() (uint64, bool) { return limit(syscall.RLIMIT_AS) }

func limit(resource int) (uint64, bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(resource, &l); err != nil || l.Cur >= none {
		return 0, false
	}
	return l.Cur, true
}
