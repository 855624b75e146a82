package infer

import (
	"reflect"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/segmenter"
	"semidavil/transforms/shards"
)

func tinyFacts() Facts {
	return Facts{
		Segmenter: segmenter.Config{
			CLIP:     clip.Config{ImageSize: 32, PatchSize: 8, VisionWidth: 16, VisionLayers: 1, VisionHeads: 2, TextWidth: 16, TextLayers: 1, TextHeads: 2, Context: 77, Vocab: 1000, Embed: 16},
			Guidance: dlg.Config{Kind: "none"}, Decoder: decode.Config{Kind: "simple", Norm: "gn", Classes: 11}},
		ClassSet: semidavil.CamVid11, Tokenizer: shards.TokenizerInfo{Name: "built-in", Vocab: 1000, SHA256: "ab"},
		Width: 64, Height: 32, Window: Sliding(32, 32), Crop: [2]int{32, 32}, SharedVision: true}
}

func encode(t testing.TB, f Facts) string {
	t.Helper()
	text, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestClaimedFacts: a checkpoint whose description asks for more than any memory has is
// refused when that is read.
func TestClaimedFacts(t *testing.T) {
	whole := encode(t, tinyFacts())
	if f, err := decodeFacts(whole); err != nil || !reflect.DeepEqual(f, tinyFacts()) {
		t.Fatalf("%+v, %v", f, err)
	}
	for was, now := range map[string]string{
		`"Vocab":1000`:     `"Vocab":1099511627776`,
		`"Context":77`:     `"Context":1099511627776`,
		`"TextLayers":1`:   `"TextLayers":1099511627776`,
		`"TextWidth":16`:   `"TextWidth":1099511627776`,
		`"VisionWidth":16`: `"VisionWidth":1099511627776`,
		`"VisionLayers":1`: `"VisionLayers":1099511627776`,
		`"ImageSize":32`:   `"ImageSize":1099511627776`,
		`"PatchSize":8`:    `"PatchSize":4611686018427387904`,
		`"Embed":16`:       `"Embed":9223372036854775807`,
		`"width":64`:       `"width":1099511627776`,
		`"height":32`:      `"height":9223372036854775807`,
		`"Classes":11`:     `"Classes":1099511627776`,
		`"Classes":[`:      `"Classes":[` + strings.Repeat(`{},`, 245),
		`"crop":[32,`:      `"crop":[1e99,`,
		`"ID":0`:           `"ID":"0"`,
	} {
		text := strings.Replace(whole, was, now, 1)
		if text == whole {
			t.Errorf("%s is not there", was)
		}
		if strings.HasPrefix(was, `"Classes":[`) {
			text = strings.Replace(text, `"Classes":11`, `"Classes":256`, 1)
		}
		if _, err := decodeFacts(text); err == nil {
			t.Errorf("%.40s was accepted", now)
		}
	}
}

// FuzzFacts: what is read is written and read again.
func FuzzFacts(f *testing.F) {
	f.Add(encode(f, tinyFacts()))
	f.Add(`{"segmenter":{"CLIP":{"Vocab":1099511627776}},"width":1099511627776}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		fixture.Modest(t, 4<<20+200*len(text), func() {
			facts, err := decodeFacts(text)
			if err != nil {
				return
			}
			if back, err := decodeFacts(encode(t, facts)); err != nil || !reflect.DeepEqual(back, facts) {
				t.Fatalf("%+v reads back as %+v, %v", facts, back, err)
			}
		})
	})
}
