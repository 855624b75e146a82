package text

import (
	"fmt"
	"testing"
)

// streetCaptions are captions of the kind that a captioner writes for street
// scenes, enough of them for a small vocabulary.
func streetCaptions() []string {
	places := []string{"a narrow street", "a wide road", "an intersection", "a residential street", "a tunnel", "a bridge"}
	things := []string{"cars", "a red bus", "two pedestrians", "a cyclist", "parked motorcycles", "a traffic light", "trees and vegetation", "a truck"}
	weather := []string{"on a sunny day", "in the rain", "at night", "under a cloudy sky", "in heavy fog"}
	var captions []string
	for i, p := range places {
		for j, t := range things {
			w := weather[(i+j)%len(weather)]
			captions = append(captions,
				fmt.Sprintf("A photo of %s with %s %s.", p, t, w),
				fmt.Sprintf("There's %s next to the sidewalk; %s is in front of the building, number %d.", t, p, 10*i+j))
		}
	}
	return append(captions, "Straße, café — “curly” ‘quotes’ & 50% off!", "東京の街 東京の街", "ΟΔΟΣ ΟΔΟΣ", "🚗🚗🚌 🚗")
}

// smallVocab is the size of the vocabulary in testdata/small.
const smallVocab = 700

func smallTokenizer(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := train(streetCaptions(), smallVocab)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}
