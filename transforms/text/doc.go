// Package text turns captions into the token ids that the text encoder of CLIP
// reads: byte-level byte-pair encoding (BPE) with the end-of-word mark "</w>",
// framed by a start (SOT) and an end (EOT) token, 77 ids long.
//
// A [Tokenizer] comes from [Load], which reads the files of a Hugging Face
// model folder or the merges file of the OpenAI release. It is immutable except for
// a bounded cache of words and safe for concurrent use.
//
// [GPT2] is the tokeniser of OPT, the language model of BLIP-2, and [WordPiece] that of BERT, which
// writes for BLIP; what follows is about CLIP's.
//
// # Cleaning
//
// A caption is cleaned as for the training of the released weights, after
// clip/simple_tokenizer.py: ftfy.fix_text, html.unescape twice, runs of
// white space to one space, trim, lower-case as Python's str.lower does (with
// the final-sigma rule and the two-character lower case of U+0130). Of ftfy
// 6.3.1 it does unescape_html (including the rule that a line with "<", and
// every line after it, is left alone), fix_c1_controls, fix_latin_ligatures,
// fix_character_width, uncurl_quotes, remove_terminal_escapes,
// remove_control_chars and NFC, repeated until nothing changes, at most
// 64 times; fix_line_breaks has no effect on ids and is left out. It does
// not do fix_encoding: mojibake such as "cafÃ©" is kept as it stands and gets
// other ids than with ftfy. ftfy also cuts its input each million characters,
// which is not copied.
//
// CLIPTokenizerFast of Hugging Face cleans less (no ftfy, no HTML, no final sigma),
// so some captions have other ids there.
//
// Letters, digits and case follow the Unicode version of the Go release, so a
// character that a later version of Unicode added can be split otherwise than
// by a reference built on that version. Each byte that is not part of valid
// UTF-8 is read as U+FFFD.
//
// # Special tokens in captions
//
// Captions are data, and an EOT inside one would move the place where CLIP
// pools its feature. So the strings "<|startoftext|>" and "<|endoftext|>" in a
// caption are plain text, split and encoded like any other.
package text
