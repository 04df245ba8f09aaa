package onboarding

import (
	"sync"

	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// Progress is how far the reading of a package is, or, after it, the transfer of
// an image that the package describes by a URL.
type Progress struct {
	Source string
	// Image is the image whose URL is fetched; empty while the package itself is
	// read.
	Image string
	// Done is how many bytes of the package were read, compressed where they
	// are, or how many came from the URL. It never falls, but for a URL that
	// delivers something else in the middle and is fetched anew.
	Done int64
	// Total is the size of package or source in bytes, -1 while it is not known.
	// A zip that comes as a stream is stored before it is looked at, so that
	// there is work left when all of it was read.
	Total int64
}

// watch returns a source whose reading is told. Of a zip some parts, such as
// descriptors, are read more than once; then Done is Total a little early.
func (j *job) watch(src csar.Source) csar.Source {
	if j.opts.Progress == nil {
		return src
	}
	w := &watched{Source: src, job: j}
	if src.At != nil {
		src.At = w
	} else {
		src.Reader = w
	}
	return src
}

// watched reads from a source and tells how far it is.
type watched struct {
	csar.Source
	job  *job
	mu   sync.Mutex
	done int64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.tell(n)
	return n, err
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.At.ReadAt(p, off)
	w.tell(n)
	return n, err
}

func (w *watched) tell(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done += int64(n)
	told := Progress{Source: w.job.source, Done: w.done, Total: -1}
	if w.Size > 0 {
		told.Done, told.Total = min(w.done, w.Size), w.Size
	}
	w.job.opts.Progress(told)
}
