// Command bench measures gangway beside the plain tools of the machine and
// prints a table. Commands that a row compares are run in turn; times are
// medians, and the ratio is the median of the ratios of the single runs, so that
// it holds whatever else the machine does. WRITTEN is what gangway gave to the
// medium, as the kernel counts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{}
	flag.StringVar(&b.gangway, "gangway", "bin/gangway", "binary to measure")
	flag.Int64Var(&b.size, "size", 2<<30, "bytes of an image")
	flag.IntVar(&b.runs, "runs", 5, "runs of each command, after one that is not counted")
	flag.IntVar(&b.images, "images", 1_000_000, "images of the large repository")
	flag.StringVar(&b.packages, "packages", "", "folder of packages to validate, of which those count that are accepted; empty: packages made for the purpose")
	flag.StringVar(&b.only, "only", "", "run only the groups whose name contains this word: onboard, validate, upload, upload-real, resolve, hook, catalogue, server-small, server-readers, server-transfer, server-memory")
	keep := flag.String("dir", "", "folder to work in; empty: a temporary one")
	flag.Parse()
	if err := b.run(ctx, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	gangway  string
	size     int64
	runs     int
	images   int
	packages string
	only     string

	dir  string
	rows []row
}

// row is a line of the table.
type row struct {
	what, yardstick    string
	ours, theirs, goal string
	ratio, bound       string
	rss, written       string
}

// add makes a row of two series.
func (b *bench) add(what, yardstick string, ours, theirs series, goal, bound string) {
	r := row{what: what, yardstick: yardstick, ours: duration(ours.median()), theirs: duration(theirs.median()),
		ratio: fmt.Sprintf("%.2f", ratio(ours, theirs)), goal: goal, bound: bound}
	if rss, written := ours.peaks(); rss > 0 {
		r.rss, r.written = size(rss), size(written)
	}
	b.rows = append(b.rows, r)
}

func (b *bench) run(ctx context.Context, dir string) (err error) {
	if b.gangway, err = filepath.Abs(b.gangway); err != nil {
		return err
	}
	for _, tool := range []string{"cp", "sync", "openssl", "unzip", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is a yardstick: %w", tool, err)
		}
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "gangway-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	b.dir = dir
	for _, group := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"onboard", b.onboard}, {"validate", b.validate}, {"upload", b.upload}, {"upload-real", b.uploadReal},
		{"resolve", b.resolve}, {"hook", b.hook}, {"catalogue", b.catalogue},
		{"server-small", bounded(b.small)}, {"server-readers", bounded(b.readers)},
		{"server-transfer", bounded(b.transfer)}, {"server-memory", bounded(b.memory)},
	} {
		if !strings.Contains(group.name, b.only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", group.name)
		if err := group.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", group.name, err)
		}
	}
	return b.print()
}

func (b *bench) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tGANGWAY\tYARDSTICK\t\tRATIO\tGOAL\tPEAK RSS\tWRITTEN\tBOUND BY")
	for _, r := range b.rows {
		fmt.Fprintln(w, strings.Join([]string{r.what, r.ours, r.yardstick, r.theirs, r.ratio, r.goal, r.rss, r.written, r.bound}, "\t"))
	}
	return w.Flush()
}
