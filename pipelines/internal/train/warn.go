package train

import (
	"context"
	"fmt"
	"strings"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/stages"
	"semidavil/transforms/shards"
)

// manyPasses is the number of passes over the source images above which a training is longer
// than its data is worth: the paper's 40,000 steps are six passes over GTA5.
const manyPasses = 200

// warn says what is probably a mistake of the settings, given the data.
func warn(ctx context.Context, cfg configs.Train) (warnings []string) {
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return nil // the plan has told
	}
	unit := "images"
	if m.Volumes != nil {
		unit = "volumes"
	}
	if m.Samples[semidavil.Val] == 0 {
		warnings = append(warnings, cfg.Data+" has no val "+unit+": nothing is scored, and the last checkpoint is used in the place of best.safetensors")
	}
	if m.Volumes != nil {
		return warnings // which are few, and seen often
	}
	if n := m.Samples[semidavil.SourceTrain]; n > 0 {
		if passes := cfg.Steps * cfg.Batch[0] / n; passes > manyPasses {
			warnings = append(warnings, fmt.Sprintf("%d steps go %d times over the %d source images; for MiniCity there is --config=configs/examples/train_minicity.yaml", cfg.Steps, passes, n))
		}
	}
	cropW, cropH, err := configs.ParseSize(cfg.Crop)
	if err != nil {
		return warnings
	}
	var small []string
	for i, subset := range []semidavil.Subset{semidavil.SourceTrain, semidavil.Labelled, semidavil.Unlabelled} {
		if w, h := firstSize(ctx, cfg.Data, m, subset); cfg.Batch[i] > 0 && w > 0 && (w < cropW || h < cropH) {
			small = append(small, fmt.Sprintf("%s %dx%d", subset, w, h))
		}
	}
	if small != nil {
		warnings = append(warnings, fmt.Sprintf("crops of %s are larger than images (%s): the rest of a crop is padding", cfg.Crop, strings.Join(small, ", ")))
	}
	return warnings
}

// firstSize is the size of the first sample of a subset, 0 where there is none.
func firstSize(ctx context.Context, data string, m shards.Manifest, subset semidavil.Subset) (w, h int) {
	for _, shard := range m.Shards {
		if shard.Subset != subset || shard.Samples == 0 {
			continue
		}
		file, err := store.ReadFile(ctx, data+"/shards/"+shard.Name+".json", 0)
		if err != nil {
			return 0, 0
		}
		index, err := shards.DecodeIndex(file)
		if err != nil || len(index.Samples) == 0 {
			return 0, 0
		}
		return index.Samples[0].Size[0], index.Samples[0].Size[1]
	}
	return 0, 0
}
