package blip2
import ("testing";"runtime";"fmt")
func TestY(t *testing.T) {
	dir, _ := middleFolder(t)
	show := func(s string) { var m runtime.MemStats; runtime.ReadMemStats(&m); p,_ := peak(t); fmt.Printf("%s alloc %d inuse %d idle %d released %d sys %d peak %.0f gcs %d next %d\n", s, m.HeapAlloc>>20, m.HeapInuse>>20, m.HeapIdle>>20, m.HeapReleased>>20, m.Sys>>20, p/1e6, m.NumGC, m.NextGC>>20) }
	show("start")
	m, err := Open(t.Context(), goBackend(), dir)
	if err != nil { t.Fatal(err) }
	show("open")
	runtime.GC()
	show("gc")
	d := m.Decoding(); d.MaxNewTokens = 8
	for _, b := range []int{1,1,5} {
	d.Beams = b
	if _, err := m.Generate(t.Context(), uniform("images", 3*224*224), nil, d); err != nil { t.Fatal(err) }
	show("one")
	runtime.GC()
	show("gc")
	}
	m.Close()
}
