package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

const svgSpace = "http://www.w3.org/2000/svg"

// shapes are the elements that may stand inline. None of them loads or runs
// anything by itself, and none makes an HTML parser leave the drawing.
var shapes = []string{"svg", "g", "rect", "line", "path", "circle", "ellipse", "polyline", "polygon", "text", "tspan", "title", "desc", "style"}

// checkSVG reports whether an SVG document may stand inline, and an error where
// it is none at all. An HTML parser reads the inline document by other rules than
// an XML parser does: whatever could mean something else to it, such as CDATA,
// comments and prefixes, makes the document unfit, and so do scripts, handlers,
// references and styles that load or reach beyond the charts' own classes.
func checkSVG(data []byte) (plain bool, err error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	plain = !bytes.Contains(data, []byte("<!")) && !bytes.Contains(data, []byte("<?")) && !bytes.Contains(data, []byte("\x00"))
	var open []string
	roots := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("decode SVG: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
				if token.Name.Local != "svg" || token.Name.Space != svgSpace {
					return false, fmt.Errorf("decode SVG: root element %q of %q", token.Name.Local, token.Name.Space)
				}
			}
			parent := ""
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			// HTML is parsed below title and desc.
			plain = plain && token.Name.Space == svgSpace && slices.Contains(shapes, token.Name.Local) &&
				!slices.Contains([]string{"title", "desc", "style"}, parent) && plainAttributes(token.Attr)
			open = append(open, token.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1] == "style" {
				plain = plain && plainSheet.Match(token)
			} else if len(open) == 0 && len(bytes.TrimSpace(token)) > 0 {
				return false, errors.New("decode SVG: text outside the root element")
			}
		}
	}
	if roots != 1 {
		return false, fmt.Errorf("decode SVG: %d root elements, want 1", roots)
	}
	return plain, nil
}

// plainSheet is the style sheet of transforms/report/charts, other colours allowed: it
// reaches no class but theirs. plainRules are harmless declarations.
var (
	plainSheet = regexp.MustCompile(`^@media [a-z :()-]+\{(\.chart-[a-z]+\{(fill|stroke):#[0-9a-f]+\})*\}$`)
	plainRules = regexp.MustCompile(`^((max-width|height):[0-9a-z%]+;?)*$`)
)

func plainAttributes(attributes []xml.Attr) bool {
	for _, a := range attributes {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(a.Value)
		switch {
		case a.Name.Space != "", strings.HasPrefix(name, "on"), strings.Contains(name, "href"), name == "id":
			return false
		case name == "aria-label": // free text
		case name == "style" && !plainRules.MatchString(value):
			return false
		case strings.Contains(value, "url("), strings.Contains(value, "\\"):
			return false
		}
	}
	return true
}
