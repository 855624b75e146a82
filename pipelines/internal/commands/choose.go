package commands

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/runners"
)

// Program is a [Command], whatever its settings.
type Program interface {
	// Title is the command's name, and what it does in a sentence.
	Title() (name, synopsis string)
	// Flags names the flags that the help of the local runner lists, without dashes.
	Flags() []string
	// RunAs runs the command with the arguments of the process and exits; line is how the help
	// writes it.
	RunAs(line string)
}

// Main runs the command that the first argument names, and exits. Without a name it lists them.
func Main(program string, all []Program) {
	if len(os.Args) > 1 {
		name, rest := os.Args[1], os.Args[2:]
		for _, p := range all {
			if own, _ := p.Title(); own == name {
				os.Args = append(os.Args[:1], rest...)
				p.RunAs(program + " " + name)
			}
		}
		// Beam takes over then, whatever the command: all DoFns are in this program.
		if slices.ContainsFunc(os.Args[1:], func(arg string) bool { return strings.HasPrefix(arg, "--worker") }) {
			all[0].RunAs(program)
		}
	}
	os.Exit(choose(program, all, os.Args[1:], os.Stdout, os.Stderr))
}

// choose answers arguments that name no command.
func choose(program string, all []Program, args []string, stdout, stderr io.Writer) (code int) {
	word := ""
	if len(args) > 0 {
		word = args[0]
	}
	switch word {
	case "", "help", "-h", "--help":
		fmt.Fprintf(stdout, "Usage: %s COMMAND [flags]\n\nCommands:\n", program)
		for _, p := range all {
			name, synopsis := p.Title()
			fmt.Fprintf(stdout, "  %-12s  %s\n", name, brief(synopsis, 80-16))
		}
		fmt.Fprintf(stdout, "\n%[1]s COMMAND --help has the flags; %[1]s completion bash (or zsh) writes a script\nfor the shell: source <(%[1]s completion bash)\n", program)
		return runners.ExitOK
	case "--version", "version":
		fmt.Fprintln(stdout, configs.Version())
		return runners.ExitOK
	case "completion":
		if len(args) == 2 && (args[1] == "bash" || args[1] == "zsh") {
			complete(stdout, program, all, args[1])
			return runners.ExitOK
		}
		fmt.Fprintf(stderr, "%s: completion: want bash or zsh\n", program)
		return runners.ExitUsage
	}
	var names []string
	for _, p := range all {
		name, _ := p.Title()
		names = append(names, name)
	}
	fmt.Fprintf(stderr, "%s: unknown command %q; valid: %s\n", program, word, strings.Join(names, ", "))
	return runners.ExitUsage
}

// brief is the beginning of a synopsis that fits a line of so many columns: up to its first
// colon or full stop, or as many words as there is room for.
func brief(synopsis string, columns int) string {
	if i := strings.IndexAny(synopsis, ":.\n"); i >= 0 {
		synopsis = synopsis[:i]
	}
	if len(synopsis) <= columns {
		return synopsis
	}
	return synopsis[:strings.LastIndexByte(synopsis[:columns-3], ' ')] + " ..."
}

// complete writes a script that completes commands, their flags, and files behind "=".
func complete(w io.Writer, program string, all []Program, shell string) {
	if shell == "zsh" {
		fmt.Fprintln(w, "autoload -U +X bashcompinit && bashcompinit")
	}
	var names []string
	fmt.Fprintf(w, "_%s() {\n  local word=${COMP_WORDS[COMP_CWORD]} flags=\n  case ${COMP_WORDS[1]} in\n", program)
	for _, p := range all {
		name, _ := p.Title()
		names = append(names, name)
		fmt.Fprintf(w, "    %s) flags=\"--%s\" ;;\n", name, strings.Join(p.Flags(), " --"))
	}
	fmt.Fprintf(w, `  esac
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "%s" -- "$word"))
  elif [ "${word#-}" != "$word" ]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "${word#=}"))
  fi
}
complete -o nospace -F _%[2]s %[2]s
`, strings.Join(names, " "), program)
}
