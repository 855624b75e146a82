package captions

import (
	"context"
	"errors"
	"fmt"
)

// classNames gives every image the same sentence (docs/METHOD.md#captions).
type classNames struct{ sentence string }

// OfClassNames returns a captioner that gives every image the [ClassSentence].
func OfClassNames(classes []string) (Captioner, error) {
	sentence, err := ClassSentence(classes)
	if err != nil {
		return nil, err
	}
	return classNames{sentence}, nil
}

// ClassSentence is one sentence of the given names, such as "A street scene with road, car
// and person." It needs at least one name, and refuses a sentence that Normalise would change.
func ClassSentence(classes []string) (string, error) {
	if len(classes) == 0 {
		return "", errors.New("caption: captioner classnames: no class names are given")
	}
	for i, c := range classes {
		if Normalise(c) == "" {
			return "", fmt.Errorf("caption: captioner classnames: class %d has no name", i)
		}
	}
	s := "A street scene with " + List(classes) + "."
	// Cut sentences would silently lose the last classes.
	if Normalise(s) != s {
		return "", fmt.Errorf("caption: captioner classnames: the sentence is longer than %d bytes or its names hold control characters or repeated spaces", MaxBytes)
	}
	return s, nil
}

func (c classNames) Caption(ctx context.Context, _ Request) (string, error) {
	return c.sentence, ctx.Err()
}

func (c classNames) ID() string { return "classnames:sentence=" + Digest(c.sentence) }
