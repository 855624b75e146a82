// Package strictyaml reads the YAML files that people write: settings and descriptions of
// data sets. It tells all that is wrong with a file at once, each with its line, without
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
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
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
// "[LINE:COLUMN]".
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
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			return fmt.Errorf("%s[%d:1] the line is not UTF-8", name, i+1)
		}
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

// value sets v to what a node says. Wants is asked for where it says something else.
func (r *reader) value(n *yaml.Node, v reflect.Value, key, wants string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !strings.HasPrefix(n.Tag, "!!") {
		r.fault(n, key, "the tag %s is unknown", n.Tag)
		return
	}
	if n.Tag == "!!null" {
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		var x any
		if err := n.Decode(&x); err != nil {
			r.fault(n, key, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
			return
		}
		v.Set(reflect.ValueOf(x))
	case reflect.Pointer:
		x := reflect.New(v.Type().Elem())
		r.value(n, x.Elem(), key, wants)
		v.Set(x)
	case reflect.Struct:
		if n.Kind != yaml.MappingNode {
			r.fault(n, key, "want keys with values")
			return
		}
		r.fields(n, v, key)
	case reflect.Map:
		if n.Kind != yaml.MappingNode {
			r.fault(n, key, "want keys with values")
			return
		}
		r.entries(n, v, key)
	case reflect.Slice, reflect.Array:
		if wants == "" {
			wants = "a list"
		}
		if n.Kind != yaml.SequenceNode || v.Kind() == reflect.Array && len(n.Content) != v.Len() {
			r.fault(n, key, "want %s", wants)
			return
		}
		out := v
		if v.Kind() == reflect.Slice {
			out = reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		}
		for i, c := range n.Content {
			r.value(c, out.Index(i), fmt.Sprintf("%s[%d]", key, i), "")
		}
		v.Set(out)
	default:
		if kind := scalar(n, v); kind != "" {
			r.fault(n, key, "want %s", kind)
		}
	}
}

// fields sets the fields of a struct.
func (r *reader) fields(n *yaml.Node, v reflect.Value, key string) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		f, ok := reflect.StructField{}, false
		for _, x := range reflect.VisibleFields(v.Type()) {
			if name, _, _ := strings.Cut(x.Tag.Get("json"), ","); !x.Anonymous && name == k.Value && name != "" {
				f, ok = x, true
			}
		}
		switch {
		case !ok:
			r.fault(k, key, "%q is unknown", k.Value)
		case seen[k.Value]:
			r.fault(k, key, "%q is given twice", k.Value)
		default:
			r.value(n.Content[i+1], v.FieldByIndex(f.Index), below(key, k.Value), f.Tag.Get("wants"))
		}
		seen[k.Value] = true
	}
}

// entries replaces a map.
func (r *reader) entries(n *yaml.Node, v reflect.Value, key string) {
	out := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if kind := scalar(n.Content[i], k); kind != "" {
			r.fault(n.Content[i], key, "want %s as a key", kind)
			continue
		}
		if out.MapIndex(k).IsValid() {
			r.fault(n.Content[i], key, "%q is given twice", n.Content[i].Value)
		}
		r.value(n.Content[i+1], x, below(key, n.Content[i].Value), "")
		out.SetMapIndex(k, x)
	}
	v.Set(out)
}

func below(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// scalar sets a single value, or says what is wanted instead.
func scalar(n *yaml.Node, v reflect.Value) string {
	var x any
	if n.Kind == yaml.ScalarNode && n.Decode(&x) != nil {
		x = nil
	}
	given := reflect.ValueOf(x)
	switch v.Kind() {
	case reflect.String:
		if n.Kind != yaml.ScalarNode {
			return "text"
		}
		v.SetString(n.Value)
	case reflect.Bool:
		b, ok := x.(bool)
		if !ok {
			return "true or false"
		}
		v.SetBool(b)
	case reflect.Int:
		if !given.IsValid() || !given.CanInt() {
			return "a whole number"
		}
		v.SetInt(given.Int())
	case reflect.Uint8, reflect.Uint64:
		switch {
		case given.IsValid() && given.CanInt() && given.Int() >= 0 && !v.OverflowUint(uint64(given.Int())):
			v.SetUint(uint64(given.Int()))
		case given.IsValid() && given.CanUint() && !v.OverflowUint(given.Uint()):
			v.SetUint(given.Uint())
		case v.Kind() == reflect.Uint8:
			return "a whole number from 0 to 255"
		default:
			return "a whole number of 0 or more"
		}
	case reflect.Float64:
		switch {
		case given.IsValid() && given.CanFloat():
			v.SetFloat(given.Float())
		case given.IsValid() && given.CanInt():
			v.SetFloat(float64(given.Int()))
		default:
			return "a number"
		}
	default:
		panic(fmt.Errorf("strictyaml: a value of type %s", v.Type())) // a fault of the program
	}
	return ""
}
