package text

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"semidavil/internal/fixture"
)

// goldenRow is one text with its ids by both references.
type goldenRow struct {
	Text   string
	OpenAI []int32 `json:"openai"`
	// HF are those of Hugging Face tokenizers, which clean otherwise: without ftfy and HTML.
	HF []int32 `json:"hf"`
	// FixEncoding is what ftfy gives with its repair of mojibake.
	FixEncoding []int32 `json:"openai_fix_encoding"`
}

func readGolden(t testing.TB, name string) []goldenRow {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []goldenRow
	for s := bufio.NewReader(f); ; {
		line, err := s.ReadBytes('\n')
		if len(line) == 0 {
			break
		}
		var row goldenRow
		if jerr := json.Unmarshal(line, &row); jerr != nil || err != nil {
			t.Fatal(jerr, err)
		}
		rows = append(rows, row)
	}
	if len(rows) < 400 {
		t.Fatalf("%s has only %d rows", name, len(rows))
	}
	return rows
}

// checkGolden compares with the references.
func checkGolden(t *testing.T, tok *Tokenizer, rows []goldenRow) {
	mojibake, alike := 0, 0
	for _, row := range rows {
		got := tok.Encode(row.Text)
		if !slices.Equal(got, row.OpenAI) {
			t.Errorf("%q -> %q:\n got %v %q\nwant %v %q", row.Text, clean(row.Text), got, tok.Decode(got), row.OpenAI, tok.Decode(row.OpenAI))
		}
		if slices.Equal(got, row.HF) {
			alike++
		}
		if row.FixEncoding != nil {
			mojibake++
		}
	}
	if mojibake == 0 || mojibake > len(rows)/20 {
		t.Errorf("%d rows differ by the repair of mojibake, which this package does not do", mojibake)
	}
	if alike < len(rows)/2 {
		t.Errorf("Hugging Face gives the same ids for only %d of %d texts", alike, len(rows))
	}
}

func TestGoldenSmall(t *testing.T) {
	checkGolden(t, smallTokenizer(t), readGolden(t, "golden_small.jsonl"))
}

// clipTokenizer loads the vocabulary of the released models.
func clipTokenizer(t testing.TB) *Tokenizer {
	t.Helper()
	dir := filepath.Dir(fixture.Data(t, "clip_bpe", fileOpenAIGz))
	tok, err := Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGoldenCLIP(t *testing.T) {
	tok := clipTokenizer(t)
	if tok.VocabSize() != 49408 || tok.sot != 49406 || tok.eot != 49407 {
		t.Errorf("vocabulary %d, SOT %d, EOT %d", tok.VocabSize(), tok.sot, tok.eot)
	}
	f := tok.Frame("hello world")
	if want := []int32{49406, 3306, 1002, 49407, 0}; !slices.Equal(f.IDs[:5], want) || f.N != 4 || len(f.IDs) != 77 {
		t.Errorf("hello world: %v, N %d", f.IDs, f.N)
	}
	checkGolden(t, tok, readGolden(t, "golden_clip.jsonl"))
}
