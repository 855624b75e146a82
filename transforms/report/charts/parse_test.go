package charts_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// element is one parsed element of a drawing.
type element struct {
	name       string
	attributes map[string]string
	text       string // its own characters
	title      string // those of its title
}

func (e element) num(t testing.TB, name string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(e.attributes[name], 64)
	if err != nil {
		t.Fatalf("%s: attribute %s: %v", e.name, name, err)
	}
	return v
}

// parse reads a document with encoding/xml.
func parse(t testing.TB, svg []byte) []element {
	t.Helper()
	var all []element
	var stack []int
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attributes: map[string]string{}}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			stack = append(stack, len(all))
			all = append(all, e)
		case xml.EndElement:
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if all[last].name == "title" && len(stack) > 0 {
				all[stack[len(stack)-1]].title = all[last].text
			}
		case xml.CharData:
			if len(stack) > 0 {
				all[stack[len(stack)-1]].text += string(token)
			}
		}
	}
}

// class returns the elements of a class.
func class(all []element, name string) []element {
	var out []element
	for _, e := range all {
		if slices.Contains(strings.Fields(e.attributes["class"]), name) {
			out = append(out, e)
		}
	}
	return out
}

// written returns the text element that says s.
func written(t testing.TB, all []element, s string) element {
	t.Helper()
	for _, e := range all {
		if e.name == "text" && e.text == s {
			return e
		}
	}
	t.Fatalf("no text %q", s)
	return element{}
}

func near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 0.0151) { // the sum of two roundings to 0.01
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

var coordinate = regexp.MustCompile(`^-?\d+(\.\d{1,2})?$`)

// TestDocuments checks what all documents promise.
func TestDocuments(t *testing.T) {
	again := samples(t)
	for name, svg := range samples(t) {
		t.Run(name, func(t *testing.T) {
			if !bytes.Equal(svg, again[name]) {
				t.Error("two drawings of the same data differ")
			}
			all := parse(t, svg)
			root := all[0]
			if root.name != "svg" || root.attributes["role"] != "img" || root.attributes["aria-label"] == "" || root.title != root.attributes["aria-label"] {
				t.Errorf("root is %+v", root)
			}
			box := strings.Fields(root.attributes["viewBox"])
			if len(box) != 4 {
				t.Fatalf("viewBox %q", box)
			}
			w, _ := strconv.ParseFloat(box[2], 64)
			h, _ := strconv.ParseFloat(box[3], 64)
			for _, e := range all {
				if slices.Contains([]string{"script", "image", "use", "a", "foreignObject"}, e.name) {
					t.Errorf("element %s", e.name)
				}
				for key, v := range e.attributes {
					if slices.Contains([]string{"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "r"}, key) && !coordinate.MatchString(v) {
						t.Errorf("%s: %s=%q", e.name, key, v)
					}
					if strings.HasPrefix(key, "on") || strings.Contains(key, "href") {
						t.Errorf("attribute %s", key)
					}
				}
				if e.name == "rect" && (e.num(t, "x")+e.num(t, "width") > w || e.num(t, "y")+e.num(t, "height") > h || e.num(t, "width") < 0 || e.num(t, "height") < 0) {
					t.Errorf("rect outside the picture: %v", e.attributes)
				}
				if e.name == "text" && (e.num(t, "x") < 0 || e.num(t, "x") > w || e.num(t, "y") < 0 || e.num(t, "y") > h) {
					t.Errorf("text outside the picture: %q %v", e.text, e.attributes)
				}
			}
			if desc := all[slices.IndexFunc(all, func(e element) bool { return e.name == "desc" })].text; len(desc) < 40 {
				t.Errorf("description %q", desc)
			}
			if rest := strings.ReplaceAll(string(svg), "http://www.w3.org/2000/svg", ""); strings.Contains(rest, "http") || strings.Contains(rest, "url(") {
				t.Error("loads something")
			}
		})
	}
}
