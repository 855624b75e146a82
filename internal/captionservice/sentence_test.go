package captionservice

import (
	"errors"
	"testing"

	"semidavil/transforms/captions"
)

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"A road with 2 cars, a bus - and sky (at 5 * 3 * 2).": "A road with 2 cars, a bus - and sky (at 5 * 3 * 2).",
		"2 cars [parked] on a_b_c street: #1, [sic]":          "2 cars [parked] on a_b_c street: #1, [sic]",
		"The driver thinks <of> a caption: none.":             "The driver thinks <of> a caption: none.",

		"<think>The user wants one sentence.</think>\n\nA road with two cars.":                                         "A road with two cars.",
		"The user wants one.\n</think>\n\nA road.":                                                                     "A road.",
		"<THINKING>a\n\n```\nb\n```\n</THINKING>A <think></think>road.":                                                "A road.",
		"<think>a<think>b</think>c</think>A road.":                                                                     "A road.",
		"A road. <think>Is that all":                                                                                   "A road.",
		"<reasoning>The user.</reasoning> A road.":                                                                     "A road.",
		"<seed:think>The user.</seed:think>A road.":                                                                    "A road.",
		"[THINK]The user wants one.[/THINK]A road.":                                                                    "A road.",
		"◁think▷The user wants one.◁/think▷A road.":                                                                    "A road.",
		"<|channel|>analysis<|message|>The user.<|end|><|start|>assistant<|channel|>final<|message|>A road.<|return|>": "A road.",

		"A road.<|im_end|>\n<|endoftext|>": "A road.",
		"<s> A road.</s>":                  "A road.",
		"A road.<end_of_turn>":             "A road.",
		"ASSISTANT: A road.":               "A road.",
		"Here is a one-sentence description of the image:\n\nA road.": "A road.",
		"Sure! Here's a caption for the street scene: \"A road.\"":    "A road.",
		"**Here is the caption:** A road.":                            "A road.",
		"Here is a road: two cars and a sentence on a sign.":          "Here is a road: two cars and a sentence on a sign.",

		"```\nA road.\n```": "A road.",
		"```json\n{\n  \"caption\": \"A road.\"\n}\n```":       "A road.",
		"Here it is:\n\n```text\nA road.\n```\nAnything else?": "A road.",
		"```A road.```":              "A road.",
		"**Caption:** A road.":       "A road.",
		"**Image caption: A road.**": "A road.",
		"### Description\n\nA **wet** road with *two* `red` cars.": "A wet road with two red cars.",
		"# A road.":                                    "A road.",
		"- A road.\n- Two cars,\n  one red.":           "A road. Two cars, one red.",
		"1. A road.\r\n2) Two cars.\r\n\r\n---":        "A road. Two cars.",
		"> __A road.__":                                "A road.",
		"\"A \\\"wet\\\" road.\"":                      `A "wet" road.`,
		"“A road.”":                                    "A road.",
		`{"caption": "A road."}`:                       "A road.",
		`{"id": 7, "Description": "A road."}`:          "A road.",
		`{"result": {"image_description": "A road."}}`: "A road.",
		`[{"caption": "\"A road.\""}]`:                 "A road.",
		`["A road."]`:                                  "A road.",
		`Answer: {"text": "**A road.**"}`:              "A road.",
	} {
		if got, err := Sentence(in); got != want || err != nil {
			t.Errorf("Sentence(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]error{
		"":                                       captions.ErrEmpty,
		" \n\"\"":                                captions.ErrEmpty,
		"**Caption:**":                           captions.ErrEmpty,
		"```\n```":                               captions.ErrEmpty,
		`{"caption": ""}`:                        captions.ErrEmpty,
		"<think>The user":                        errThoughts,
		"<think>The user.</think>":               errThoughts,
		"[THINK]The user":                        errThoughts,
		"<|channel|>analysis<|message|>The user": errThoughts,
		`{"caption": "A road wi`:                 errNoSentence,
		`{"caption": null, "score": 1}`:          errNoSentence,
		`{"a": "x", "b": "y"}`:                   errNoSentence,
		`["A road.", "A car."]`:                  errNoSentence,
		"```json\n{\"caption\":":                 errNoSentence,
		"```\nA road":                            errNoSentence,
		"...":                                    errNoSentence,
		"7":                                      errNoSentence,
	} {
		if got, err := Sentence(in); !errors.Is(err, want) {
			t.Errorf("Sentence(%q) = %q, %v; want %v", in, got, err, want)
		}
	}
}

func FuzzSentence(f *testing.F) {
	for _, s := range []string{"<think>a</think>\n# *b*\n- __c__", "```json\n{\"caption\":\"x\"}\n```", `["\ud800"]`, "_a_*b*`c`“d”", "caption:caption : <think\x00>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := Sentence(s)
		if err != nil {
			return
		}
		if again, err := Sentence(text); again != text || err != nil || text == "" || captions.Normalise(text) != text {
			t.Errorf("Sentence(%q) = %q, and of that %q, %v", s, text, again, err)
		}
	})
}
