package captionservice

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"semidavil/transforms/captions"
)

// The request and the answer of the chat interface, as far as they are used.
type (
	chatMessage struct {
		Role    string     `json:"role"`
		Content []chatPart `json:"content"`
	}
	chatPart struct {
		Type     string     `json:"type"`
		Text     string     `json:"text,omitempty"`
		ImageURL *chatImage `json:"image_url,omitempty"`
	}
	chatImage struct {
		URL string `json:"url"`
	}
	chatAnswer struct {
		Choices []struct {
			Message struct {
				Content json.RawMessage `json:"content"`
				Refusal string          `json:"refusal"`
			} `json:"message"`
		} `json:"choices"`
	}
)

// chatRequest returns the body that asks for the caption of an image, which is
// given as a data URL.
func chatRequest(cfg Endpoint, image string) ([]byte, error) {
	return json.Marshal(struct {
		Model       string        `json:"model"`
		Messages    []chatMessage `json:"messages"`
		MaxTokens   int           `json:"max_tokens"`
		Temperature float64       `json:"temperature"`
	}{
		Model: cfg.Model,
		Messages: []chatMessage{{Role: "user", Content: []chatPart{
			{Type: "text", Text: cfg.Prompt},
			{Type: "image_url", ImageURL: &chatImage{URL: image}},
		}}},
		MaxTokens: cfg.MaxTokens,
	})
}

// parseAnswer returns the sentence of an answer. The key is kept out of errors. Where
// there is none and the model does not refuse, another attempt may bring one.
func parseAnswer(body []byte, key string) (string, error) {
	var answer chatAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("the answer is not JSON of a chat: %w: %s", err, firstLine(body, key))
	}
	if len(answer.Choices) == 0 {
		return "", fmt.Errorf("the answer has no choices: %s", firstLine(body, key))
	}
	message := answer.Choices[0].Message
	content, err := contentText(message.Content)
	if err != nil {
		return "", err
	}
	text, err := Sentence(content)
	switch {
	case err == nil && len(key) >= keyGram && redact(text, key) != text: // captions are stored
		return "", errors.New("the answer repeats the key of the service")
	case err == nil:
		return text, nil
	case message.Refusal != "":
		return "", fmt.Errorf("%w: %w: %s", captions.ErrEmpty, errRefuses, firstLine([]byte(message.Refusal), key))
	case !errors.Is(err, captions.ErrEmpty):
		err = fmt.Errorf("%w: %s", err, firstLine([]byte(content), key))
	}
	return "", &transient{err: err}
}

// errRefuses is about one image, which a service in order answers so.
var errRefuses = errors.New("the model refuses")

// contentText reads a content that is a string, a list of parts or null.
func contentText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []chatPart
	if json.Unmarshal(raw, &parts) != nil {
		return "", errors.New("the content of the answer is neither a text nor a list of parts")
	}
	var texts []string
	for _, p := range parts {
		if p.Type == "text" || p.Type == "output_text" || p.Type == "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, " "), nil
}

// firstLine returns the message of an error body: the field that services put
// it in, or the first line, at most 200 bytes of it. Some services repeat the key
// of the request, or a part of it, which is redacted before the text is cut.
func firstLine(body []byte, key string) string {
	var known struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	text := string(body)
	if json.Unmarshal(body, &known) == nil && known.Error.Message != "" {
		text = known.Error.Message
	}
	text = redact(text, key)
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = captions.Normalise(text)
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "..."
	}
	if text == "" {
		return "(no text)"
	}
	return text
}

// quotes are the pairs that language models like to put around an answer.
var quotes = [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"‘", "’"}, {"«", "»"}}

// unquote removes quotes that enclose a whole caption.
func unquote(s string) string {
	for {
		s = strings.TrimSpace(s)
		before := s
		for _, q := range quotes {
			inner, opened := strings.CutPrefix(s, q[0])
			inner, closed := strings.CutSuffix(inner, q[1])
			// Quotes inside mean that the outer two are not a pair.
			if opened && closed && !strings.Contains(inner, q[0]) && !strings.Contains(inner, q[1]) {
				s = inner
			}
		}
		if s == before {
			return s
		}
	}
}
