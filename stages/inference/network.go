package inference

import (
	"context"
	"encoding/json"
	"fmt"

	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/infer"
)

// NetworkParams name a network and what computes it.
type NetworkParams struct {
	// Backend is a name that backend.Open reads.
	Backend string
	// Stamp is size and time of the checkpoint when the pipeline was planned; one that
	// was replaced since is refused, so that all workers use the same.
	Stamp string
	infer.Options
}

// The backends and networks of this process: however many bundles a runner processes
// at once, weights are read and graphs compiled once.
var (
	backends parallel.Cache[backend.Choice]
	networks parallel.Cache[*infer.Model]
)

// openNetwork returns the network of the process.
func openNetwork(ctx context.Context, p NetworkParams) (*infer.Model, error) {
	name, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("stages: open network: %w", err)
	}
	return networks.Get(string(name), func() (*infer.Model, error) {
		b, err := openBackend(ctx, p.Backend, p.Checkpoint, p.Stamp)
		if err != nil {
			return nil, err
		}
		return infer.Open(ctx, b.Backend, p.Options)
	})
}

// openBackend returns the backend of the process for a checkpoint, which has to be the one that the
// pipeline began with.
func openBackend(ctx context.Context, name, checkpoint, stamp string) (backend.Choice, error) {
	b, err := backends.Get(name, func() (backend.Choice, error) { return backend.Open(name) })
	if err != nil {
		return b, fmt.Errorf("stages: open network: %w", err)
	}
	now, err := Stamp(ctx, checkpoint)
	if err == nil && stamp != "" && now != stamp {
		err = fmt.Errorf("stages: open network: %s has been replaced since the pipeline began", checkpoint)
	}
	return b, err
}

// Stamp is size and time of a checkpoint.
func Stamp(ctx context.Context, checkpoint string) (string, error) {
	info, err := store.Stat(ctx, checkpoint)
	if err != nil {
		return "", fmt.Errorf("stages: open network: %w", err)
	}
	return fmt.Sprint(info.Size, " ", info.ModTime.UnixNano()), nil
}

// Close releases the networks of this process. No pipeline may be running.
func Close() {
	networks.Clear(func(m *infer.Model) { m.Close() })
	volumeNetworks.Clear(func(n volumeNetwork) { n.Close() })
	describers.Clear(func(n *oneByOne) { n.Close() })
	backends.Clear(func(b backend.Choice) { b.Backend.Finalize() })
}
