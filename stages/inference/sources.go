package inference

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/model/textfeatures"
	"semidavil/stages/plans"
	"semidavil/transforms/shards"
)

// source is one image before it is read: a planned sample, or a sample of a shard.
type source struct {
	planned plans.Sample
	stored  *shards.Sample
	further []plans.Caption
}

// Captions calls found with the key of each image of a plan and the tokens of its caption,
// without padding. No image is decoded. Tokens that cannot be read are left to [Segmenter.Each],
// which rejects their image.
func Captions(ctx context.Context, plan plans.Plan, found func(key string, tokens []int32)) error {
	for s, err := range sources(ctx, plan, nil) {
		if err != nil {
			return err
		}
		tokens := s.planned.Tokens
		if s.stored != nil {
			stored, err := storedTokens(s.stored)
			if err != nil {
				continue
			}
			tokens = stored.IDs[:stored.Count]
		}
		found(s.planned.Ref.Key, tokens)
	}
	return nil
}

// sources are the wanted images of a plan, all where wanted is nil.
func sources(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool) iter.Seq2[source, error] {
	if wanted == nil {
		wanted = func(plans.Sample) bool { return true }
	}
	if plan.Shard != "" {
		return stored(ctx, plan, wanted)
	}
	return func(yield func(source, error) bool) {
		for _, s := range plan.Samples {
			if wanted(s) && !yield(source{planned: s}, nil) {
				return
			}
		}
	}
}

// stored reads a shard from its begin to its end, where its bytes have to be those that the
// manifest names.
func stored(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool) iter.Seq2[source, error] {
	return func(yield func(source, error) bool) {
		fail := func(err error) { yield(source{}, fmt.Errorf("stages: read %s: %w", plan.Shard, err)) }
		file, err := store.Open(ctx, plan.Shard)
		if err != nil {
			fail(err)
			return
		}
		defer file.Close()
		sum := sha256.New()
		all := io.TeeReader(file, sum)
		for r := shards.NewReader(all); ; {
			s, err := r.Next()
			if errors.Is(err, io.EOF) {
				if err := checkSum(all, sum, plan.Digest); err != nil {
					fail(err)
				}
				return
			}
			if err != nil {
				fail(err)
				return
			}
			ref := semidavil.Ref{Key: s.Key, Dataset: s.Meta.Dataset, Domain: s.Meta.Domain, Split: s.Meta.Split, Image: s.Meta.Source}
			planned := plans.Sample{Ref: ref, Caption: s.Caption}
			if wanted(planned) && !yield(source{planned: planned, stored: &s}, nil) {
				return
			}
		}
	}
}

// checkSum reads the rest of a shard into its sum, and compares that with the manifest's.
func checkSum(rest io.Reader, sum hash.Hash, want string) error {
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("its SHA-256 is %s, the manifest says %s: it was changed or belongs to another run; prepare the data again", got, want)
	}
	return nil
}

// storedTokens are those of a sample's caption.
func storedTokens(s *shards.Sample) (t textfeatures.Tokens, err error) {
	ids, err := shards.DecodeTokens(s.Tokens)
	if err != nil {
		return t, err
	}
	data := ids.Data().([]int32)
	if s.Meta.Tokens < 1 || s.Meta.Tokens > len(data) {
		return t, fmt.Errorf("stages: %d of %d tokens are said to count", s.Meta.Tokens, len(data))
	}
	return textfeatures.Tokens{IDs: data, Count: s.Meta.Tokens}, nil
}
