package checkpoint

import (
	"cmp"
	"context"
	"path/filepath"
)

// Datasets fetches files of data sets from the hub into its cache, by the same
// variables as [Resolve] and HF_DATASETS_OFFLINE. The hub is asked once for
// the files of a data set, whatever is then fetched of it. It is not for concurrent use.
type Datasets struct{ hub *hub }

// NewDatasets reads the variables. progress may be nil.
func NewDatasets(progress Progress) (*Datasets, error) {
	h, err := newHub(progress)
	if err != nil {
		return nil, err
	}
	h.offline = cmp.Or(h.offline, offlineBy("HF_DATASETS_OFFLINE"))
	return &Datasets{h}, nil
}

// Fetch returns where the chosen files of the data set ORG/NAME or
// ORG/NAME@REVISION lie in the cache, in choose's order. What is not there is
// downloaded, and checked against the hub's sizes and hashes. Offline, or where
// the hub cannot be asked, choose picks from what the cache has. Where the data set
// or what choose wants of it is not there the error is [ErrAbsent]; a hub that is
// busy, out of order or out of reach, or that refuses, leaves that open.
func (d *Datasets) Fetch(ctx context.Context, name string, choose Choice) ([]string, error) {
	r, err := d.hub.repository(datasets, name)
	if err != nil {
		return nil, err
	}
	dir, chosen, err := d.hub.fetch(ctx, r, choose)
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(chosen))
	for i, path := range chosen {
		paths[i] = filepath.Join(dir, filepath.FromSlash(path))
	}
	return paths, nil
}
