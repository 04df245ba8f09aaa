// Mkcsar builds VNF packages for demonstrations and benchmarks: a folder of
// samples, packages of any size and number, and hostile ones.
//
//	mkcsar [-image-url URL] DIR
//	mkcsar -kind KIND -o FILE [-size 2GiB] [-content random|text] [-format qcow2|raw] [-seed N] [-name NAME]
//	mkcsar -kind KIND -o DIR -count 1000 [-size …] …
//	mkcsar -kind hostile -o DIR
//
// KIND is openbaton-tar (also with .gz, .xz, .zst or .bz2 behind it),
// openbaton-csar or sol004 (stored, or deflated with -deflate), or image for
// the disk image alone. What it writes depends on the flags only: the same
// flags give the same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run returns the exit code: 0, 1 for a failure, 2 for wrong usage.
func run(args []string, stderr io.Writer) int {
	p := product{size: 64 << 20}
	flags := flag.NewFlagSet("mkcsar", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&p.kind, "kind", "", "what to build: openbaton-tar[.gz|.xz|.zst|.bz2], openbaton-csar, sol004, image or hostile")
	flags.StringVar(&p.out, "o", "", "the `file` to write, or the folder with -count and -kind hostile")
	flags.Var(&p.size, "size", "size of the embedded image's file, as in 300MiB; 0 for no image")
	flags.StringVar(&p.content, "content", "random", "the image's data: random, which no compressor shortens, or text")
	flags.StringVar(&p.format, "format", "qcow2", "the image's disk format: qcow2 or raw")
	flags.BoolVar(&p.deflate, "deflate", false, "deflate the members of a zip instead of storing them")
	flags.Uint64Var(&p.seed, "seed", 1, "images of different seeds have different data")
	flags.StringVar(&p.name, "name", "sample", "name of the package and its image")
	flags.IntVar(&p.count, "count", 0, "build so many packages, each of a name and image of its own")
	imageURL := flags.String("image-url", "http://127.0.0.1:8080/dns.qcow2", "where the sample with an image by `URL` has it")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	var err error
	switch {
	case p.kind == "" && flags.NArg() == 1:
		err = writeSamples(flags.Arg(0), *imageURL)
	case p.kind != "" && p.out != "" && flags.NArg() == 0:
		err = p.write()
	default:
		fmt.Fprintln(stderr, "mkcsar: give a folder for the samples, or -kind and -o; mkcsar -h explains")
		return 2
	}
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "mkcsar:", err)
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "mkcsar:", err)
		return 1
	}
	return 0
}

// usageError is about flags that make no sense.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }
