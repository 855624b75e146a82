package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// BrowseParams are those of the stages of [Browse].
type BrowseParams struct {
	Images ImagesParams
	Draw   stages.DrawParams
	Commit stages.CommitPageParams
}

// Browse draws the images of an output, and makes the page that shows them. What could not be used of them
// the output itself knows.
func Browse(s beam.Scope, p BrowseParams) {
	planned, _ := Images(s, p.Images)
	stages.CommitPage(s, p.Commit, stages.Draw(s, p.Draw, planned))
}
