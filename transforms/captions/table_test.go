package captions

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func tableOf(t *testing.T, text string) *Table {
	t.Helper()
	table, err := ParseTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestBrokenRows: each is told with its line, and the others are used.
func TestBrokenRows(t *testing.T) {
	for want, line := range map[string]string{
		"unexpected end":         `{"image":"b.png","caption":"x`,
		"cannot unmarshal array": `[]`,
		"into Go struct field":   `{"image":"b.png","caption":7}`,
		"is missing":             `{"image":"b.png","caption":null}`,
		"caption is missing":     `{"image":"","caption":"x"}`,
		"not UTF-8":              "{\"image\":\"\xff\",\"caption\":\"x\"}",
		"longer than":            strings.Repeat(" ", 3*maxLine),
	} {
		table := tableOf(t, `{"image":"a.png","caption":"A."}`+"\n"+line+"\n"+`{"image":"c.png","caption":"C."}`)
		if len(table.Broken) != 1 || table.Broken[0].Line != 2 || !strings.Contains(table.Broken[0].Error(), want) {
			t.Errorf("%s: %v", want, table.Broken)
		}
		for image, want := range map[string]string{"a.png": "A.", "c.png": "C."} {
			if got, err := table.Caption(image); got != want || err != nil {
				t.Errorf("%.30q: %q, %v", line, got, err)
			}
		}
	}
}

// TestWindows: line ends and byte order marks as programs on Windows write them.
func TestWindows(t *testing.T) {
	const text = "{\"image\":\"ü/a.png\",\"caption\":\"A 🚗.\"}\r\n\r\n{\"image\":\"b.png\",\"caption\":\"B.\"}\r\n"
	wide := func(order binary.ByteOrder) string {
		var b bytes.Buffer
		binary.Write(&b, order, utf16.Encode([]rune("\uFEFF"+text)))
		return b.String()
	}
	for what, data := range map[string]string{"none": text, "UTF-8": "\uFEFF" + text, "UTF-8 in the middle": strings.Replace(text, `{"image":"b`, "\uFEFF"+`{"image":"b`, 1),
		"none, CR": strings.ReplaceAll(text, "\r\n", "\r"), "none, CR, no end": strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\r"), "\r"), "UTF-16LE": wide(binary.LittleEndian), "UTF-16BE": wide(binary.BigEndian)} {
		table := tableOf(t, data)
		a, errA := table.Caption("ü/a.png")
		b, errB := table.Caption("b.png")
		if a != "A 🚗." || b != "B." || errA != nil || errB != nil || len(table.Broken) != 0 {
			t.Errorf("mark %s: %q %v, %q %v, %v", what, a, errA, b, errB, table.Broken)
		}
	}
	whole, err := fileOf(someRows)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := ReadRows(strings.NewReader("\uFEFF" + strings.ReplaceAll(whole, "\n", "\r\n"))); err != nil || !slices.Equal(rows, someRows) {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestMatch(t *testing.T) {
	const root = "/data/Town"
	images := []string{"train/a.png", "train/b.png", "val/a.png", "val/Ä.png", "x/Case.png", "x/case.png", "town/train/a.png"}
	for name, want := range map[string]string{
		"train/a.png":                      "train/a.png",
		"./train/../train/b.png":           "train/b.png",
		`train\b.png`:                      "train/b.png",
		`.\train\b.png`:                    "train/b.png",
		"Train/B.PNG":                      "train/b.png",
		"val/A\u0308.png":                  "val/Ä.png",
		"/data/Town/train/b.png":           "train/b.png",
		"/data/Town/town/train/a.png":      "town/train/a.png",
		"/home/other/Town/train/b.png":     "train/b.png",
		`C:\Users\mine\town\val\Ä.png`:     "val/Ä.png",
		"Town/train/b.png":                 "train/b.png",
		"Town/train/a.png":                 "town/train/a.png",
		"b.png":                            "train/b.png",
		"B.png":                            "train/b.png",
		"a.png":                            "several",
		"x/case.png":                       "x/case.png",
		"x/CASE.png":                       "several",
		"/x/town/town/train/a.png":         "several",
		"elsewhere/b.png":                  "",
		"/elsewhere/train/b.png":           "",
		"data/TownHall/train/b.png":        "",
		"b":                                "",
		"..":                               "",
		"/":                                "",
		"/data/Town":                       "",
		"https://h/Town/train/b.png?x=1":   "",
		"gs://bucket/set/Town/train/b.png": "train/b.png",
	} {
		quoted := strings.ReplaceAll(name, `\`, `\\`)
		table := tableOf(t, `{"image":"`+quoted+`","caption":"It."}`)
		m := table.Match(root, images)
		got, caption := "", ""
		for _, image := range images {
			text, err := table.Caption(image)
			if errors.Is(err, ErrMissing) {
				text, err = m.Caption(image)
			}
			if err == nil {
				got += image
				caption = text
			}
		}
		switch want {
		case "several":
			if got != "" || len(m.Ambiguous) != 1 || m.Matched+len(m.Unmatched) != 0 {
				t.Errorf("%s is %q; want it to be ambiguous: %+v", name, got, m)
			}
		case "":
			if got != "" || len(m.Unmatched) != 1 || m.Matched+len(m.Ambiguous) != 0 {
				t.Errorf("%s is %q; want none: %+v", name, got, m)
			}
		default:
			if got != want || caption != "It." || m.Matched != 1 || len(m.Unmatched)+len(m.Ambiguous) != 0 {
				t.Errorf("%s is %q with %q; want %q: %+v", name, got, caption, want, m)
			}
		}
	}
	if m := tableOf(t, `{"image":"gs://b/set/a.png","caption":"x"}`).Match("gs://b/set/", []string{"a.png"}); m.Matched != 1 {
		t.Errorf("a row below the bucket: %+v", m)
	}
}

// TestMatchSeveralRows of one image: exact ones count, and others have to agree.
func TestMatchSeveralRows(t *testing.T) {
	table := tableOf(t, `{"image":"b.png","caption":"Loose."}
{"image":"t/b.png","caption":"Exact."}
{"image":"c.png","caption":"One."}
{"image":"T/c.png","caption":"Other."}
{"image":"d.png","caption":"Same."}
{"image":"T/d.png","caption":" Same. "}
{"image":"d.png","caption":"Same."}
{"image":"no.png","caption":"x"}`)
	m := table.Match("/r", []string{"t/b.png", "t/c.png", "t/d.png"})
	if m.Rows != 8 || m.Matched != 7 || !slices.Equal(m.Unmatched, []string{"no.png"}) || m.Ambiguous != nil {
		t.Errorf("%+v", m)
	}
	if got, err := table.Caption("t/b.png"); got != "Exact." || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := m.Caption("t/c.png"); err == nil || !strings.Contains(err.Error(), "lines 3 and 4") {
		t.Error(err)
	}
	if got, err := m.Caption("t/d.png"); got != "Same." || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(`{"image":"a/../b.png","caption":"x"}`+"\n"), "/r")
	f.Add([]byte("null\n{}"), "")
	f.Add([]byte("\xff\xfe{\x00"), `C:\`)
	f.Fuzz(func(t *testing.T, data []byte, root string) {
		table, err := ParseTable(bytes.NewReader(data))
		if err != nil {
			return
		}
		for image, e := range table.byName {
			if image == "" || e.line < 1 || e.other != 0 && e.other <= e.line {
				t.Errorf("%q: %+v", image, e)
			}
		}
		m := table.Match(root, []string{"b.png", "a/b.png"})
		if m.Matched > m.Rows || len(m.Unmatched)+len(m.Ambiguous) > m.Rows-m.Matched {
			t.Errorf("%+v", m)
		}
	})
}
