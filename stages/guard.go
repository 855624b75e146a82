package stages

import "semidavil/stages/rejects"

// guard does the work of one stage on one image.
var guard = rejects.Guard
