// Demo shows gangway's main job: sample packages come in, their images are
// kept, and two clouds are given what a launch needs.
//
//	demo                 runs gangway as a user would, on an OpenStack of its own
//	OS_CLOUD=NAME demo   the same on a cloud of the user's clouds.yaml
//	demo -serve DIR      writes sample packages and a clouds.yaml to the new
//	                     folder DIR, and is their OpenStack and image server
//	                     until it is interrupted
//
// The programs gangway and mkcsar are taken from its own folder, or from -bin.
// What gangway prints is checked: the exit code is 0 if all went as told, 1 if
// something did not, 2 for wrong usage, 3 if it was interrupted. Nothing stays
// behind: no process, no folder, and on a user's cloud no image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	// SIGPIPE, as in demo | head, must not keep it from cleaning up either.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program, as tests call it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("bin", ownFolder(), "folder of the programs gangway and mkcsar")
	serve := flags.String("serve", "", "write samples and a clouds.yaml to this new `folder`, and serve them until interrupted")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "demo: takes no arguments; demo -h explains")
		return 2
	}
	var err error
	if *serve != "" {
		err = lend(ctx, *bin, *serve, stdout)
	} else {
		err = perform(ctx, *bin, stdout)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "demo:", err)
	if ctx.Err() != nil {
		return 3
	}
	return 1
}

// ownFolder is where this program lies, or the working folder if the system
// does not tell.
func ownFolder() string {
	program, err := os.Executable()
	if err != nil {
		return "."
	}
	return filepath.Dir(program)
}

// perform shows everything once, in a temporary folder.
func perform(ctx context.Context, bin string, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "gangway-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := open(bin, dir, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	return s.tell(ctx)
}

// lend keeps the demo's surroundings alive for a user's own commands. The
// folder, which must not exist before, is removed at the end.
func lend(ctx context.Context, bin, dir string, stdout io.Writer) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := openOwn(bin, dir, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if _, err := s.run(ctx, "mkcsar", "-image-url", s.imageURL, "samples"); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nIn another terminal:\n\n  cd %s\n  export GANGWAY_HOME=$PWD/home OS_CLIENT_CONFIG_FILE=$PWD/clouds.yaml\n\n"+
		"Ctrl-C ends this cloud and removes the folder.\n", s.dir)
	<-ctx.Done()
	return nil
}
