// Package labels turns the ids of label files into train ids: by table, at the
// prepared size, exactly.
package labels

import (
	"fmt"

	"semidavil"
)

// unknown marks ids that a table does not have.
const unknown = -1

// Table maps the ids of a data set's label files to train ids or to
// semidavil.Ignore. Ids that it does not have are faults of the file.
type Table struct{ to []int16 } // of 256 ids, or more up to the greatest that it has

// maxID is the greatest id of a label file, in 16 bits; a stored -1 is read as it.
const maxID = 1<<16 - 1

// NewTable returns a table of the given pairs, id to train id or Ignore. Ids
// are 0 to 65535, train ids 0 to 255.
func NewTable(pairs map[int]int) (Table, error) {
	top := 255
	for id, train := range pairs {
		if id < 0 || id > maxID {
			return Table{}, fmt.Errorf("labels: make table: id %d to train id %d: want ids of 0 to %d; files hold a -1 as 255 in 8 bits and as %[3]d in 16", id, train, maxID)
		}
		if train < 0 || train > 255 {
			return Table{}, fmt.Errorf("labels: make table: id %d to train id %d: want train ids of 0 to 255", id, train)
		}
		top = max(top, id)
	}
	t := Table{make([]int16, top+1)}
	for i := range t.to {
		t.to[i] = unknown
	}
	for id, train := range pairs {
		t.to[id] = int16(train)
	}
	return t, nil
}

// TrainID returns the train id of an id, and whether the table has it.
func (t Table) TrainID(id int) (uint8, bool) {
	if id < 0 || id >= len(t.to) || t.to[id] == unknown {
		return semidavil.Ignore, false
	}
	return uint8(t.to[id]), true
}

// ignored returns a table that has the given ids, all of them ignored.
func ignored(ids ...int) Table {
	pairs := make(map[int]int, len(ids))
	for _, id := range ids {
		pairs[id] = semidavil.Ignore
	}
	t, err := NewTable(pairs)
	if err != nil {
		panic(err) // the built-in tables below are constants
	}
	return t
}

func span(from, to int) []int {
	ids := make([]int, 0, to-from+1)
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

// CityscapesIDs is the table of labelIds files: 0 to 33, of which 19 are
// evaluated; 255 is how the licence plate's -1 is stored. GTA5 has 34 beside
// them.
func CityscapesIDs() Table {
	t := ignored(append(span(0, 34), 255)...)
	for train, c := range semidavil.Cityscapes19.Classes {
		t.to[c.ID] = int16(train)
	}
	return t
}

// SynthiaIDs is the table of SYNTHIA-RAND-CITYSCAPES: 0 to 22, in its own
// order. The data set draws no terrain, truck or train (16, 18, 20), though it
// has ids for them.
func SynthiaIDs() Table {
	t := ignored(span(0, 22)...)
	for train, id := range [...]int{3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11} {
		t.to[id] = int16(train)
	}
	return t
}

// CamVidIDs is the table of the SegNet release: 0 to 10, and 11 as void.
func CamVidIDs() Table {
	t := ignored(11)
	for train, c := range semidavil.CamVid11.Classes {
		t.to[c.ID] = int16(train)
	}
	return t
}

// TrainIDs is the table of files that already hold the train ids of a set:
// every class maps to itself and 255 is ignored.
func TrainIDs(set semidavil.ClassSet) Table {
	t := ignored(semidavil.Ignore)
	for train := range set.Classes {
		t.to[train] = int16(train)
	}
	return t
}

// OfIDs is the table of label files that store the data set's own ids; those that
// belong to no class of the set are ignored where the set is Cityscapes', whose other
// ids are known, and faults of the file elsewhere.
func OfIDs(set semidavil.ClassSet) (Table, error) {
	if set.Name == semidavil.Cityscapes19.Name {
		return CityscapesIDs(), nil
	}
	pairs := map[int]int{semidavil.Ignore: semidavil.Ignore}
	for train, c := range set.Classes {
		pairs[c.ID] = train
	}
	return NewTable(pairs)
}
