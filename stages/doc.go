// Package stages holds the Beam transforms that the pipelines are composed of, one a
// file, each Verb(scope, VerbParams, collections...) -> collections:
//
//	Match     -> references of images and labels in the data sets
//	Split     references -> subsets: source, labelled, unlabelled, val, test
//	Assign    subsets -> shard plans, each a list of references
//	Caption   plans -> plans with captions
//	Tokenise  plans -> plans with token ids
//	Write     plans -> shards on disk, the index of each
//	Commit    indexes and rejects -> statistics, manifest
//
// or, where captions are all that is wanted,
//
//	Thumbnail       plans -> captions of each plan, small pictures of some images
//	CommitCaptions  captions and rejects -> contact sheet, statistics
//
// Plans, of raw images or of shards, also go to trained networks:
//
//	ListShards    -> plans of prepared shards
//	Predict       plans -> stored predictions, and histograms of their confidences
//	Threshold     histograms -> thresholds of the classes
//	Label         predictions and thresholds -> label files
//	CommitLabels  labels and rejects -> statistics, list of labels
//	Exchange      plans -> plans with further captions, of other images
//	Score         plans -> counts against labels
//	CommitScores  counts and rejects -> report
//
// and where the images are volumes, whose shards Write makes without captions:
//
//	ScoreVolumes        plans -> scores of organs
//	CommitVolumeScores  scores and rejects -> report
//	LabelVolumes        plans -> label files
//
// People look at images too:
//
//	Draw        plans, and what an output says of their images -> small pictures
//	CommitPage  pictures -> a page
//
// and trainings run on an output of prepare:
//
//	Pretrain      configurations -> a small CLIP each
//	Train         configurations -> a segmenter each
//	TrainVolumes  configurations -> a network on volumes each
//
// Only references, captions and counts travel between stages, and pictures of a few kilobytes for
// people; pixels are read, changed and written inside one of them. A sample that cannot be prepared becomes a
// shards.Reject; an error of a stage is a fault of the run.
//
// What several stages share has packages of its own:
//
//	plans            the elements that travel from Match to the stages that read pixels
//	rejects          one bad image is one row, not the end of a run
//	counters         what progress bars and summaries read
//	captionstore     captions of the user and of earlier runs
//	inference        images of plans through networks, in batches
//	predictionfiles  label files of any program, by the images' names
package stages
