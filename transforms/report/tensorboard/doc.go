// Package tensorboard writes the event files that TensorBoard shows:
// scalars, images and texts over the steps of a run.
//
// An event file is a sequence of records, each an Event message of
// tensorflow/core/util/event.proto in the framing of TFRecord. The messages are
// encoded by hand with protowire: only a dozen of their fields are needed.
//
// A run may consist of several files, which TensorBoard reads in the order of
// their names, so the start time stands first in it (see FileName). A run that is
// resumed opens a new file and begins it with Restart: whatever the older files
// hold from that step on was written after the checkpoint and is out of date. The
// older files stay as they are; TensorBoard drops those events.
package tensorboard
