package captionservice

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
)

// keyGram is how many consecutive characters of a key count as a part of it. Shorter
// keys, such as the "none" of a service without keys, are recognised only as a whole.
const keyGram = 8

// redact replaces a key in a text by "[key]", in upper or lower case: the key itself, any
// part of it of keyGram characters or more, and the key as URLs, HTML and basic
// authentication write it.
func redact(text, key string) string {
	if key == "" {
		return text
	}
	for _, written := range []string{
		key, url.QueryEscape(key), url.PathEscape(key), html.EscapeString(key),
		base64.StdEncoding.EncodeToString([]byte(key)), base64.StdEncoding.EncodeToString([]byte(":" + key)),
	} {
		text = redactOne(text, strings.TrimRight(written, "="))
	}
	return text
}

func redactOne(text, key string) string {
	n := min(len(key), keyGram)
	grams := map[string]bool{}
	low := lower(key)
	for i := 0; i+n <= len(low); i++ {
		grams[low[i:i+n]] = true
	}
	var b strings.Builder
	done, end := 0, 0 // of text: what is written, and the end of the part that is the key
	low = lower(text)
	flush := func() {
		if end > done {
			b.WriteString("[key]")
			done = end
		}
	}
	for i := 0; i+n <= len(low); i++ {
		if !grams[low[i:i+n]] {
			continue
		}
		if i > end || end == 0 {
			flush()
			b.WriteString(text[done:i])
			done = i
		}
		end = i + n
	}
	flush()
	b.WriteString(text[done:])
	return b.String()
}

// lower is strings.ToLower for ASCII letters only, so that no byte moves.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
