package pseudo

// Endings of the files of one pseudo-labelled image, after the name of the image.
const (
	TrainIDsEnding   = "_pseudo_labelTrainIds.png"
	IDsEnding        = "_pseudo_labelIds.png"
	ColourEnding     = "_pseudo_color.png"
	ConfidenceEnding = "_pseudo_confidence.png"
)
