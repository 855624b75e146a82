package runners

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Failure is an error of a Beam job, reduced to what went wrong in the
// pipeline's own code. Unwrap returns the error as Beam reported it.
type Failure struct {
	// DoFn names the failing DoFn, "" where Beam does not say.
	DoFn string
	// Message is the error of the DoFn, or the value of its panic.
	Message string
	// Panic means that the DoFn panicked; Where is then the function, file and
	// line of the panic.
	Panic bool
	Where string

	full error
}

// Error returns the message on its own, with the place for a panic.
func (f *Failure) Error() string {
	if !f.Panic {
		return f.Message
	}
	if f.Where == "" {
		return "panic: " + f.Message
	}
	return fmt.Sprintf("panic in %s: %s", f.Where, f.Message)
}

// Unwrap returns the error as Beam reported it.
func (f *Failure) Unwrap() error { return f.full }

var (
	// doFnMark precedes the error of a DoFn in Beam's text (doFnError in
	// core/runtime/exec/util.go).
	doFnMark = regexp.MustCompile(`DoFn\[UID:[^\n]*?Name: ?([^\]\n]*)\] failed:\n`)
	// panicMark is the panic message and the head of the stack that follows it
	// (callNoPanic in core/runtime/exec/util.go).
	panicMark = regexp.MustCompile(`(?s)panic: (.*?) goroutine \d+ \[[^\]\n]*\]:\n`)
	// causedBy joins the levels of Beam's errors (internal/errors).
	causedBy = regexp.MustCompile(`\n?[ \t]*caused by:\n`)
	// javaFrame begins the stack that a job server written in Java appends.
	javaFrame = regexp.MustCompile(`(?m)^\s+at [\w.$/]+\(`)
	// jobMark and rpcMark are prefixes that say nothing about the cause.
	jobMark = regexp.MustCompile(`^(?:job \S+ failed:\n|rpc error: code = \w+ desc = )+`)
	// frameMark is the file line of a Go stack.
	frameMark = regexp.MustCompile(`^\t(\S+\.go):(\d+)`)
)

// Cause returns the innermost cause of an error of a Beam job as a *Failure:
// Beam wraps the error of a DoFn in the plan of the bundle, the names of bundle
// and job, and sends it as text, so that errors.Is and errors.As no longer
// reach it. An error that Beam did not wrap is returned as it is, nil as nil.
func Cause(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	failure := &Failure{full: err}
	if marks := doFnMark.FindAllStringSubmatchIndex(text, -1); marks != nil {
		last := marks[len(marks)-1]
		failure.DoFn = text[last[2]:last[3]]
		failure.Message = tidy(text[last[1]:])
		return failure
	}
	if marks := panicMark.FindAllStringSubmatchIndex(text, -1); marks != nil {
		first := marks[0]
		failure.Panic = true
		failure.Message = strings.TrimSpace(text[first[2]:first[3]])
		if at := strings.LastIndex(failure.Message, "panic: "); at >= 0 {
			failure.Message = failure.Message[at+len("panic: "):]
		}
		failure.Where = panicPlace(text[first[1]:])
		return failure
	}
	short := text
	if marks := causedBy.FindAllStringIndex(text, -1); marks != nil {
		short = text[marks[len(marks)-1][1]:]
	}
	short = tidy(jobMark.ReplaceAllString(short, ""))
	if short == text {
		return err
	}
	failure.Message = short
	return failure
}

// tidy removes the stack of a Java job server and writes nested causes, as
// Beam's own IO reports them, on one line.
func tidy(message string) string {
	if at := javaFrame.FindStringIndex(message); at != nil {
		message = message[:at[0]]
	}
	return strings.TrimSpace(causedBy.ReplaceAllString(message, ": "))
}

// panicPlace returns function, file and line of the first frame below the panic
// that belongs neither to Go's runtime nor to Beam.
func panicPlace(stack string) string {
	lines := strings.Split(stack, "\n")
	panicked := false
	for i := 0; i+1 < len(lines); i++ {
		if strings.HasPrefix(lines[i], "panic(") {
			panicked = true
			continue
		}
		frame := frameMark.FindStringSubmatch(lines[i+1])
		if !panicked || frame == nil {
			continue
		}
		function := lines[i]
		if strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "github.com/apache/beam/") {
			continue
		}
		if end := strings.LastIndex(function, "("); end > 0 {
			function = function[:end]
		}
		return fmt.Sprintf("%s (%s:%s)", function[strings.LastIndex(function, "/")+1:], filepath.Base(frame[1]), frame[2])
	}
	return ""
}

// Explain returns Cause(err) as the message for a person, naming the DoFn where it is known and
// not this program's, whose errors say what failed, and the limit where too many files were
// open; "" for nil.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	cause := Cause(err)
	message := cause.Error()
	if failure, ok := cause.(*Failure); ok && failure.DoFn != "" && !strings.HasPrefix(failure.DoFn, "semidavil/") { //nolint:errorlint // Cause returns a Failure itself
		message = fmt.Sprintf("%s: %s", failure.DoFn, message)
	}
	return message + limitHint(message)
}

// roomMark is the name of a package before what it did, as errors have it. Names that are
// settings too, such as loss, stay.
var roomMark = regexp.MustCompile(`(^|: |\n[ \t]*)(?:(?:checkpoint|commands|configs|datasets|infer|inference|inputs|loader|outputs|params|pixels|plans|runners|segmenter|shards|stages|store|weights): )+`)

// plain is a message without names of packages, and without that of the command, which the
// display puts in front.
func plain(command, message string) string {
	return strings.TrimPrefix(roomMark.ReplaceAllString(message, "$1"), command+": ")
}
