package vim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"
)

// maxGenerations ends the search for an ID that is free. A generation costs two
// small requests, and is used up by each upload that failed or was deleted.
const maxGenerations = 1000

// errNextGeneration ends a generation whose record is of no use.
var errNextGeneration = errors.New("next generation")

// A delivery brings one image to one VIM, whoever uploads it in the end.
type delivery struct {
	*launcher
	*inventory
	vimSlots *semaphore.Weighted

	offer    *Offer
	public   bool
	attempts int
	warnings []string
	release  func() // gives the upload slot back; nil while none is held
}

// delivered is what a delivery came to.
type delivered struct {
	image    Image
	action   Action
	adopted  bool
	verified bool
	warnings []string
}

func (d delivered) fill(v *VDU) {
	v.ImageID, v.ImageName = d.image.ID, d.image.Name
	if d.image.Size > 0 {
		v.Size = d.image.Size
	}
	v.Action, v.Adopted, v.Verified = d.action, d.adopted, d.verified
	v.Digest = stated(d.image)
	v.Warnings = append(v.Warnings, d.warnings...)
}

// deliver returns when the image is active, or will not become so.
func (d *delivery) deliver(ctx context.Context, o *Offer) (delivered, error) {
	pinned, err := d.pin(ctx, o)
	if err != nil {
		return delivered{}, fmt.Errorf("image %s: %w", o.Name, err)
	}
	if o.Pin != nil {
		// Only now can be seen whether the VIM has these bytes.
		img, ok, err := d.adoptable(ctx, pinned)
		if err != nil {
			return delivered{}, fmt.Errorf("image %s: %w", o.Name, err)
		}
		if ok {
			return delivered{image: img, action: Present, adopted: img.Name != o.Name, verified: true}, nil
		}
	}
	d.offer, d.public = pinned, pinned.IsPublic
	defer d.giveBack()
	for generation := range maxGenerations {
		got, err := d.generation(ctx, generation)
		if errors.Is(err, errNextGeneration) {
			continue
		}
		if err != nil {
			return delivered{}, d.wrap(err)
		}
		got.warnings = d.warnings
		return got, nil
	}
	return delivered{}, d.wrap(fmt.Errorf("%d generations are used up", maxGenerations))
}

// wrap adds VIM and image to errors that do not name them.
func (d *delivery) wrap(err error) error {
	var refused *RefusedError
	var mismatch *MismatchError
	var unverified *UnverifiedError
	if errors.As(err, &mismatch) || errors.As(err, &unverified) {
		return err
	}
	if errors.As(err, &refused) {
		return fmt.Errorf("image %s: %w", d.offer.Name, err)
	}
	return fmt.Errorf("vim %s: image %s: %w", d.cloud.Name(), d.offer.Name, err)
}

// generation creates the record of one generation, or finds who else did, and
// follows it until it is active. It fails with errNextGeneration if it never
// will be.
func (d *delivery) generation(ctx context.Context, generation int) (delivered, error) {
	id := RecordID(d.project.ID, d.offer, generation)
	log := d.options.Log.With("vim", d.cloud.Name(), "image", d.offer.Name, "id", id, "generation", generation)
	img, mine, err := d.claim(ctx, id, generation)
	if err != nil {
		return delivered{}, err
	}
	seen := observation{}
	poll := backoff{first: d.options.Poll, most: 8 * d.options.Poll}
	for {
		quiet := seen.quiet(img)
		switch {
		case img.Status == Active && !img.Hidden:
			return d.join(ctx, img)
		case img.Status == Deactivated:
			return delivered{}, fmt.Errorf("%s: withdrawn by the vim's operator", unusable(img))
		case img.Status != Queued && img.Status != Saving:
			return delivered{}, errNextGeneration

		case img.Status == Queued && (mine || quiet >= 2*d.options.Beat):
			// Safe whoever created the record: one upload wins.
			if err := d.acquire(ctx); err != nil {
				d.abandon(ctx, log, id, mine)
				return delivered{}, err
			}
			got, err := d.upload(ctx, log, id)
			switch {
			case err == nil:
				return got, nil
			case errors.Is(err, ErrConflict):
				mine = false
			case errors.Is(err, ErrNotFound):
				return delivered{}, errNextGeneration
			default:
				if err := d.again(ctx, log, id, err); err != nil {
					return delivered{}, err
				}
				mine = true
			}
			seen, poll = observation{}, backoff{first: d.options.Poll, most: 8 * d.options.Poll}

		case img.Status == Saving && quiet >= d.options.StallAfter:
			log.Warn("upload stands still, taking over", "quiet", quiet)
			if err := d.cloud.Delete(ctx, id); err != nil {
				return delivered{}, err
			}
			return delivered{}, errNextGeneration

		default:
			d.giveBack()
			if err := poll.wait(ctx); err != nil {
				d.abandon(ctx, log, id, mine)
				return delivered{}, err
			}
		}
		if img, err = d.cloud.Image(ctx, id); errors.Is(err, ErrNotFound) {
			return delivered{}, errNextGeneration
		} else if err != nil {
			d.abandon(ctx, log, id, mine)
			return delivered{}, err
		}
	}
}

// claim creates the record and reports that it is ours, or returns the record
// that is there. It holds an upload slot then, so that a record of ours is
// uploaded to at once.
func (d *delivery) claim(ctx context.Context, id string, generation int) (img Image, mine bool, err error) {
	if err := d.acquire(ctx); err != nil {
		return Image{}, false, err
	}
	img, err = d.cloud.Create(ctx, d.offer.record(id, generation, d.public))
	var refused *RefusedError
	if d.public && d.options.VisibilityFallback == "private" && errors.As(err, &refused) && refused.By == ByPolicy {
		d.public = false
		d.warnings = append(d.warnings, fmt.Sprintf("%v; uploaded as private", err))
		img, err = d.cloud.Create(ctx, d.offer.record(id, generation, d.public))
	}
	if !errors.Is(err, ErrConflict) {
		return img, err == nil, err
	}
	img, err = d.cloud.Image(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Image{}, false, errNextGeneration // a tombstone
	}
	if err == nil && !owns(d.project.ID, d.offer, img) {
		return Image{}, false, errNextGeneration // somebody else's, not to be touched
	}
	return img, false, err
}

// join verifies an image that somebody else has uploaded.
func (d *delivery) join(ctx context.Context, img Image) (delivered, error) {
	v, err := compare(ctx, d.offer, img, nil)
	if err != nil {
		return delivered{}, err
	}
	return d.verified(img, Joined, v)
}

// verified makes a verdict an outcome.
func (d *delivery) verified(img Image, action Action, v verdict) (delivered, error) {
	if !v.equal {
		err := notEqual(d.cloud.Name(), img, v)
		if v.differs() || d.options.RequireDigest {
			return delivered{}, err
		}
		d.warnings = append(d.warnings, err.Error())
	}
	return delivered{image: img, action: action, verified: v.equal}, nil
}

// again waits before another attempt at an upload, or returns the error if
// there shall be none. The record is deleted then.
func (d *delivery) again(ctx context.Context, log *slog.Logger, id string, cause error) error {
	var transient *TransientError
	d.attempts++
	if !errors.As(cause, &transient) || d.attempts >= d.options.Attempts || ctx.Err() != nil {
		d.discard(ctx, log, id)
		return cause
	}
	pause := min(transient.After, d.options.RetryAfterMax)
	if pause == 0 {
		pause = d.options.Poll << (d.attempts - 1)
	}
	log.Warn("upload broke, trying again", "attempt", d.attempts, "pause", pause, "err", cause)
	d.giveBack()
	if err := sleep(ctx, pause); err != nil {
		d.discard(ctx, log, id)
		return errors.Join(err, cause)
	}
	return nil
}

// abandon cleans up when a launch ends while it waits: only what is ours.
func (d *delivery) abandon(ctx context.Context, log *slog.Logger, id string, mine bool) {
	if mine {
		d.discard(ctx, log, id)
	}
}

// discard deletes our record, also when the launch was cancelled.
func (d *delivery) discard(ctx context.Context, log *slog.Logger, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.options.Cleanup)
	defer cancel()
	if err := d.cloud.Delete(ctx, id); err != nil {
		log.Error("record left behind", "err", err)
	}
}

// acquire takes an upload slot, if none is held: first of the VIM, so that a
// queue for one VIM keeps no other waiting.
func (d *delivery) acquire(ctx context.Context) error {
	if d.release != nil {
		return nil
	}
	if err := d.vimSlots.Acquire(ctx, 1); err != nil {
		return err
	}
	if err := d.slots.Acquire(ctx, 1); err != nil {
		d.vimSlots.Release(1)
		return err
	}
	d.release = func() {
		d.slots.Release(1)
		d.vimSlots.Release(1)
	}
	return nil
}

func (d *delivery) giveBack() {
	if d.release != nil {
		d.release()
		d.release = nil
	}
}

// An observation of a record tells how long it has not changed, by our clock.
type observation struct {
	state [3]string
	since time.Time
}

func (o *observation) quiet(img Image) time.Duration {
	state := [...]string{string(img.Status), img.UpdatedAt, img.Mark.Beat}
	if now := time.Now(); o.state != state || o.since.IsZero() {
		o.state, o.since = state, now
	}
	return time.Since(o.since)
}

// backoff is a pause that doubles.
type backoff struct{ first, most, next time.Duration }

func (b *backoff) wait(ctx context.Context) error {
	b.next = min(max(b.first, 2*b.next), b.most)
	return sleep(ctx, b.next)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
