package glance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/gangway-nfv/gangway/vim"
)

// errOnce is the body's answer to being sent a second time.
var errOnce = errors.New("token refused; authenticated anew")

// finishFactor is by how much the wait for the answer to a whole body exceeds
// the stall time-out: Glance may have to copy what it was sent.
const finishFactor = 10

// Upload implements [vim.Cloud].
func (c *Cloud) Upload(ctx context.Context, id string, body io.Reader, size int64) error {
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	once := &once{
		body: body, left: size,
		stall:  c.options.StallTimeout,
		finish: finishFactor * c.options.StallTimeout,
	}
	once.watch(func() {
		cancel(&vim.TransientError{Err: fmt.Errorf("no byte accepted for %s", c.options.StallTimeout)})
	})
	defer once.rest()
	resp, err := s.images.Request(context.WithValue(ctx, sizeKey{}, size), http.MethodPut,
		s.images.ServiceURL("images", url.PathEscape(id), "file"),
		&gophercloud.RequestOpts{
			RawBody: once,
			OkCodes: []int{http.StatusNoContent},
			MoreHeaders: map[string]string{
				"Content-Type":           "application/octet-stream",
				"Expect":                 "100-continue",
				"X-OpenStack-Image-Size": strconv.FormatInt(size, 10),
			},
		})
	_, _, err = gophercloud.ParseResponse(resp, err)
	if errors.Is(err, errOnce) {
		return &vim.TransientError{Err: err}
	}
	return c.explain(ctx, err)
}

// once is a body that can be sent once, and that notices when nobody takes it.
// It has no Close: net/http would close the file.
type once struct {
	body          io.Reader
	left          int64 // bytes
	stall, finish time.Duration

	mu    sync.Mutex
	timer *time.Timer
}

func (o *once) watch(stalled func()) {
	o.timer = time.AfterFunc(o.stall, stalled)
}

// rest ends the watch for good: net/http may still read.
func (o *once) rest() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.timer.Stop()
	o.timer = nil
}

// Read implements io.Reader. That more is asked for means that what was given
// before has been taken.
func (o *once) Read(p []byte) (int, error) {
	n, err := o.body.Read(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left -= int64(n)
	if o.timer != nil {
		if o.left > 0 {
			o.timer.Reset(o.stall)
		} else {
			o.timer.Reset(o.finish)
		}
	}
	return n, err
}

// Seek implements io.Seeker, to refuse. Gophercloud rewinds a body to repeat a
// request that got a 401, which cannot be done safely while net/http may still
// read the first one.
func (o *once) Seek(int64, int) (int64, error) { return 0, errOnce }
