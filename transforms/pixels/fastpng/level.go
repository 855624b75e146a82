package fastpng

import (
	"fmt"
	"strings"
)

// Level is the effort that writing a PNG file takes.
type Level uint8

// The levels, with the names that ParseLevel accepts. The zero value is Fast.
const (
	Fast    Level = iota // "fast": one filter for all rows, deflate level 1
	Default              // "default": a filter a row, deflate level 6
	Best                 // "best": a filter a row, deflate level 9: 3 % smaller in a hundred times the time
)

var levelNames = [...]string{"fast", "default", "best"}

func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// ParseLevel returns the level of a name; the error of an unknown name lists the
// valid ones.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), nil
		}
	}
	return 0, fmt.Errorf("pixels: level %q: unknown; valid: %s", name, strings.Join(levelNames[:], ", "))
}
