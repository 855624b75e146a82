package store

import (
	"context"
	"errors"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// pageSize is the greatest page that the service gives.
const pageSize = 1000

// objects returns an iterator over the objects below a gs:// folder and the
// prefix that their names share.
func (g gcs) objects(ctx context.Context, root string, page int) (*storage.ObjectIterator, string, error) {
	bucket, prefix, err := splitURL(root)
	if err != nil {
		return nil, "", err
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	query := &storage.Query{Prefix: prefix, Projection: storage.ProjectionNoACL}
	if err := query.SetAttrSelection([]string{"Name", "Size", "Updated", "Generation"}); err != nil {
		return nil, "", err
	}
	it := g.client.Bucket(bucket).Objects(ctx, query)
	it.PageInfo().MaxSize = page
	return it, prefix, nil
}

// list relies on the service's order, which is that of the UTF-8 bytes of the
// names.
func (g gcs) list(ctx context.Context, root string, _ bool, fn WalkFunc) error {
	it, prefix, err := g.objects(ctx, root, pageSize)
	if err != nil {
		return err
	}
	bucket, _, _ := splitURL(root)
	found := false
	for {
		attrs, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return classify(err)
		}
		found = true
		rel := strings.TrimPrefix(attrs.Name, prefix)
		// Names that end in a slash are the folders of other tools.
		if rel == "" || strings.HasSuffix(rel, "/") || hidden(rel) {
			continue
		}
		info := Info{
			Path: gsScheme + "://" + bucket + "/" + attrs.Name, Rel: rel,
			Size: attrs.Size, ModTime: attrs.Updated, Generation: attrs.Generation,
		}
		if err := fn(info, nil); err != nil {
			return err
		}
	}
	if !found && prefix != "" {
		return classify(storage.ErrObjectNotExist)
	}
	return nil
}
