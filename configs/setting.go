package configs

import (
	"flag"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// setting is one field of a configuration. The tags of the field say all about it:
//
//	json     key in files, and name of the flag
//	default  the value that it has where none is given
//	group    title of the list of flags in the help where it stands
//	before   key of a later setting that the help shows after it
//	help     text of the help, with the kind of value in <>; without it there is no flag
//	need     what to say where it is empty
//	valid    the words that it, or each of a list, may be
//	range    the numbers that it, or each of a list, may be: "0..1", "1.."
//	is       "place", "size", "dataset" or "images" (a place or a data set)
//	once     a list where nothing may stand twice
//	wants    what to say where a list has the wrong length
//
// A struct that is embedded gives its group to those of its fields that name none.
type setting struct {
	key, group string
	tag        reflect.StructTag
	value      reflect.Value
}

// settings returns the fields of the struct that cfg points to, in their order.
func settings(cfg any) []setting {
	var out []setting
	var walk func(v reflect.Value, group string)
	walk = func(v reflect.Value, group string) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			in := f.Tag.Get("group")
			if in == "" {
				in = group
			}
			if f.Anonymous {
				walk(v.Field(i), in)
				continue
			}
			out = append(out, setting{f.Tag.Get("json"), in, f.Tag, v.Field(i)})
		}
	}
	walk(reflect.ValueOf(cfg).Elem(), "")
	return out
}

// defaults returns a configuration of the defaults in its tags.
func defaults[C any]() C {
	var cfg C
	for _, s := range settings(&cfg) {
		if text := s.tag.Get("default"); text != "" {
			if err := parse(s.value, text); err != nil {
				panic(fmt.Errorf("configs: default of %s: %w", s.key, err)) // a fault of the program
			}
		}
	}
	return cfg
}

// Group returns the flags that stand under a title of the help, in their order.
func Group[C any](title string) []string {
	list := settings(new(C))
	for _, s := range slices.Clone(list) {
		next := s.tag.Get("before")
		if next == "" {
			continue
		}
		list = slices.DeleteFunc(list, func(o setting) bool { return o.key == s.key })
		at := slices.IndexFunc(list, func(o setting) bool { return o.key == next })
		list = slices.Insert(list, at, s)
	}
	var names []string
	for _, s := range list {
		if s.group == title {
			names = append(names, s.key)
		}
	}
	return names
}

// kindOfValue is what a help text has in <>; package flag wants it in backquotes, which
// cannot stand in a tag.
var kindOfValue = regexp.MustCompile(`<([^>]*)>`)

// Bind registers a flag for every setting of the struct that cfg points to, with its
// present values as defaults.
func Bind(fs *flag.FlagSet, cfg any) {
	for _, s := range settings(cfg) {
		help := kindOfValue.ReplaceAllString(s.tag.Get("help"), "`$1`")
		if help == "" {
			continue
		}
		switch p := s.value.Addr().Interface().(type) {
		case *string:
			fs.StringVar(p, s.key, *p, help)
		case *bool:
			fs.BoolVar(p, s.key, *p, help)
		case *int:
			fs.IntVar(p, s.key, *p, help)
		case *uint64:
			fs.Uint64Var(p, s.key, *p, help)
		case *float64:
			fs.Float64Var(p, s.key, *p, help)
		default:
			fs.Var(&list{setting: s}, s.key, help)
		}
	}
}

// list is a comma-separated flag. Words can be given by several flags, the first of which
// replaces the default; numbers are those of the last. Paths of data sets may hold commas
// behind which no KIND: follows.
type list struct {
	setting
	given bool
}

func (l *list) String() string {
	if !l.value.IsValid() { // as package flag makes one to know the zero value
		return ""
	}
	var parts []string
	for i := range l.value.Len() {
		parts = append(parts, fmt.Sprint(l.value.Index(i)))
	}
	return strings.Join(parts, ",")
}

func (l *list) Set(text string) error {
	parts := strings.Split(text, ",")
	if l.tag.Get("is") == "dataset" {
		parts = splitDatasets(text)
	}
	next := reflect.New(l.value.Type()).Elem()
	err := parseList(next, parts)
	if wants := l.tag.Get("wants"); err != nil && wants != "" {
		return fmt.Errorf("%q: want %s", text, wants)
	}
	if err != nil {
		return err
	}
	if l.given && l.value.Type() == reflect.TypeFor[[]string]() {
		next = reflect.AppendSlice(l.value, next)
	}
	l.given = true
	l.value.Set(next)
	return nil
}

// furtherDataset is a comma between data sets: a kind follows. Other commas are of paths.
var furtherDataset = regexp.MustCompile(`,\s*[A-Za-z0-9_-]+:`)

// splitDatasets cuts a text before each KIND:.
func splitDatasets(text string) []string {
	var parts []string
	start := 0
	for _, at := range furtherDataset.FindAllStringIndex(text, -1) {
		parts = append(parts, text[start:at[0]])
		start = at[0] + 1
	}
	parts = append(parts, text[start:])
	for i, part := range parts {
		parts[i] = strings.Trim(part, ", ") // such as one left behind at the end
	}
	return parts
}

// parse sets v to what a text says.
func parse(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		x, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(x)
	case reflect.Int:
		x, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetInt(int64(x))
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(x)
	case reflect.Slice, reflect.Array:
		return parseList(v, strings.Split(text, ","))
	default:
		panic(fmt.Errorf("configs: a setting of type %s", v.Type())) // a fault of the program
	}
	return nil
}

// parseList sets a slice or an array to the values of the parts of a text.
func parseList(v reflect.Value, parts []string) error {
	out := reflect.New(reflect.SliceOf(v.Type().Elem())).Elem()
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" && v.Type().Elem().Kind() == reflect.String {
			continue
		}
		x := reflect.New(v.Type().Elem()).Elem()
		if err := parse(x, part); err != nil {
			return err
		}
		out = reflect.Append(out, x)
	}
	if out.Len() == 0 { // such as --source=$UNSET, where MiniCity is not meant
		return fmt.Errorf("nothing is given")
	}
	if v.Kind() == reflect.Array {
		if out.Len() != v.Len() {
			return fmt.Errorf("%d values; want %d", out.Len(), v.Len())
		}
		reflect.Copy(v, out)
		return nil
	}
	v.Set(out)
	return nil
}
