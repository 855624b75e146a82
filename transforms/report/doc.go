// Package report writes the results of a run as one self-contained HTML page: a
// few facts, then sections of text, tables, charts and rows of pictures.
//
// The page needs no network and runs no script: its style is part of it, pictures
// are data: URIs, and its Content-Security-Policy forbids everything else. It has
// one column, follows the light or dark preference of the reader, prints, and on
// a phone scrolls wide tables and charts inside their own boxes. Every text is
// escaped by html/template.
//
// Charts stand inline: they stay sharp, and their texts can be searched and read out. The
// same document gives the same bytes.
package report
