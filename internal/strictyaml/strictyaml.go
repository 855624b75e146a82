// Package strictyaml reads the YAML files that people write: settings and descriptions of
// data sets. It reports all that is wrong with a file at once, each with its line, without
// repeating values, which may not be meant to be seen. No file makes it panic, or take
// more time or memory than one of its size should.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"semidavil/internal/plaintext"
)

// Limits of a file.
const (
	MaxSize  = 1 << 20 // bytes
	maxDepth = 64      // lists and maps within each other
	maxNodes = 100_000 // values, each alias counted as what it stands for
)

// Decode reads a document over the values that into points to. Structs have the keys of
// package encoding/json; those that the document does not name keep their values, as all
// do in an empty document. A tag `wants` of a field says what to ask for where its value
// has another form. Errors begin with the name of the file, unless that is empty, and
// "[LINE:COLUMN]" where they are about a value.
func Decode(name string, data []byte, into any) (err error) {
	if name != "" {
		name += " "
	}
	r := &reader{name: name, budget: maxNodes}
	defer func() {
		if v := recover(); v != nil { // a fault of the parser
			err = fmt.Errorf("%sthis is no YAML that can be read: %v", name, v)
		}
	}()
	if len(data) > MaxSize {
		return fmt.Errorf("%sthe file has %d bytes, more than %d", name, len(data), MaxSize)
	}
	if data, err = plaintext.Clean(data); err != nil {
		return fmt.Errorf("%s%w", name, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err = d.Decode(&document); err == nil {
		if err = d.Decode(&more); err == nil {
			return fmt.Errorf("%s[%d:1] there is more than one document", name, more.Line)
		}
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s%s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		return nil
	}
	root := document.Content[0]
	if err := r.measure(root, 0); err != nil {
		return err
	}
	if root.Tag == "!!null" {
		return nil
	}
	r.value(root, reflect.ValueOf(into).Elem(), "", "")
	return errors.Join(r.faults...)
}

// reader collects the faults of a document.
type reader struct {
	name   string
	budget int
	faults []error
}

func (r *reader) at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s[%d:%d] %s", r.name, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// fault is one of the value of a key.
func (r *reader) fault(n *yaml.Node, key, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if key != "" {
		text = key + ": " + text
	}
	r.faults = append(r.faults, r.at(n, "%s", text))
}

// measure follows all aliases as far as the limits allow.
func (r *reader) measure(n *yaml.Node, depth int) error {
	r.budget--
	switch {
	case r.budget < 0:
		return r.at(n, "there are more than %d values, with what the aliases stand for", maxNodes)
	case depth > maxDepth:
		return r.at(n, "there are more than %d lists and maps within each other", maxDepth)
	case n.Kind == yaml.AliasNode:
		return r.measure(n.Alias, depth+1)
	}
	for _, c := range n.Content {
		if err := r.measure(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}
