package vim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// upload makes one attempt to upload to a queued record, and verifies the
// outcome. It fails with ErrConflict or ErrNotFound if the record has become
// somebody else's or is gone, however the upload itself seemed to end: an
// uploader that lost its record never reports success.
func (d *delivery) upload(ctx context.Context, log *slog.Logger, id string) (delivered, error) {
	content, err := d.offer.Open(ctx)
	if err != nil {
		return delivered{}, fmt.Errorf("open: %w", err)
	}
	defer content.Close()
	body := newBody(content, d.offer.Size, missingAlgorithms(d.offer, d.algorithm))
	body.progress = func(done int64) {
		if d.options.Progress != nil {
			d.options.Progress(Progress{VIM: d.cloud.Name(), Image: d.offer.Name, Done: done, Total: d.offer.Size})
		}
	}
	start := time.Now()
	err = d.send(ctx, log, id, body)
	put := time.Since(start)
	sums := body.close()
	if err != nil {
		return delivered{}, err
	}
	d.giveBack()
	got, err := d.confirm(ctx, id, sums)
	if err != nil {
		return delivered{}, err
	}
	log.Info("image uploaded", "bytes", d.offer.Size, "put", put, "duration", time.Since(start), "verified", got.verified)
	return got, nil
}

// send uploads the body and keeps beating meanwhile.
func (d *delivery) send(ctx context.Context, log *slog.Logger, id string, body *body) error {
	ctx, stop := context.WithCancelCause(ctx)
	var beats sync.WaitGroup
	beats.Go(func() {
		if err := d.beat(ctx, log, id, body); err != nil {
			stop(err)
		}
	})
	err := d.cloud.Upload(ctx, id, body, d.offer.Size)
	lost := context.Cause(ctx)
	stop(nil)
	beats.Wait()
	if err != nil && errors.Is(lost, ErrNotFound) {
		return lost
	}
	return err
}

// beat shows every few seconds that the upload is alive. It returns an error if
// the record has been deleted.
//
// Glance writes a record whole, without a look at what changed since it was
// read: a change that overlaps the start or the end of an upload can put its
// status back. So beats begin a while after the first byte was asked for, and
// the last bytes wait for the beat that is under way; from then on, while the
// VIM finishes, beats come just often enough not to be taken for dead.
func (d *delivery) beat(ctx context.Context, log *slog.Logger, id string, body *body) error {
	select {
	case <-body.begun:
	case <-ctx.Done():
		return nil
	}
	pause := d.options.Beat
	for sleep(ctx, pause) == nil {
		var err error
		pause, err = d.beatOnce(ctx, id, body)
		if errors.Is(err, ErrNotFound) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			log.Debug("beat", "err", err)
		}
	}
	return nil
}

func (d *delivery) beatOnce(ctx context.Context, id string, body *body) (next time.Duration, err error) {
	body.beating.Lock()
	defer body.beating.Unlock()
	if !body.finishing.IsZero() {
		slow := d.options.StallAfter / 3
		if since := time.Since(body.finishing); since < slow {
			return slow - since, nil
		}
		body.finishing = time.Now()
	}
	ctx, cancel := context.WithTimeout(ctx, d.options.StallAfter/3)
	defer cancel()
	return d.options.Beat, d.cloud.Beat(ctx, id, time.Now().UTC().Format(time.RFC3339Nano))
}

// confirm verifies what the VIM made of an upload that it has accepted.
func (d *delivery) confirm(ctx context.Context, id string, sums map[string]string) (delivered, error) {
	img, err := d.settled(ctx, id)
	if err != nil {
		return delivered{}, err
	}
	if sum, ok := sums["sha256"]; ok && sum != d.offer.SHA256 {
		return delivered{}, &CorruptError{ImageID: d.offer.ID, Want: d.offer.SHA256, Got: sum}
	}
	v, err := compare(ctx, d.offer, img, sums)
	if err != nil {
		return delivered{}, err
	}
	got, err := d.verified(img, Uploaded, v)
	if err != nil {
		return delivered{}, err
	}
	for algorithm, sum := range sums {
		if algorithm == "sha256" || d.offer.Learned == nil {
			continue
		}
		if err := d.offer.Learned(ctx, algorithm, sum); err != nil {
			d.warnings = append(d.warnings, fmt.Sprintf("image %s: %s not kept: %v", d.offer.Name, algorithm, err))
		}
	}
	return got, nil
}

// settled waits until an uploaded image is active.
func (d *delivery) settled(ctx context.Context, id string) (Image, error) {
	poll := backoff{first: d.options.Poll, most: 8 * d.options.Poll}
	for start := time.Now(); ; {
		img, err := d.cloud.Image(ctx, id)
		if err != nil || img.Status == Active {
			return img, err
		}
		if time.Since(start) > d.options.StallAfter {
			return Image{}, fmt.Errorf("%s after the upload", unusable(img))
		}
		if err := poll.wait(ctx); err != nil {
			return Image{}, err
		}
	}
}
