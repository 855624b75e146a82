package text

import (
	"fmt"
	"strings"
)

// openAIMerges is how many merges the released CLIP models use of the 262,144
// lines in their file: 49152 - 256 - 2.
const openAIMerges = 49152 - 256 - 2

// parseMerges reads merges.txt of Hugging Face: a line a merge, its two parts
// with one space between them, by falling priority, after an optional first
// line "#version: ...".
func parseMerges(data []byte) ([][2]string, error) {
	lines := strings.SplitN(strings.TrimRight(string(data), "\r\n"), "\n", maxVocab+3)
	first := 0
	if strings.HasPrefix(lines[0], "#version") {
		first = 1
	}
	if lines[len(lines)-1] == "" {
		return nil, nil // A file without merges.
	}
	return mergeLines(lines[first:], first+1)
}

// mergeLines splits lines, the first of which has the given number.
func mergeLines(lines []string, number int) ([][2]string, error) {
	if len(lines) > maxVocab {
		return nil, fmt.Errorf("%d merges: more than %d", len(lines), maxVocab)
	}
	merges := make([][2]string, 0, len(lines))
	for i, line := range lines {
		m, err := splitMerge(strings.TrimSuffix(line, "\r"))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+i, err)
		}
		merges = append(merges, m)
	}
	return merges, nil
}

func splitMerge(line string) (m [2]string, err error) {
	a, b, ok := strings.Cut(line, " ")
	if !ok || a == "" || b == "" || strings.Contains(b, " ") {
		return m, fmt.Errorf("merge %.60q: want two tokens with one space between them", line)
	}
	return [2]string{a, b}, nil
}

// parseOpenAI reads the merges file of the OpenAI release. It has no
// vocabulary: the ids are the 256 bytes, the 256 bytes at the end of a word,
// the results of lines 2 to 48,895 in their order, SOT and EOT.
func parseOpenAI(data []byte) (*vocabulary, error) {
	lines := strings.SplitN(string(data), "\n", openAIMerges+2)
	if len(lines) < openAIMerges+1 || lines[openAIMerges] == "" {
		return nil, fmt.Errorf("%d lines: want a header and at least %d merges", len(lines), openAIMerges)
	}
	merges, err := mergeLines(lines[1:openAIMerges+1], 2)
	if err != nil {
		return nil, err
	}
	return newVocabulary(mergeTokens(merges), merges)
}

// mergeTokens returns the tokens of a vocabulary whose ids follow from its
// merges.
func mergeTokens(merges [][2]string) []string {
	tokens := make([]string, 0, 512+len(merges)+2)
	for _, end := range []bool{false, true} {
		for _, b := range byteOrder {
			tokens = append(tokens, byteToken(b, end))
		}
	}
	for _, m := range merges {
		tokens = append(tokens, m[0]+m[1])
	}
	return append(tokens, sotToken, eotToken)
}
