package text

import "strings"

// endOfWord marks a token that ends a word.
const endOfWord = "</w>"

// byteRunes gives the printable character that stands for each byte in the
// vocabulary files, and byteOrder the bytes in the order of the first 256 ids:
// the printable ones of Latin-1 as themselves, then the rest as U+0100 and up
// (bytes_to_unicode of GPT-2 and CLIP).
var byteRunes, byteOrder, runeBytes = alphabet()

func alphabet() (runes [256]rune, order [256]byte, back map[rune]byte) {
	back = make(map[rune]byte, 256)
	n := 0
	add := func(b int, r rune) {
		runes[b], order[n], back[r] = r, byte(b), byte(b)
		n++
	}
	printable := func(b int) bool {
		return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae
	}
	for b := range 256 {
		if printable(b) {
			add(b, rune(b))
		}
	}
	next := rune(256)
	for b := range 256 {
		if !printable(b) {
			add(b, next)
			next++
		}
	}
	return runes, order, back
}

// byteToken returns the vocabulary spelling of one byte.
func byteToken(b byte, end bool) string {
	if end {
		return string(byteRunes[b]) + endOfWord
	}
	return string(byteRunes[b])
}

// tokenBytes returns the bytes that a token of the vocabulary stands for and
// whether it ends a word; ok is false where a character stands for no byte.
func tokenBytes(token string) (raw string, end, ok bool) {
	if token != endOfWord {
		token, end = strings.CutSuffix(token, endOfWord)
	}
	raw, ok = spelledBytes(token)
	return raw, end, ok
}

// spelledBytes returns the bytes that the characters of a token stand for; ok is false where it
// is empty or a character stands for no byte.
func spelledBytes(token string) (raw string, ok bool) {
	var b strings.Builder
	for _, r := range token {
		c, known := runeBytes[r]
		if !known {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), b.Len() > 0
}
