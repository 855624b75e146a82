package backend

import (
	"testing"
	"time"
)

// TestProbe: the Go backend multiplies matrices, and tells how fast.
func TestProbe(t *testing.T) {
	c, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Backend.Finalize()
	p := c.Probe(time.Nanosecond)
	if len(p.Devices) == 0 || p.Description == "" || len(p.Products) != 2 {
		t.Fatalf("%+v", p)
	}
	for _, x := range p.Products {
		if x.Err != nil || x.Side != 256 || !(x.FLOPs() > 1e6) {
			t.Errorf("%+v", x)
		}
	}
}
