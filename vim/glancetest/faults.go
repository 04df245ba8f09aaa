package glancetest

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// A Fault is something that goes wrong with some requests. Its first fields
// choose the requests, the next ones the moment, the rest what happens then.
//
//	{Route: Upload, AfterBytes: 1 << 20, Status: 401}      token expires in mid-body
//	{Route: Upload, AfterBytes: 1 << 20, Cut: true}        connection breaks; image back to queued
//	{Route: Upload, AfterBytes: 1 << 20, Die: true}        worker dies; image stays in saving
//	{Route: Upload, AfterBytes: WholeBody, Status: 413}    quota noticed when all is sent
//	{Route: Create, AfterEffect: true, Cut: true}          image made, answer lost
//	{Route: List, Status: 503, RetryAfter: time.Second}    overload
//	{Times: -1, Delay: 5 * time.Millisecond}               a cloud that answers in 5 ms
//	{Route: Upload, Times: -1, Rate: 1 << 20}              reads 1 MiB a second
//	{Route: Upload, Do: func(*http.Request) { … }}         race: change something first
type Fault struct {
	// Route, Region and Image (an ID) each match all when empty. Keystone's
	// routes are in no region.
	Route  Route
	Region string
	Image  string
	// Skip lets so many matching requests pass first.
	Skip int
	// Times is how many requests the fault befalls after that; zero means one,
	// a negative number all.
	Times int

	// AfterBytes is the moment, in bytes of an upload's body that the server
	// has read by then; WholeBody is the body's end, before the image goes
	// active. Zero is before anything is read or changed, and the only moment
	// that routes other than Upload have. A body that ends before never sees
	// the fault.
	AfterBytes int64
	// AfterEffect makes the moment the one when everything is done and only
	// the answer is missing; Status and Cut then take the answer's place.
	AfterEffect bool

	// Do is called first, on the request's goroutine and without locks: it may
	// use the Server, wait, or talk to it over HTTP.
	Do func(*http.Request)
	// Delay is waited next.
	Delay time.Duration
	// Status answers with this status and Text. An image that was being
	// uploaded falls back to queued.
	Status int
	Text   string
	// RetryAfter, rounded up to seconds, is sent along with Status.
	RetryAfter time.Duration
	// Cut closes the connection without an answer. An image that was being
	// uploaded falls back to queued.
	Cut bool
	// Die is a Cut after which an image that was being uploaded stays in saving
	// for ever, as when Glance is killed.
	Die bool
	// Hang stands still until the client has left or the server closes. While
	// a body is unread the server cannot tell that the client left.
	Hang bool

	// Rate slows the whole upload down to so many bytes a second.
	Rate int64
	// WrongHash makes the finished upload's checksum and os_hash_value those of
	// other content.
	WrongHash bool
}

// WholeBody as AfterBytes means: when the body has been read to its end.
const WholeBody = -1

// errDie is errCut with the image left as it is.
var errDie = errors.New("worker died")

// Inject adds a fault. Several faults that match one request all befall it, in
// the order of injection, until one ends the request. The fault stays until it
// has befallen Times requests or remove is called.
func (s *Server) Inject(f Fault) (remove func()) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, &f)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		f.Times = 0
	}
}

// faults are those that are injected; their Skip and Times count down.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// match takes what befalls one request, and forgets what is used up.
func (fs *faults) match(route Route, region, image string) []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var hit []Fault
	live := fs.list[:0:0]
	for _, f := range fs.list {
		if f.matches(route, region, image) {
			if f.Skip > 0 {
				f.Skip--
			} else if f.Times != 0 {
				f.Times--
				hit = append(hit, *f)
			}
		}
		if f.Times != 0 {
			live = append(live, f)
		}
	}
	fs.list = live
	return hit
}

func (f *Fault) matches(route Route, region, image string) bool {
	return (f.Route == "" || f.Route == route) &&
		(f.Region == "" || f.Region == region) &&
		(f.Image == "" || f.Image == image)
}

// act does what the fault does at its moment. An error ends the exchange.
func (f *Fault) act(x *exchange) error {
	if f.Do != nil {
		f.Do(x.r)
	}
	if f.Delay > 0 {
		if err := x.server.pause(x.r.Context(), f.Delay); err != nil {
			return err
		}
	}
	switch {
	case f.Hang:
		select {
		case <-x.r.Context().Done():
		case <-x.server.closing:
		}
		return errCut
	case f.Die:
		return errDie
	case f.Cut:
		return errCut
	case f.Status != 0:
		text := f.Text
		if text == "" {
			text = http.StatusText(f.Status)
		}
		return &answer{status: f.Status, text: text, retryAfter: f.RetryAfter}
	}
	return nil
}
