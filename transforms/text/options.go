package text

import "fmt"

// Cleaning names what is done to a caption before it is split into words.
type Cleaning string

// The two cleanings; the package comment says how they differ.
const (
	CleanOpenAI Cleaning = "openai"
	CleanHF     Cleaning = "hf"
)

// ParseCleaning returns the cleaning of that name.
func ParseCleaning(name string) (Cleaning, error) {
	switch c := Cleaning(name); c {
	case CleanOpenAI, CleanHF:
		return c, nil
	}
	return "", fmt.Errorf("text: cleaning %q: unknown; valid: %s, %s", name, CleanOpenAI, CleanHF)
}

// Padding names the id that fills a frame after its EOT. Under the causal mask
// of the text encoder the choice has no influence on the feature at EOT.
type Padding string

// The two paddings.
const (
	// PadZero fills with id 0, as clip.tokenize does.
	PadZero Padding = "zero"
	// PadEOT fills with the EOT id, as CLIPTokenizer of Hugging Face does.
	PadEOT Padding = "eot"
)

// ParsePadding returns the padding of that name.
func ParsePadding(name string) (Padding, error) {
	switch p := Padding(name); p {
	case PadZero, PadEOT:
		return p, nil
	}
	return "", fmt.Errorf("text: padding %q: unknown; valid: %s, %s", name, PadZero, PadEOT)
}

// Context is the number of ids that the text encoder of CLIP reads.
const Context = 77

// maxContext bounds Options.Context, so that a slip in a configuration does not
// become an allocation of gigabytes a caption.
const maxContext = 1 << 16

// Options are the choices that do not depend on the vocabulary. The zero value
// is what the OpenAI release does, except that special tokens in captions are
// plain text.
type Options struct {
	// Cleaning is CleanOpenAI where empty.
	Cleaning Cleaning
	// Padding is PadZero where empty.
	Padding Padding
	// Specials maps "<|startoftext|>" and "<|endoftext|>" in captions to the
	// special ids instead of encoding them as plain text.
	Specials bool
	// Context is the length of a frame; 77, the constant Context, where 0; from
	// 2 to 65536.
	Context int
}

// complete returns o with its defaults filled in, or an error that lists the
// valid values.
func (o Options) complete() (Options, error) {
	if o.Cleaning == "" {
		o.Cleaning = CleanOpenAI
	}
	if o.Padding == "" {
		o.Padding = PadZero
	}
	if o.Context == 0 {
		o.Context = Context
	}
	if _, err := ParseCleaning(string(o.Cleaning)); err != nil {
		return o, err
	}
	if _, err := ParsePadding(string(o.Padding)); err != nil {
		return o, err
	}
	if o.Context < 2 || o.Context > maxContext {
		return o, fmt.Errorf("text: context length %d: outside of 2 to %d", o.Context, maxContext)
	}
	return o, nil
}
