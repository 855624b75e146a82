package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// object walks through a JSON object. Unlike encoding/json it refuses a key that
// comes twice, and what is nested deeper than expected. member is called with each key
// and must read its value.
func object(d *json.Decoder, member func(key string) error) error {
	if err := delimiter(d, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := text(d)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %s comes twice", quoted(key))
		}
		seen[key] = true
		if err := member(key); err != nil {
			return fmt.Errorf("%s: %w", quoted(key), err)
		}
	}
	return delimiter(d, '}')
}

// document is object for the whole of a file, after which only white space may follow.
func document(data []byte, member func(d *json.Decoder, key string) error) error {
	if !utf8.Valid(data) {
		return errors.New("is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := object(d, func(key string) error { return member(d, key) }); err != nil {
		return err
	}
	if rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("%d bytes follow the object", len(rest))
	}
	return nil
}

// integers reads an array of integers that are not negative.
func integers(d *json.Decoder, most int) ([]int, error) {
	if err := delimiter(d, '['); err != nil {
		return nil, err
	}
	list := []int{}
	for d.More() {
		t, err := token(d)
		if err != nil {
			return nil, err
		}
		number, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("have %s, want an integer", kind(t))
		}
		v, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("%s is no integer from 0 to 2^63-1", quoted(number.String()))
		}
		if len(list) == most {
			return nil, fmt.Errorf("more than %d integers", most)
		}
		list = append(list, int(v))
	}
	return list, delimiter(d, ']')
}

func text(d *json.Decoder) (string, error) {
	t, err := token(d)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("have %s, want a string", kind(t))
	}
	return s, nil
}

func delimiter(d *json.Decoder, want json.Delim) error {
	t, err := token(d)
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("have %s, want %q", kind(t), want.String())
	}
	return nil
}

func token(d *json.Decoder) (json.Token, error) {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the JSON ends early")
	}
	return t, err
}

// kind names a token without its content, which may be long.
func kind(t json.Token) string {
	switch t := t.(type) {
	case json.Delim:
		return strconv.Quote(t.String())
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	}
	return "null"
}
