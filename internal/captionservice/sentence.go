package captionservice

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode"

	"semidavil/transforms/captions"
)

var (
	errThoughts   = errors.New("the answer holds the model's thoughts and no sentence: switch thinking off, or ask another model")
	errNoSentence = errors.New("the answer is no sentence")
)

// thinking are the names of tags that models put around their thoughts.
const thinking = `(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis|scratchpad)`

var (
	thoughts    = regexp.MustCompile(`(?is)<` + thinking + `\s*>.*?</` + thinking + `\s*>`)
	thoughtTag  = regexp.MustCompile(`(?i)<(/?)` + thinking + `\b[^>]*>?`)
	otherTags   = regexp.MustCompile(`(?i)(?:\[|◁)(/?)think(?:\]|▷)`)
	channel     = regexp.MustCompile(`(?is)^.*<\|channel\|>\s*final\s*<\|message\|>`)
	unfinished  = regexp.MustCompile(`(?is)<\|channel\|>.*$`)
	special     = regexp.MustCompile(`(?i)<\|[a-z0-9_]+\|>|</?s>|<(?:eos|bos|pad|image|start_of_turn|end_of_turn|end_of_utterance)>`)
	preamble    = regexp.MustCompile(`(?i)^(?:(?:sure|certainly|of course|okay|absolutely)(?: thing)?[!,.]\s*)?(?:here(?:'s|’s| is| are)|below is)\s[^:.]*\b(?:sentence|caption|description|answer)s?\b[^:.]*:\s*`)
	fence       = regexp.MustCompile("(?s)```(?:[a-zA-Z]+[ \t]*\r?\n|json\\s)?(.*?)```")
	heading     = regexp.MustCompile(`^#{1,6}\s`)
	lineMark    = regexp.MustCompile(`^(?:#{1,6}|[-*+•>]|\d{1,2}[.)])\s+`)
	rule        = regexp.MustCompile(`^(?:-{3,}|\*{3,}|_{3,}|={3,})$`)
	bold        = regexp.MustCompile(`\*\*(\S[^*]*)\*\*|\b__(\S[^_]*)__\b`)
	italic      = regexp.MustCompile("(^|[\\s(\"“])(?:\\*([^*\\s][^*]*)\\*|_([^_\\s][^_]*)_|`([^`]+)`)($|[\\s).,;:!?\"”])")
	label       = regexp.MustCompile(`(?i)^(?:(?:final|image|scene) )?(?:caption|description|answer|assistant)\s?:\s*`)
	captionKeys = []string{"caption", "description", "sentence", "answer", "text"}
)

// Sentence returns the sentence in the answer of a model, normalised: without thoughts in
// <think> and the like, tokens of chat templates, Markdown, JSON around it, quotes, and a
// label such as "Caption:" or "Here is a caption of the image:". The sentence of a
// sentence is itself. The error is captions.ErrEmpty where there is no text, or else says why
// the text is not a sentence.
func Sentence(answer string) (string, error) {
	text := answer
	for {
		next := peel(text)
		if next == text {
			break
		}
		text = next
	}
	switch {
	case text == "" && (thoughtTag.MatchString(answer) || otherTags.MatchString(answer) || unfinished.MatchString(answer)):
		return "", errThoughts
	case text == "":
		return "", captions.ErrEmpty
	case strings.IndexFunc(text, unicode.IsLetter) < 0, strings.Contains(text, "```"), looksLikeJSON(text):
		return "", errNoSentence
	}
	return text, nil
}

// peel removes the outermost layer of each kind of markup.
func peel(text string) string {
	text = otherTags.ReplaceAllString(text, "<${1}think>")
	text = unfinished.ReplaceAllString(channel.ReplaceAllString(text, ""), "")
	text = special.ReplaceAllString(withoutThoughts(text), " ")
	if m := fence.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	text = unwrapJSON(strings.TrimSpace(text))
	text = captions.Normalise(withoutMarks(text))
	text = bold.ReplaceAllString(text, "$1$2")
	text = italic.ReplaceAllString(text, "$1$2$3$4$5")
	return captions.Normalise(unquote(label.ReplaceAllString(preamble.ReplaceAllString(text, ""), "")))
}

// withoutThoughts removes what stands in <think>. The chat template may have opened
// it before the answer, and a token limit may leave it open.
func withoutThoughts(text string) string {
	text = thoughts.ReplaceAllString(text, " ")
	for {
		tag := thoughtTag.FindStringSubmatchIndex(text)
		if tag == nil {
			return text
		}
		if tag[2] == tag[3] { // <think>
			return text[:tag[0]]
		}
		text = text[tag[1]:]
	}
}

// unwrapJSON returns the only text in a JSON value, or the text as it is.
func unwrapJSON(text string) string {
	var v any
	if text == "" || !strings.ContainsRune(`{["`, rune(text[0])) || json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	for {
		switch value := v.(type) {
		case string:
			return value
		case []any:
			if len(value) != 1 {
				return text
			}
			v = value[0]
		case map[string]any:
			if v = captionMember(value); v == nil {
				return text
			}
		default:
			return text
		}
	}
}

// captionMember returns the member of an object that holds the caption, or nil.
func captionMember(object map[string]any) any {
	for _, want := range captionKeys {
		for name, value := range object {
			if strings.EqualFold(name, want) {
				return value
			}
		}
	}
	if len(object) == 1 {
		for _, value := range object {
			return value
		}
	}
	return nil
}

func looksLikeJSON(text string) bool {
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[{") || strings.HasPrefix(text, `["`)
}

// withoutMarks removes what Markdown puts before lines, and headings that other lines follow.
func withoutMarks(text string) string {
	var headings, lines []string
	for line := range strings.Lines(text) {
		line = captions.Normalise(line)
		if rule.MatchString(line) {
			continue
		}
		plain := lineMark.ReplaceAllString(line, "")
		if heading.MatchString(line) {
			headings = append(headings, plain)
		} else if plain != "" {
			lines = append(lines, plain)
		}
	}
	if len(lines) == 0 {
		lines = headings
	}
	return strings.Join(lines, " ")
}
