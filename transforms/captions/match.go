package captions

import (
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Match is which images the rows of a table name.
type Match struct {
	// Rows counts the rows that are not broken, Matched those that name an image.
	Rows, Matched int
	// Unmatched are the names that no image has, and Ambiguous those that could be
	// several images, each once and in the order of the lines.
	Unmatched, Ambiguous []string

	byImage map[string]entry // of images that no row names exactly
}

// Caption returns the caption of an image that no row names exactly, with the errors of
// [Table.Caption].
func (m *Match) Caption(image string) (string, error) { return captionOf(m.byImage, image) }

// Match finds the images of the rows, given all images of the data set, relative to its
// root. A row that gives no image's path exactly names the one whose path is the same with
// slashes for backslashes, composed characters (NFC) for decomposed ones and small letters
// for capitals; else the same without the root, or a folder of the root's name, in front;
// else, where it is a bare file name, the one with that file name. A name that is several
// images by the first of these that finds any is Ambiguous.
func (t *Table) Match(root string, images []string) *Match {
	exact, whole, base := map[string]bool{}, index{}, index{}
	for _, image := range images {
		exact[image] = true
		whole.add(fold(image), image)
		base.add(fold(path.Base(image)), image)
	}
	root = fold(root)
	m := &Match{byImage: map[string]entry{}}
	for _, name := range t.names {
		e := t.byName[name]
		m.Rows += e.rows
		if exact[name] {
			m.Matched += e.rows
			continue
		}
		folded := fold(name)
		found := whole[folded]
		if found == nil {
			found = whole.below(root, folded)
		}
		if found == nil && !strings.Contains(folded, "/") {
			found = base[folded]
		}
		switch len(found) {
		case 0:
			m.Unmatched = append(m.Unmatched, name)
			continue
		case 1:
		default:
			m.Ambiguous = append(m.Ambiguous, name)
			continue
		}
		m.Matched += e.rows
		if before, ok := m.byImage[found[0]]; ok {
			e = before.and(e)
		}
		m.byImage[found[0]] = e
	}
	return m
}

// index holds images by a form of their paths.
type index map[string][]string

// add leaves out images beyond the second, which add nothing.
func (x index) add(key, image string) {
	if len(x[key]) < 2 {
		x[key] = append(x[key], image)
	}
}

// below returns the images that a name means once what leads to the root is cut off: the
// root itself, as it is here, or any folders down to one of its name, as it may be on
// another machine.
func (x index) below(root, name string) (found []string) {
	if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(root, "/")+"/"); ok && x[rest] != nil {
		return x[rest]
	}
	folders := strings.Split(name, "/")
	for i, folder := range folders[:len(folders)-1] {
		if folder == path.Base(root) {
			found = append(found, x[strings.Join(folders[i+1:], "/")]...)
		}
	}
	return found
}

// fold returns the form in which paths of other systems are compared.
func fold(name string) string {
	return strings.ToLower(norm.NFC.String(path.Clean(strings.ReplaceAll(name, `\`, "/"))))
}
