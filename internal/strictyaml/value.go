package strictyaml

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value sets v to what a node says. Wants is asked for where it says something else.
func (r *reader) value(n *yaml.Node, v reflect.Value, key, wants string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !strings.HasPrefix(n.Tag, "!!") {
		r.fault(n, key, "the tag %s is unknown", n.Tag)
		return
	}
	if n.Tag == "!!null" { // a single value stays what it is, as without its key
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
			v.SetZero()
		}
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

// fields sets the fields of a struct, to those of a map under the key << before its own.
func (r *reader) fields(n *yaml.Node, v reflect.Value, key string) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			r.value(n.Content[i+1], v, key, "")
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Tag == "!!merge" {
			continue
		}
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
	if f, ok := x.(float64); ok && math.Abs(f) < 1<<53 && f == math.Trunc(f) {
		x = int(f) // such as 4e4
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
