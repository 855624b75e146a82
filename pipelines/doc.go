// Package pipelines holds the graph of each command, one in each file: how its stages are
// composed, and nothing else.
//
//	Caption      raw folders -> a sentence about every image, and a page to look at them
//	Prepare      raw folders -> shards of captioned, tokenised, resized and cropped samples; class statistics
//	Pretrain     shards -> a small CLIP
//	Train        shards -> a segmenter
//	Ablate       shards -> segmenters of many settings
//	Pseudolabel  images -> labels where the network passes the thresholds of the classes
//	Evaluate     images -> scores
//	Browse       an output of Prepare, Pseudolabel or Evaluate -> a page to look at its images
//	Images       raw folders or shards -> the images of the last three
//
// Captioning, resizing and cropping, class statistics, thresholds, labels and trainings
// are transforms of one kind: a stage takes parameters and PCollections and returns
// PCollections. The folders NAME are the commands; internal/NAME turns a command line
// into the parameters of its graph, and summarises what the graph wrote.
package pipelines
