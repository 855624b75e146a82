// Package loader makes the batches of training from the shards of prepare.
//
// A batch is a pure function of the configuration, the data and the number of the
// step: nothing is carried from one step to the next, so a run that is resumed, or
// made with other numbers of workers and shards, sees the same bytes.
//
//   - Slot step·count+j of a stream (source, labelled, unlabelled) takes the sample
//     at a position of the epoch's pseudo-random order; every epoch has each sample
//     once, and a batch may span two of them. Rare-class sampling of the source
//     draws class and image for each slot instead.
//   - Crop, mirroring and colours of a slot are drawn from (seed, key, slot).
//   - Shards are read at random through an index of their members, made at Open.
//     Those of a bucket are copied to this machine first. Decoded images stay in
//     memory until CacheBytes is full.
//
// Letters: S source, L labelled and U unlabelled images of a batch, H and W the
// crop's height and width.
package loader
