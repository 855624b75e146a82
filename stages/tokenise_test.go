package stages

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/runners"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

func init() { beam.RegisterFunction(sampleLines) }

// sampleLines has a line for each sample of a plan.
func sampleLines(p plans.Plan, emit func(string)) {
	for _, s := range p.Samples {
		emit(fmt.Sprint(p.Name, " ", s.Ref.Key, " ", s.Caption, " ", s.Tokens))
	}
}

// TestTokenise: each caption gets its ids without padding, in the order of the plan; a
// plan of a shard passes, and one whose images are all rejected does not.
func TestTokenise(t *testing.T) {
	tokenizer, err := text.Load(builtin.Files)
	if err != nil {
		t.Fatal(err)
	}
	ids := func(caption string) []int32 {
		frame := tokenizer.Frame(caption)
		return frame.IDs[:frame.N]
	}
	sample := func(key, caption string) plans.Sample {
		return plans.Sample{Ref: semidavil.Ref{Key: key, Image: key + ".png"}, Caption: caption}
	}
	in := []plans.Plan{
		{Name: "p", Samples: []plans.Sample{sample("b", "a street with a bus"), sample("a", "trees")}},
		{Name: "shard", Shard: "/shard.tar", Count: 3},
	}
	for _, way := range ways {
		mustRun(t, way, func(s beam.Scope) {
			out, rejected := Tokenise(s, TokeniseParams{}, beam.CreateList(s, in))
			passert.Equals(s, beam.ParDo(s, planLine, out), "p: b a", "shard:")
			passert.Equals(s, beam.ParDo(s, sampleLines, out), fmt.Sprint("p b a street with a bus ", ids("a street with a bus")), fmt.Sprint("p a trees ", ids("trees")))
			passert.Empty(s, beam.ParDo(s, rejectLine, rejected))
		})
	}
	p, s := beam.NewPipelineWithRoot()
	Tokenise(s, TokeniseParams{}, beam.CreateList(s, in))
	result, err := runners.Run(t.Context(), p, runners.Options{Runner: "prism"})
	if n, done := result.Count(counters.Namespace, counters.Rejects), result.Count(counters.Namespace, counters.Done); err != nil || n != 0 || done != 0 {
		t.Errorf("%d rejects, %d images done, want none: %v", n, done, err)
	}
	mustRun(t, "prism", func(s beam.Scope) {
		out, rejected := Tokenise(s, TokeniseParams{}, beam.CreateList(s, []plans.Plan{}))
		passert.Empty(s, out)
		passert.Empty(s, rejected)
	})
	ends(t, "load tokenizer /absent", func(s beam.Scope) { Tokenise(s, TokeniseParams{Folder: "/absent"}, beam.CreateList(s, in)) })
}

// TestLoadTokenizer: from a folder of either kind, and from a merges file of any name.
func TestLoadTokenizer(t *testing.T) {
	part := func(name string) []byte {
		data, err := fs.ReadFile(builtin.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	digest := func(from string) string {
		t.Helper()
		tokenizer, err := LoadTokenizer(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		return tokenizer.Digest()
	}
	root := t.TempDir()
	fixture.Write(t, root, "whole/tokenizer.json", part("tokenizer.json"))
	fixture.Write(t, root, "pair/vocab.json", part("vocab.json"))
	fixture.Write(t, root, "pair/merges.txt", part("merges.txt"))
	for _, folder := range []string{"whole", "pair"} {
		if digest(filepath.Join(root, folder)) != digest("") {
			t.Errorf("%s: another vocabulary than the built-in one", folder)
		}
	}
	// As many merges as OpenAI's file has, made up.
	var merges, packed bytes.Buffer
	var letters []rune // that stand for bytes
	for r := '!'; len(letters) < 256; r++ {
		if r <= '~' || r >= 0xa1 && r != 0xad {
			letters = append(letters, r)
		}
	}
	merges.WriteString("\"header\n")
	for i := range 48894 {
		fmt.Fprintf(&merges, "%c %c</w>\n", letters[i/256], letters[i%256])
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(merges.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, root, "any.txt", merges.Bytes())
	fixture.Write(t, root, "any.txt.gz", packed.Bytes())
	fixture.Write(t, root, "openai/bpe_simple_vocab_16e6.txt.gz", packed.Bytes())
	for _, name := range []string{"any.txt.gz", "openai"} {
		if digest(filepath.Join(root, name)) != digest(root+"/any.txt") {
			t.Errorf("%s: another vocabulary than that of any.txt", name)
		}
	}
	if _, err := LoadTokenizer(t.Context(), t.TempDir()); err == nil {
		t.Error("an empty folder is a tokeniser")
	}
}
