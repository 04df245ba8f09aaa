package vim

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Launch fulfils the wants on several VIMs at once. It resolves each VIM whole
// before it sends it a byte: a VIM on which one want cannot be fulfilled gets
// nothing. The VIMs are independent of each other. With [Options.DryRun] it
// stops there.
//
// The results are in the order of the clouds, and complete also when there are
// errors; the error joins all of theirs. After cancellation Launch returns when
// its records on the VIMs are cleaned up, within [Options.Cleanup].
func Launch(ctx context.Context, clouds []Cloud, wants []Want, o Options) ([]Result, error) {
	o = o.withDefaults()
	l := &launcher{
		options: o,
		slots:   semaphore.NewWeighted(int64(o.Uploads)),
		pins:    make(map[string]func() (*Offer, error)),
	}
	results := make([]Result, len(clouds))
	var vims sync.WaitGroup
	for i, c := range clouds {
		vims.Go(func() { results[i] = l.launch(ctx, c, wants) })
	}
	vims.Wait()
	var errs []error
	for _, r := range results {
		errs = append(errs, r.errors()...)
	}
	return results, errors.Join(errs...)
}

// errors returns what went wrong, each once.
func (r Result) errors() []error {
	if r.Err != nil {
		return []error{r.Err}
	}
	var errs []error
	seen := make(map[error]bool)
	for _, v := range r.VDUs {
		if v.Err != nil && !seen[v.Err] {
			seen[v.Err] = true
			errs = append(errs, v.Err)
		}
	}
	return errs
}

// A launcher is one run of Launch: what its VIMs share.
type launcher struct {
	options Options
	slots   *semaphore.Weighted

	mu   sync.Mutex
	pins map[string]func() (*Offer, error) // by image ID
}

func (l *launcher) launch(ctx context.Context, c Cloud, wants []Want) Result {
	inv, result := resolve(ctx, c, wants, l.options)
	if l.options.DryRun || len(result.errors()) > 0 {
		return result
	}
	// VDUs that want the same content share one delivery.
	sharing := make(map[string][]*VDU)
	for i := range result.VDUs {
		if v := &result.VDUs[i]; v.offer != nil {
			sharing[v.offer.key()] = append(sharing[v.offer.key()], v)
		}
	}
	slots := semaphore.NewWeighted(int64(l.options.UploadsPerVIM))
	var deliveries sync.WaitGroup
	for _, vdus := range sharing {
		deliveries.Go(func() {
			d := &delivery{launcher: l, inventory: inv, vimSlots: slots}
			got, err := d.deliver(ctx, vdus[0].offer)
			for _, v := range vdus {
				if err != nil {
					v.Err = err
					continue
				}
				got.fill(v)
			}
		})
	}
	deliveries.Wait()
	return result
}

// pin fetches the bytes of an image by reference, once for all VIMs. They share
// the fate of the first that asks.
func (l *launcher) pin(ctx context.Context, o *Offer) (*Offer, error) {
	if o.Pin == nil {
		return o, nil
	}
	l.mu.Lock()
	pinned := l.pins[o.ID]
	if pinned == nil {
		pinned = sync.OnceValues(func() (*Offer, error) { return o.Pin(ctx) })
		l.pins[o.ID] = pinned
	}
	l.mu.Unlock()
	return pinned()
}
