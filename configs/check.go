package configs

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// faults collects what is wrong with a configuration.
type faults []error

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("configs: %s: %s", key, fmt.Sprintf(format, args...)))
}

func (f faults) err() error { return errors.Join(f...) }

// check compares the settings of the struct that cfg points to with their tags.
func check(cfg any) faults {
	var f faults
	for _, s := range settings(cfg) {
		if s.empty() {
			if need := s.tag.Get("need"); need != "" {
				f.add(s.key, "%s", need)
			}
			continue
		}
		if s.value.Kind() != reflect.Slice && s.value.Kind() != reflect.Array {
			f.value(s, s.value)
			continue
		}
		seen := map[string]bool{}
		for i := range s.value.Len() {
			v := s.value.Index(i)
			f.value(s, v)
			text := fmt.Sprint(v)
			if s.tag.Get("once") != "" && seen[text] {
				f.add(s.key, "%s is given twice", text)
			}
			seen[text] = true
		}
	}
	return f
}

// empty is true of an empty text and of a list without values.
func (s setting) empty() bool {
	switch s.value.Kind() {
	case reflect.String:
		return s.value.Len() == 0 || s.value.String() == "gs://"
	case reflect.Slice:
		return s.value.Len() == 0
	}
	return false
}

// value checks a setting, or one value of a list.
func (f *faults) value(s setting, v reflect.Value) {
	if valid := s.tag.Get("valid"); valid != "" && !strings.Contains(","+valid+",", ","+v.String()+",") {
		f.add(s.key, "%q is unknown; valid: %s", v.String(), strings.ReplaceAll(valid, ",", ", "))
	}
	if limits := s.tag.Get("range"); limits != "" {
		f.within(s.key, v, limits)
	}
	switch kind := s.tag.Get("is"); kind {
	case "":
	case "place":
		f.place(s.key, v.String())
	case "size":
		if _, _, err := ParseSize(v.String()); err != nil {
			f.add(s.key, "%v", err)
		}
	case "images":
		f.data(s.key, v.String())
	case "dataset":
		before := len(*f)
		if f.data(s.key, v.String()); len(*f) > before { // not repeated
			return
		}
		if _, err := ParseDataset(v.String()); err != nil {
			f.add(s.key, "%v", err)
		}
	default:
		panic("configs: " + s.key + " is a " + kind) // a fault of the program
	}
}

// within checks that a number lies in a range, "LEAST..MOST" or "LEAST..".
func (f *faults) within(key string, v reflect.Value, limits string) {
	least, most, _ := strings.Cut(limits, "..")
	low, err := strconv.ParseFloat(least, 64)
	high := low
	if err == nil && most != "" {
		high, err = strconv.ParseFloat(most, 64)
	}
	if err != nil {
		panic(fmt.Errorf("configs: range of %s: %w", key, err)) // a fault of the program
	}
	x := 0.0
	if v.CanInt() {
		x = float64(v.Int())
	} else {
		x = v.Float()
	}
	switch {
	case x >= low && (most == "" || x <= high): // not NaN
	case most != "":
		f.add(key, "%v is not within %v to %v", v, low, high)
	case low == 0:
		f.add(key, "%v is negative", v)
	default:
		f.add(key, "%v is below %v", v, low)
	}
}

var (
	// foreign begins URLs, also after they were cleaned as paths.
	foreign = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+://|(?i)(https?|ftp|s3|file|hdfs|wasbs?|abfss?):/)`)
	// signed is part of URLs that give access to whoever has them.
	signed = regexp.MustCompile(`(?i)[?&](X-Goog-|X-Amz-|Signature=|GoogleAccessId=|AWSAccessKeyId=|sig=|access_token=)`)
)

// place accepts a local path or a plain gs:// URL. URLs of other kinds may hold passwords
// and signatures, so the message does not repeat the value.
func (f *faults) place(key, value string) {
	switch bucket, isGS := strings.CutPrefix(value, "gs://"); {
	case !isGS && foreign.MatchString(value):
		f.add(key, "a URL that is not gs://; want a local path or gs://bucket/path")
	case isGS && strings.ContainsAny(strings.SplitN(bucket, "/", 2)[0], "@:?"):
		f.add(key, "no bucket has such a name; want gs://bucket/path, and credentials through GOOGLE_APPLICATION_CREDENTIALS")
	case isGS && signed.MatchString(value):
		f.add(key, "a signed URL, whose signature would be stored; want gs://bucket/path, and credentials through GOOGLE_APPLICATION_CREDENTIALS")
	}
}

// data accepts a place, or that of a data set KIND:ROOT or pairs:FILE.yaml:ROOT.
func (f *faults) data(key, value string) {
	if kind, rest, ok := strings.Cut(value, ":"); ok && !strings.HasPrefix(rest, "//") {
		value = rest
		if set, err := ParseDataset(kind + ":" + rest); err == nil {
			f.place(key, set.Pairs)
			value = set.Root
		}
	}
	f.place(key, value)
}
