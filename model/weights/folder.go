package weights

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"semidavil/internal/store"
	"semidavil/model/weights/builtin"
)

// The files of a model folder.
const (
	modelFile = "model.safetensors"
	indexFile = "model.safetensors.index.json"
)

// Limits of the JSON files, and of the number of parts, all of which are open at once.
const (
	maxIndex  = 64 << 20
	maxConfig = 1 << 20
	maxParts  = 100
)

// located is a tensor and the file that it lies in.
type located struct {
	Tensor
	file string
}

// part is an open file of a model.
type part struct {
	file string
	*Reader
	io.Closer
}

// Folder is a model folder of transformers whose headers were read.
type Folder struct {
	dir     string
	parts   []part
	tensors map[string]located
	config  []byte // of config.json; nil where there is none
}

// OpenFolder opens the file or files of a model, local or gs://, of that class of transformers.
// The folder holds model.safetensors, or model.safetensors.index.json with the files that it
// names. The caller closes it.
func OpenFolder(ctx context.Context, dir, class string) (_ *Folder, err error) {
	f := &Folder{dir: dir, tensors: map[string]located{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	files, index, err := listFiles(ctx, dir, class)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := f.open(ctx, file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if f.config, err = readSmall(ctx, dir, configFile, maxConfig); err != nil {
		return nil, err
	}
	return f, f.checkIndex(index)
}

// JSON returns a small JSON file of the folder; nil where there is none.
func (f *Folder) JSON(ctx context.Context, file string) ([]byte, error) {
	if file == configFile {
		return f.config, nil
	}
	return readSmall(ctx, f.dir, file, maxConfig)
}

// Len is the number of elements of all tensors.
func (f *Folder) Len() (n int) {
	for _, t := range f.tensors {
		n += t.Len()
	}
	return n
}

// openBuiltin opens the model that is part of the program.
func openBuiltin() (*Folder, error) {
	data, err := builtin.Files.ReadFile(modelFile)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: builtin.Name, tensors: map[string]located{}}
	if f.config, err = builtin.Files.ReadFile(configFile); err != nil {
		return nil, err
	}
	return f, f.add(modelFile, io.NopCloser(bytes.NewReader(data)), int64(len(data)))
}

func (f *Folder) open(ctx context.Context, file string) error {
	name, err := store.Join(f.dir, file, store.FollowLinks) // model folders of caches are links
	if err != nil {
		return err
	}
	info, err := store.Stat(ctx, name)
	if err != nil {
		return err
	}
	r, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	return f.add(file, r, info.Size)
}

// add takes over a file of size bytes.
func (f *Folder) add(file string, r io.ReadCloser, size int64) error {
	f.parts = append(f.parts, part{file: file, Closer: r})
	reader, err := NewReader(r, size)
	if err != nil {
		return err
	}
	f.parts[len(f.parts)-1].Reader = reader
	for _, t := range reader.Tensors() {
		if other, ok := f.tensors[t.Name]; ok {
			return fmt.Errorf("%s: lies in %s too", quoted(t.Name), other.file)
		}
		f.tensors[t.Name] = located{t, file}
	}
	return nil
}

// checkIndex reports where an index and the files contradict each other.
func (f *Folder) checkIndex(index map[string]string) error {
	if index == nil {
		return nil
	}
	var bad faults
	for _, name := range sorted(index) {
		if t := f.tensors[name]; t.file != index[name] {
			bad.add("%s: is not in %s, where %s has it", quoted(name), index[name], indexFile)
		}
	}
	for _, name := range sorted(f.tensors) {
		if _, ok := index[name]; !ok {
			bad.add("%s in %s: is not in %s", quoted(name), f.tensors[name].file, indexFile)
		}
	}
	return bad.err()
}

// Close closes the files.
func (f *Folder) Close() error {
	var errs []error
	for _, p := range f.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// listFiles names the files of a model, and its index where it has one.
func listFiles(ctx context.Context, dir, class string) (files []string, index map[string]string, err error) {
	info, err := store.Stat(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir {
		return nil, nil, fmt.Errorf("is a file; want the folder that holds %s", modelFile)
	}
	if ok, err := has(ctx, dir, modelFile); ok || err != nil {
		return []string{modelFile}, nil, err
	}
	data, err := readSmall(ctx, dir, indexFile, maxIndex)
	if err != nil {
		return nil, nil, err
	}
	if data != nil {
		if index, err = parseIndex(data); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", indexFile, err)
		}
		return slices.Compact(slices.Sorted(maps.Values(index))), index, nil
	}
	for _, pickle := range []string{"pytorch_model.bin", "pytorch_model.bin.index.json"} {
		ok, err := has(ctx, dir, pickle)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			return nil, nil, fmt.Errorf("has %s but no %s; convert it with: python3 -c 'from transformers import %s; "+
				"%[3]s.from_pretrained(\"SOURCE\").save_pretrained(\"TARGET\", safe_serialization=True)'", pickle, modelFile, class)
		}
	}
	return nil, nil, fmt.Errorf("has no %s and no %s", modelFile, indexFile)
}

// parseIndex reads which file each tensor is in.
func parseIndex(data []byte) (map[string]string, error) {
	var index struct {
		Files map[string]string `json:"weight_map"`
	}
	if err := unmarshal(data, &index); err != nil {
		return nil, err
	}
	files := slices.Compact(slices.Sorted(maps.Values(index.Files)))
	for _, name := range sorted(index.Files) {
		file := index.Files[name]
		if strings.ContainsAny(file, "/\\\x00") || strings.HasPrefix(file, ".") || !strings.HasSuffix(file, ".safetensors") {
			return nil, fmt.Errorf("%s: %s is no name of a .safetensors file in the same folder", quoted(name), quoted(file))
		}
	}
	if len(files) == 0 || len(files) > maxParts {
		return nil, fmt.Errorf("weight_map names %d files, want 1 to %d", len(files), maxParts)
	}
	return index.Files, nil
}

// has reports whether the folder has a file.
func has(ctx context.Context, dir, file string) (bool, error) {
	name, err := store.Join(dir, file, store.FollowLinks)
	if err != nil {
		return false, err
	}
	return store.Exists(ctx, name)
}

// readSmall reads a text of the folder; nil where there is none.
func readSmall(ctx context.Context, dir, file string, limit int64) ([]byte, error) {
	name, err := store.Join(dir, file, store.FollowLinks)
	if err != nil {
		return nil, err
	}
	if ok, err := store.Exists(ctx, name); !ok || err != nil {
		return nil, err
	}
	return store.ReadText(ctx, name, limit)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
