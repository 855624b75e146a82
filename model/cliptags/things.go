package cliptags

import (
	"encoding/json"

	"semidavil/transforms/captions"
)

// Thing is one entry of the vocabulary: what a part of a street scene may be.
type Thing struct {
	// One and Many name it in sentences, see captions.Sighting; without Many it is never named and only
	// keeps its patches from being taken for something else.
	One, Many string
	Beside    bool
	// Prompts are what CLIP's text tower reads, in the frames of templates; the feature is their mean.
	Prompts []string
	// Labels are the classes of data sets that are this thing.
	Labels []string
}

// Things is the vocabulary of street scenes: the 19 classes of Cityscapes, in the order in which
// sentences name them, rare and large things first.
var Things = []Thing{
	{"tram", "trams", false, []string{"tram", "train"}, []string{"train"}},
	{"bus", "buses", false, []string{"bus", "coach"}, []string{"bus"}},
	{"truck", "trucks", false, []string{"truck", "lorry"}, []string{"truck"}},
	{"rider", "riders", false, []string{"rider on a bicycle", "rider on a motorcycle", "cyclist"}, []string{"rider", "bicyclist"}},
	{"car", "cars", false, []string{"car", "parked car"}, []string{"car"}},
	{"person", "people", false, []string{"person", "pedestrian", "people"}, []string{"person", "pedestrian"}},
	{"motorcycle", "motorcycles", false, []string{"motorcycle", "parked motorcycle"}, []string{"motorcycle"}},
	{"bicycle", "bicycles", false, []string{"bicycle", "parked bicycle"}, []string{"bicycle"}},
	{"", "buildings", true, []string{"buildings", "building", "house"}, []string{"building"}},
	{"", "trees", true, []string{"trees", "tree", "bushes"}, []string{"vegetation", "tree"}},
	{"", "grass", true, []string{"grass", "lawn"}, []string{"terrain"}},
	{"", "a wall", true, []string{"wall", "brick wall"}, []string{"wall"}},
	{"", "a fence", true, []string{"fence", "railing"}, []string{"fence"}},
	{"traffic light", "traffic lights", true, []string{"traffic light"}, []string{"traffic light"}},
	{"traffic sign", "traffic signs", true, []string{"traffic sign", "road sign"}, []string{"traffic sign", "sign symbol"}},
	{Prompts: []string{"road", "street", "asphalt"}, Labels: []string{"road"}},
	{Prompts: []string{"sidewalk", "pavement"}, Labels: []string{"sidewalk", "pavement"}},
	{Prompts: []string{"pole", "lamp post"}, Labels: []string{"pole"}},
	{Prompts: []string{"sky", "blue sky", "clouds"}, Labels: []string{"sky"}},
}

// templates are the frames of prompts.
var templates = []string{"a photo of a %s.", "a street with a %s", "there is a %s in the scene.", "%s"}

// vocabularyDigest stands for what the features of the vocabulary depend on beside the text tower.
func vocabularyDigest() string {
	data, err := json.Marshal([]any{Things, templates})
	if err != nil {
		panic(err) // strings and booleans
	}
	return captions.Digest(string(data))
}
