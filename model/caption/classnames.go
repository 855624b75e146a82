package caption

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// classNames gives every image the same sentence (docs/METHOD.md#captions).
type classNames struct{ sentence string }

func newClassNames(classes []string) (*classNames, error) {
	if len(classes) == 0 {
		return nil, errors.New("caption: captioner classnames: no class names are given")
	}
	for i, c := range classes {
		if Normalise(c) == "" {
			return nil, fmt.Errorf("caption: captioner classnames: class %d has no name", i)
		}
	}
	// Cut sentences would silently lose the last classes.
	s := Sentence(classes)
	if Normalise(s) != s {
		return nil, fmt.Errorf("caption: captioner classnames: the sentence is longer than %d bytes or its names hold control characters or repeated spaces", MaxBytes)
	}
	return &classNames{sentence: s}, nil
}

// Sentence lists class names in one sentence, such as "A street scene with road,
// car and person."
func Sentence(classes []string) string {
	list := ""
	switch n := len(classes); n {
	case 0:
		return "A street scene."
	case 1:
		list = classes[0]
	default:
		list = strings.Join(classes[:n-1], ", ") + " and " + classes[n-1]
	}
	return "A street scene with " + list + "."
}

func (c *classNames) Caption(ctx context.Context, _ Request) (string, error) {
	return c.sentence, ctx.Err()
}

func (c *classNames) ID() string { return "classnames:sentence=" + digest(c.sentence) }
