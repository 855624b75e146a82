package weights

import (
	"fmt"
	"strings"
)

// faults collects what is wrong with a folder, to report it all at once. It keeps the
// first of them and counts the others, of which a hostile file may have millions.
type faults struct {
	first []string
	count int
}

const toldFaults = 10

func (f *faults) add(format string, args ...any) {
	f.count++
	if len(f.first) < toldFaults {
		f.first = append(f.first, fmt.Sprintf(format, args...))
	}
}

// err is nil where there are none.
func (f *faults) err() error {
	if f.count == 0 {
		return nil
	}
	fault := strings.Join(f.first, "; ")
	if more := f.count - len(f.first); more > 0 {
		fault += fmt.Sprintf("; and %d more faults", more)
	}
	return fmt.Errorf("%s", fault)
}
