package commands

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"semidavil/runners"
)

// TestChoose: what names no command gets the list, or an error with it.
func TestChoose(t *testing.T) {
	c := newCommand()
	c.Synopsis = "Count what there is: words that the list leaves out."
	c.Groups = []runners.Group{{Title: "Input", Names: []string{"config"}}}
	all := []Program{c}
	for _, test := range []struct {
		args, stdout, stderr string
		code                 int
	}{
		{"", "  " + c.Name + strings.Repeat(" ", 12-len(c.Name)) + "  Count what there is\n", "", runners.ExitOK},
		{"--help", "Usage: semidavil COMMAND [flags]\n", "", runners.ExitOK},
		{"version", "semidavil, revision ", "", runners.ExitOK},
		{"completion", "", "want bash or zsh", runners.ExitUsage},
		{"completion fish", "", "want bash or zsh", runners.ExitUsage},
		{"completion zsh", "bashcompinit", "", runners.ExitOK},
		{"trian", "", `unknown command "trian"; valid: ` + c.Name, runners.ExitUsage},
	} {
		var stdout, stderr bytes.Buffer
		code := choose("semidavil", all, strings.Fields(test.args), &stdout, &stderr)
		if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) || (stderr.Len() > 0) != (test.stderr != "") {
			t.Errorf("%q: status %d, %q, %q", test.args, code, &stdout, &stderr)
		}
	}
}

// TestBrief: a synopsis becomes its first clause, or the words that fit.
func TestBrief(t *testing.T) {
	for synopsis, want := range map[string]string{"One: two": "One", "One. Two": "One", "One two three four": "One two ...", "short": "short"} {
		if got := brief(synopsis, 12); got != want {
			t.Errorf("%q: %q, want %q", synopsis, got, want)
		}
	}
}

// TestCompletion runs the script in bash: commands at the first place, their flags behind.
func TestCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	c, other := newCommand(), newCommand()
	c.Groups = []runners.Group{{Title: "Input", Names: []string{"config", "count"}}}
	other.Name = "zoom"
	var script bytes.Buffer
	complete(&script, "semidavil", []Program{c, other}, "bash")
	for line, want := range map[string]string{"semidavil zo": "zoom", "semidavil " + c.Name + " --co": "--config --count", "semidavil zoom --co": ""} {
		words := strings.Fields(line)
		out, err := exec.Command(bash, "-c", script.String()+"\nCOMP_WORDS=("+line+")\nCOMP_CWORD="+string(rune('0'+len(words)-1))+"\n_semidavil\necho ${COMPREPLY[*]}").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: %q %v, want %q", line, out, err, want)
		}
	}
}
