package stages

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

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

// networks holds the models of this process: however many bundles a runner processes
// at once, weights are read and graphs compiled once.
var networks struct {
	mu       sync.Mutex
	backends map[string]backend.Choice
	open     map[string]*infer.Model
}

// openNetwork returns the model of the process.
func openNetwork(ctx context.Context, p NetworkParams) (*infer.Model, error) {
	name, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("stages: open network: %w", err)
	}
	networks.mu.Lock()
	defer networks.mu.Unlock()
	if m := networks.open[string(name)]; m != nil {
		return m, nil
	}
	b, ok := networks.backends[p.Backend]
	if !ok {
		if b, err = backend.Open(p.Backend); err != nil {
			return nil, fmt.Errorf("stages: open network: %w", err)
		}
	}
	if networks.open == nil {
		networks.backends, networks.open = map[string]backend.Choice{}, map[string]*infer.Model{}
	}
	networks.backends[p.Backend] = b
	stamp, err := StampOf(ctx, p.Checkpoint)
	if err != nil {
		return nil, err
	}
	if p.Stamp != "" && stamp != p.Stamp {
		return nil, fmt.Errorf("stages: open network: %s has been replaced since the pipeline began", p.Checkpoint)
	}
	m, err := infer.Open(ctx, b.Backend, p.Options)
	if err != nil {
		return nil, err
	}
	networks.open[string(name)] = m
	return m, nil
}

// StampOf is size and time of a checkpoint.
func StampOf(ctx context.Context, checkpoint string) (string, error) {
	info, err := store.Stat(ctx, checkpoint)
	if err != nil {
		return "", fmt.Errorf("stages: open network: %w", err)
	}
	return fmt.Sprint(info.Size, " ", info.ModTime.UnixNano()), nil
}

// CloseNetworks releases the models of this process. No pipeline may be running.
func CloseNetworks() {
	networks.mu.Lock()
	defer networks.mu.Unlock()
	for _, m := range networks.open {
		m.Close()
	}
	for _, b := range networks.backends {
		b.Backend.Finalize()
	}
	networks.open, networks.backends = nil, nil
}
