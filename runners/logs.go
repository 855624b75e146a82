package runners

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"

	beamlog "github.com/apache/beam/sdks/v2/go/pkg/beam/log"
)

// SetLogs installs the log handler of the process on the display. Call it after
// beam.Init, which installs Beam's own.
//
// Quiet logs, the default, show warnings and errors of DoFns, a line each, and
// nothing of the engine: what stops a run is in the error of Run anyway. They end
// with an interruption, after which whatever is at work fails.
// Verbose logs show everything from level info.
func SetLogs(d *Display, verbose bool) {
	if verbose {
		beamlog.LogLevel = "info"
		slog.SetDefault(slog.New(tap{slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelInfo})}))
		return
	}
	beamlog.LogLevel = "warn"
	slog.SetDefault(slog.New(tap{&quietHandler{display: d}}))
}

// quietHandler shows the warnings and errors that come from DoFns.
type quietHandler struct {
	display *Display
	attrs   []slog.Attr
}

func (h *quietHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h *quietHandler) Handle(_ context.Context, r slog.Record) error {
	message, fromDoFn := strings.CutPrefix(r.Message, "[SDK] ")
	if !fromDoFn && fromEngine(r.PC) || failureLog(message) {
		return nil
	}
	select {
	case <-h.display.over:
		return nil
	default:
	}
	word := "warning"
	if r.Level >= slog.LevelError {
		word = "error"
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %s", word, message)
	for _, a := range h.attrs {
		fmt.Fprintf(&s, " %s", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&s, " %s", a)
		return true
	})
	h.display.Message("%s", s.String())
	return nil
}

func (h *quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &quietHandler{h.display, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h *quietHandler) WithGroup(string) slog.Handler { return h }

// fromEngine reports whether a record was written by Beam itself and not passed
// on for a DoFn, which goes through package beam/log.
func fromEngine(pc uintptr) bool {
	if pc == 0 {
		return false
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return strings.Contains(frame.Function, "pkg/beam/runners/") || strings.Contains(frame.Function, "pkg/beam/core/")
}

// failureLog reports whether a message repeats the failure of a bundle or job, or of
// credentials, which Run returns as its error where it matters. The texts are those of
// core/runtime/harness/harness.go, prism's worker/bundle.go and dataflow/dataflow.go.
func failureLog(message string) bool {
	return strings.Contains(message, "failed for instruction") || strings.HasPrefix(message, "job failed") ||
		strings.HasPrefix(message, "Error creating GCS client")
}

// jobLog receives Beam's log messages while Dataflow runs; it is nil otherwise.
var jobLog atomic.Pointer[func(message string)]

// tap hands every message to jobLog before the handler below it.
type tap struct{ slog.Handler }

func (t tap) Enabled(ctx context.Context, level slog.Level) bool {
	return jobLog.Load() != nil && level >= slog.LevelInfo || t.Handler.Enabled(ctx, level)
}

func (t tap) Handle(ctx context.Context, r slog.Record) error {
	if f := jobLog.Load(); f != nil {
		(*f)(r.Message)
	}
	if !t.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return t.Handler.Handle(ctx, r)
}

func (t tap) WithAttrs(attrs []slog.Attr) slog.Handler { return tap{t.Handler.WithAttrs(attrs)} }
func (t tap) WithGroup(name string) slog.Handler       { return tap{t.Handler.WithGroup(name)} }
