package glancetest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"time"
)

// readSize is how much of a body is read at once, in bytes: large, so that
// reading costs a fast sender nothing.
const readSize = 1 << 20

// receive reads a body into a sink, with all that is to go wrong on the way.
// The content is never nil.
func (g *Glance) receive(x *exchange, img Image) (*content, error) {
	s, err := g.newSink(img.ID)
	if err != nil {
		return &content{}, err
	}
	if s.file != nil {
		defer s.file.Close()
	}
	limit, tooLarge := g.limit(img)
	if x.r.ContentLength > limit {
		return s.content, tooLarge
	}
	err = g.read(x, s, limit)
	switch {
	case errors.Is(err, errOverLimit):
		return s.content, tooLarge
	case err != nil:
		return s.content, err
	}
	wrong := false
	for _, f := range x.faults {
		wrong = wrong || f.WrongHash
		if f.AfterBytes == WholeBody && !f.AfterEffect {
			if err := f.act(x); err != nil {
				return s.content, err
			}
		}
	}
	s.finish(g.options.HashAlgorithm, wrong)
	return s.content, nil
}

// errOverLimit stops reading a body that is too long.
var errOverLimit = errors.New("body over limit")

// read copies the body to s and lets faults happen at their bytes.
func (g *Glance) read(x *exchange, s *sink, limit int64) error {
	due, rate := pending(x.faults)
	buf := make([]byte, readSize)
	if rate > 0 {
		// Twenty portions a second.
		buf = buf[:max(1, min(readSize, rate/20))]
	}
	for {
		p := buf
		if len(due) > 0 {
			p = buf[:min(int64(len(buf)), due[0].AfterBytes-s.size)]
		}
		x.reading = true
		n, err := x.r.Body.Read(p)
		g.stats.received(x.r.PathValue("id"), n)
		if s.size+int64(n) > limit {
			return errOverLimit
		}
		if _, err := s.Write(p[:n]); err != nil {
			return fmt.Errorf("keep content: %w", err)
		}
		for len(due) > 0 && s.size >= due[0].AfterBytes {
			if err := due[0].act(x); err != nil {
				return err
			}
			due = due[1:]
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			// The sender left: whatever is answered, nobody reads it.
			return refuse(http.StatusBadRequest, "Client disconnected before sending all data to backend")
		}
		if rate > 0 {
			if err := x.server.pause(x.r.Context(), time.Duration(n)*time.Second/time.Duration(rate)); err != nil {
				return err
			}
		}
	}
}

// pending picks the faults that wait for a number of bytes, in order of their
// moments, and the slowest rate.
func pending(all []Fault) (due []Fault, rate int64) {
	for _, f := range all {
		if f.Rate > 0 && (rate == 0 || f.Rate < rate) {
			rate = f.Rate
		}
		if f.AfterBytes > 0 && !f.AfterEffect {
			due = append(due, f)
		}
	}
	slices.SortStableFunc(due, func(a, b Fault) int { return cmp.Compare(a.AfterBytes, b.AfterBytes) })
	return due, rate
}

// limit is how many bytes the image may have, and the refusal of more.
func (g *Glance) limit(img Image) (int64, error) {
	limit, refusal := int64(math.MaxInt64), error(nil)
	if g.options.SizeCap > 0 {
		limit = g.options.SizeCap
		refusal = refuse(http.StatusRequestEntityTooLarge, "The incoming image is too large: The size cap is %d bytes", limit)
	}
	if g.options.Quota > 0 {
		g.mu.Lock()
		left := g.options.Quota
		for _, rec := range g.order {
			if rec.Owner == img.Owner && rec.stored() {
				left -= rec.Size
			}
		}
		g.mu.Unlock()
		if left < limit {
			limit = max(0, left)
			refusal = refuse(http.StatusRequestEntityTooLarge, "Image exceeds the storage quota: The size of the data would exceed the quota, only %d bytes are left", limit)
		}
	}
	return limit, refusal
}
