// Package runners chooses the Beam runner of a command, runs pipelines on it
// and talks to the person at the terminal: grouped help, quiet logs, a progress
// bar, one clear message on failure and a defined exit status.
//
// A command is a main of a few lines:
//
//	func main() {
//		runners.Main(runners.Command{
//			Name:     "prepare",
//			Synopsis: "Turn data set folders into shards of samples.",
//			Flags:    func(fs *flag.FlagSet) { input = fs.String("input", "", "`folder` to read") },
//			Groups:   []runners.Group{{Title: "Input", Names: []string{"input"}}},
//			Run: func(ctx context.Context, s *runners.Session) error {
//				p, scope := beam.NewPipelineWithRoot()
//				build(scope)
//				_, err := s.Run(ctx, p, &runners.Progress{Namespace: "semidavil",
//					Total: "samples_planned", Done: "samples_done", Unit: "samples"})
//				return err
//			},
//		})
//	}
//
// Main parses the flags, calls beam.Init, which takes over and never returns
// on a remote worker, and only then calls Command.Run. So configuration files
// belong into Run: on a worker they may not exist, and flags have their
// defaults there.
//
// Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
package runners
