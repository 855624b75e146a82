package semidavil

import "fmt"

// Class is one class of a set; its index in the set is the train id.
type Class struct {
	Name string
	// ID is the data set's own label id, the one that label files store.
	ID int
	// Color is the colour of the data set's colour maps.
	Color [3]uint8
}

// ClassSet is an ordered list of classes: the position is the train id.
type ClassSet struct {
	Name    string
	Classes []Class
}

// Len returns the number of classes.
func (s ClassSet) Len() int { return len(s.Classes) }

// Names returns the class names in train id order.
func (s ClassSet) Names() []string {
	names := make([]string, len(s.Classes))
	for i, c := range s.Classes {
		names[i] = c.Name
	}
	return names
}

// Cityscapes19 is the evaluation set of Cityscapes, with the label ids and
// colours of its own scripts.
var Cityscapes19 = ClassSet{Name: "cityscapes19", Classes: []Class{
	{"road", 7, [3]uint8{128, 64, 128}},
	{"sidewalk", 8, [3]uint8{244, 35, 232}},
	{"building", 11, [3]uint8{70, 70, 70}},
	{"wall", 12, [3]uint8{102, 102, 156}},
	{"fence", 13, [3]uint8{190, 153, 153}},
	{"pole", 17, [3]uint8{153, 153, 153}},
	{"traffic light", 19, [3]uint8{250, 170, 30}},
	{"traffic sign", 20, [3]uint8{220, 220, 0}},
	{"vegetation", 21, [3]uint8{107, 142, 35}},
	{"terrain", 22, [3]uint8{152, 251, 152}},
	{"sky", 23, [3]uint8{70, 130, 180}},
	{"person", 24, [3]uint8{220, 20, 60}},
	{"rider", 25, [3]uint8{255, 0, 0}},
	{"car", 26, [3]uint8{0, 0, 142}},
	{"truck", 27, [3]uint8{0, 0, 70}},
	{"bus", 28, [3]uint8{0, 60, 100}},
	{"train", 31, [3]uint8{0, 80, 100}},
	{"motorcycle", 32, [3]uint8{0, 0, 230}},
	{"bicycle", 33, [3]uint8{119, 11, 32}},
}}

// CamVid11 is the 11-class set of the SegNet release of CamVid, with the
// colours of that release.
var CamVid11 = ClassSet{Name: "camvid11", Classes: []Class{
	{"sky", 0, [3]uint8{128, 128, 128}},
	{"building", 1, [3]uint8{128, 0, 0}},
	{"pole", 2, [3]uint8{192, 192, 128}},
	{"road", 3, [3]uint8{128, 64, 128}},
	{"pavement", 4, [3]uint8{60, 40, 222}},
	{"tree", 5, [3]uint8{128, 128, 0}},
	{"sign symbol", 6, [3]uint8{192, 128, 128}},
	{"fence", 7, [3]uint8{64, 64, 128}},
	{"car", 8, [3]uint8{64, 0, 128}},
	{"pedestrian", 9, [3]uint8{64, 64, 0}},
	{"bicyclist", 10, [3]uint8{0, 128, 192}},
}}

// Synapse14 is the set of the Synapse abdominal CT data ("Beyond the Cranial Vault"):
// the background and 13 organs, with the label ids of its files. The data has no colours
// of its own; these are made to be told apart, paired organs by their shade.
var Synapse14 = ClassSet{Name: "synapse14", Classes: []Class{
	{"background", 0, [3]uint8{0, 0, 0}},
	{"spleen", 1, [3]uint8{145, 30, 180}},
	{"right kidney", 2, [3]uint8{60, 180, 75}},
	{"left kidney", 3, [3]uint8{170, 255, 195}},
	{"gallbladder", 4, [3]uint8{128, 128, 0}},
	{"oesophagus", 5, [3]uint8{250, 190, 212}},
	{"liver", 6, [3]uint8{154, 60, 36}},
	{"stomach", 7, [3]uint8{245, 130, 48}},
	{"aorta", 8, [3]uint8{230, 25, 75}},
	{"inferior vena cava", 9, [3]uint8{0, 90, 220}},
	{"portal and splenic vein", 10, [3]uint8{70, 220, 240}},
	{"pancreas", 11, [3]uint8{255, 225, 25}},
	{"right adrenal gland", 12, [3]uint8{240, 50, 230}},
	{"left adrenal gland", 13, [3]uint8{220, 190, 255}},
}}

// ClassSetByName returns a built-in class set.
func ClassSetByName(name string) (ClassSet, error) {
	switch name {
	case Cityscapes19.Name:
		return Cityscapes19, nil
	case CamVid11.Name:
		return CamVid11, nil
	case Synapse14.Name:
		return Synapse14, nil
	}
	return ClassSet{}, fmt.Errorf("semidavil: class set %q: unknown; valid: %s, %s, %s",
		name, Cityscapes19.Name, CamVid11.Name, Synapse14.Name)
}
