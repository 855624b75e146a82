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

// goldenRow is one text with its ids by both references; a variant that is
// missing has the same ids as the one before it. HF is nil for texts with
// combining marks newer than the tables of Hugging Face, Unicode 9.
type goldenRow struct {
	Text          string
	HF            []int32 `json:"hf"`
	HFSpecial     []int32 `json:"hf_special"`
	OpenAI        []int32 `json:"openai"`
	OpenAISpecial []int32 `json:"openai_special"`
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

// checkGolden compares all four ways to encode with the references.
func checkGolden(t *testing.T, tok *Tokenizer, rows []goldenRow) {
	mojibake, old := 0, 0
	for _, row := range rows {
		for _, c := range []struct {
			name  string
			opts  Options
			plain []int32
			want  []int32
		}{
			{"hf", Options{Cleaning: CleanHF}, row.HF, nil},
			{"hf specials", Options{Cleaning: CleanHF, Specials: true}, row.HF, row.HFSpecial},
			{"openai", Options{}, row.OpenAI, nil},
			{"openai specials", Options{Specials: true}, row.OpenAI, row.OpenAISpecial},
		} {
			if c.want == nil {
				c.want = c.plain
			}
			if c.want == nil {
				old++
				continue
			}
			with, err := tok.With(c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := with.Encode(row.Text); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q -> %q:\n got %v %q\nwant %v %q", c.name, row.Text, with.Clean(row.Text),
					got, tok.Decode(got), c.want, tok.Decode(c.want))
			}
		}
		if row.FixEncoding != nil {
			mojibake++
		}
	}
	if mojibake == 0 || mojibake > len(rows)/20 {
		t.Errorf("%d rows differ by the repair of mojibake, which this package does not do", mojibake)
	}
	if old > len(rows)/4 {
		t.Errorf("%d of %d comparisons skipped", old, 2*len(rows))
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
	if tok.VocabSize() != 49408 || tok.SOT() != 49406 || tok.EOT() != 49407 {
		t.Errorf("vocabulary %d, SOT %d, EOT %d", tok.VocabSize(), tok.SOT(), tok.EOT())
	}
	f := tok.Frame("hello world")
	if want := []int32{49406, 3306, 1002, 49407, 0}; !slices.Equal(f.IDs[:5], want) || f.N != 4 || len(f.IDs) != 77 {
		t.Errorf("hello world: %v, N %d", f.IDs, f.N)
	}
	checkGolden(t, tok, readGolden(t, "golden_clip.jsonl"))
}
