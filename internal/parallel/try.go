package parallel

import (
	"fmt"
	"runtime/debug"
)

// Panic is what [Try] makes of a panic; its message has the stack, in the form of those
// that Beam catches.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v %s", p.Value, p.Stack) }

// Try calls work and turns a panic into a [*Panic]. A reader might panic on a hostile file, and
// in a goroutine that would end the process.
func Try(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{v, debug.Stack()}
		}
	}()
	return work()
}
