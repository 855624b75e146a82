package prepare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages/plans"
)

// dataSets resolves the data sets and checks that they fit together.
func dataSets(ctx context.Context, cfg configs.Prepare) (sets []plans.DataSet, classes semidavil.ClassSet, err error) {
	switch {
	case cfg.MiniCT:
		cfg.Target = []string{"minict:" + cfg.Output + "/minict"}
	case cfg.BuiltIn():
		cfg.Source, cfg.Target = []string{"gta5:" + cfg.Output + "/minicity/gta5"}, []string{"cityscapes:" + cfg.Output + "/minicity/cityscapes"}
		cfg.SourceSize, cfg.TargetSize = cmp.Or(cfg.SourceSize, cfg.SceneSize), cmp.Or(cfg.TargetSize, cfg.SceneSize)
	}
	for _, group := range []struct {
		domain semidavil.Domain
		args   []string
		size   string
	}{{semidavil.Source, cfg.Source, cfg.SourceSize}, {semidavil.Target, cfg.Target, cfg.TargetSize}} {
		for _, arg := range group.args {
			set, err := inputs.DataSet(ctx, arg)
			if err != nil {
				return nil, classes, err
			}
			set.Domain = group.domain
			adapter, err := set.Adapter()
			if err != nil {
				return nil, classes, runners.Usagef("%v", err)
			}
			if err := checkDistinct(set, adapter.Name, sets); err != nil {
				return nil, classes, err
			}
			if i := len(sets) - 1; i >= 0 && isVolumes(sets[i]) != adapter.Volumes {
				return nil, classes, runners.Usagef("%s: volumes and images are prepared one by one", arg)
			}
			if adapter.Classes.Len() > 0 {
				if classes.Name != "" && !slices.Equal(classes.Classes, adapter.Classes.Classes) {
					return nil, classes, runners.Usagef("%s has the classes of %s, but the data before it those of %s: prepare them one by one", arg, adapter.Classes.Name, classes.Name)
				}
				classes = adapter.Classes
			}
			if adapter.Volumes && group.size != "" {
				return nil, classes, runners.Usagef("--%s_size is for images; give --volume_size", group.domain)
			}
			set.W, set.H = adapter.Size[group.domain][0], adapter.Size[group.domain][1]
			if group.size != "" {
				if set.W, set.H, err = configs.ParseSize(group.size); err != nil {
					return nil, classes, err
				}
			}
			sets = append(sets, set)
		}
	}
	if classes.Len() == 0 {
		return nil, classes, runners.Usagef("images alone have no classes: give a data set with labels too, or label them with pipelines/pseudolabel")
	}
	return sets, classes, nil
}

// isVolumes reports whether a data set holds volumes.
func isVolumes(set plans.DataSet) bool {
	adapter, err := set.Adapter()
	return err == nil && adapter.Volumes
}

// checkFolders checks that the folders of the data sets exist. Without credentials a dry
// run skips the check.
func checkFolders(ctx context.Context, sets []plans.DataSet, dry bool) error {
	for _, set := range sets {
		if err := inputs.CheckFolder(ctx, set.Root); err != nil && !(dry && errors.Is(err, store.ErrNoCredentials)) {
			return fmt.Errorf("prepare: --%s=%s:%s: %w", set.Domain, set.Kind, set.Root, err)
		}
	}
	return nil
}

// checkDistinct refuses a data set that would be confused with one before it: the
// same folder twice, or two descriptions under one name.
func checkDistinct(set plans.DataSet, name string, before []plans.DataSet) error {
	for _, other := range before {
		a, err := other.Adapter()
		if err != nil {
			return err
		}
		if other.Kind == set.Kind && other.Root == set.Root && other.Pairs == set.Pairs {
			return runners.Usagef("%s: the folder %s is given twice", set.Kind, set.Root)
		}
		if a.Name == name && (other.Kind != set.Kind || other.Pairs != set.Pairs) {
			return runners.Usagef("two data sets with different descriptions have the name %q: give them different names", name)
		}
	}
	return nil
}
